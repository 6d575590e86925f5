"""What holds of the source as a whole: its size and shape, its tests, and no state between runs.

The lists of exceptions can only shrink: an entry that is not needed any more fails.
"""

import ast
from collections import defaultdict
from statistics import median

import pytest

from tests import REPO

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

TOP = REPO / "archlint"
FILES = sorted(TOP.rglob("*.py"))
MODULES = [f for f in FILES if f.name != "__init__.py"]


def relative(file):
    return file.relative_to(REPO).as_posix()


# The shape


def test_the_top_level():
    packages = [p for p in TOP.iterdir() if (p / "__init__.py").is_file()]
    modules = list(TOP.glob("*.py"))
    assert len(packages) <= 12, packages
    assert len(modules) <= 6, modules


def test_the_layers():
    config = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))
    layers = [c for c in config["tool"]["importlinter"]["contracts"] if c["type"] == "layers"]
    (top,) = (c for c in layers if c["containers"] == ["archlint"])
    assert len(top["layers"]) <= 14
    assert top["exhaustive"]


def test_files_are_short():
    lines = {relative(f): len(f.read_text(encoding="utf-8").splitlines()) for f in FILES}
    assert {f: n for f, n in lines.items() if n > 400} == {}
    assert median(lines.values()) < 130


def test_files_of_tests_and_benchmarks_are_short():
    files = [f for top in ("tests", "benchmarks") for f in (REPO / top).rglob("*.py")]
    lines = {relative(f): len(f.read_text(encoding="utf-8").splitlines()) for f in files}
    assert {f: n for f, n in lines.items() if n > 400} == {}


SAME_NAME = {
    "badge": "the command, and the report that it prints",
    "explain": "the command, and the explanation that it prints",
    "infer": "the command, and the answer that it prints",
    "pool": "pooling layers, and the pool of worker processes",
}


def test_no_two_modules_have_one_name():
    names = defaultdict(list)
    for file in MODULES:
        names[file.stem].append(relative(file))
    twice = {name: files for name, files in names.items() if len(files) > 1}
    assert {n: f for n, f in twice.items() if n not in SAME_NAME} == {}
    assert SAME_NAME.keys() - twice.keys() == set(), "these need no exception any more"


# The tests

# By package: where modules without a test file of their own name are tested, and which they are.
TESTED_ELSEWHERE = {
    "archlint": (
        "tests/end_to_end and tests/test_api.py: started or imported by every test",
        "__main__ hooks",
    ),
    "archlint/cli": (
        "tests/end_to_end: whole commands",
        "annotated_jobs app apply_adoption badge cache check compare_artifact cost diff "
        "exit_codes explain export_ranges first_rules fix html_output infer init job_options "
        "lock model_argument next_step profile_jobs report_output rules rules_explain "
        "rules_schema rules_test rules_validate run_jobs select_jobs verdict_log",
    ),
    "archlint/contracts": (
        "tests/report/page/test_pages.py: the map of a broken contract's verdict",
        "verdict_map",
    ),
    "archlint/report/page": (
        "tests/report/page/test_pages.py and tests/end_to_end/test_page_in_browser.py: whole pages",
        "cost_data diff_page document layer_tree map_data model_page run_page",
    ),
    "archlint/contracts/rulefile/ranges": (
        "tests/contracts/rulefile/ranges/test_forms.py: every form, written and read again",
        "coreml_shapes declared example_tensors export_dims json_ranges mark_dynamic "
        "openvino_shapes shapes_spec tensorrt_profiles text_proto triton_config",
    ),
    "archlint/engine": (
        "tests/end_to_end/test_random_contracts.py: verdicts, against enumeration",
        "annotated_contract input_guess limited_run prove python_contracts verdicts",
    ),
    "archlint/engine/cost": (
        "tests/engine/cost/test_model_cost.py: parts of one answer; "
        "tests/project/test_lock_file.py: what is recorded",
        "lock_file_costs parameters",
    ),
    "archlint/engine/artifact": (
        "tests/engine/artifact/test_comparison.py: comparisons, with a runtime that misbehaves",
        "artifact_differences artifact_notes eager_outputs runtime_process",
    ),
    "archlint/engine/describe": (
        "tests/engine/describe/test_describe.py: parts of one description",
        "cover equivalence guess phrase_builder relations restrict sign_changes",
    ),
    "archlint/engine/diagnosis": (
        "tests/engine/diagnosis/test_diagnose.py: one part of a diagnosis",
        "size_chain",
    ),
    "archlint/engine/infer": (
        "tests/engine/infer/test_infer.py: parts of one answer",
        "acceptance output_formulas refusals",
    ),
    "archlint/engine/sampling": (
        "tests/engine/sampling/test_sampling.py: parts of one comparison",
        "peak_memory real_run sizes",
    ),
    "archlint/engine/structure": (
        "tests/engine/structure/test_structure.py: every check, by its verdicts",
        "checks definition_site input_axes model_view reach_check structural_verdict violation",
    ),
    "archlint/engine/weights": (
        "tests/engine/weights/test_ties.py: the claims, by the ties that follow from them",
        "guards symbolic_weights",
    ),
    "archlint/explanation": (
        "tests/explanation/test_explain.py: parts of one explanation",
        "explanation_text limiting_layers path_rows relaxation",
    ),
    "archlint/explanation/fixes": (
        "tests/explanation/fixes/test_fixes.py: every fix, applied and proved",
        "broken_contract constructors find_fixes layer_arguments "
        "operator_calls pad_input pool_before_flatten position_embedding proposal resize_input "
        "replace_pool rule_file_fixes wrap",
    ),
    "archlint/models": (
        "tests/models/test_targets.py: every model is built through them",
        "code_places containers generators user_code zoos",
    ),
    "archlint/ops": (
        "tests/ops: every rule is looked up in them",
        "aliases read_positions registry torch_versions",
    ),
    "archlint/ops/rules": (
        "tests/ops/values/test_int_ranges.py: rules whose sizes values determine; "
        "tests/engine/reach: what positions read, by the fields that follow",
        "boxes data_dependent reach reach_views",
    ),
    "archlint/ops/shapes": (
        "tests/ops/rules: what rules share, against the real operators",
        "axes possible_strides type_promotion",
    ),
    "archlint/ops/values": (
        "tests/ops/values: with the bounds that they judge or follow",
        "grid_calls tight_bounds",
    ),
    "archlint/project": (
        "tests/project and tests/engine/infer: with the models that they are about",
        "exported_ranges lock_check",
    ),
    "archlint/project/adoption": (
        "tests/end_to_end/test_adoption.py: waivers and baselines, by their reports",
        "baseline contract_case project_adoption waiver_checks",
    ),
    "archlint/project/discover": (
        "tests/project/discover/test_candidates.py: parts of what is discovered",
        "model_definitions name_lookup submodels",
    ),
    "archlint/project/packs": (
        "tests/end_to_end/test_rules_command.py: what is done with packs",
        "contract_text find_packs new_pack pack_examples pack_page",
    ),
    "archlint/report": (
        "tests/report/test_formats.py: every format, on the same runs",
        "accepted_text badge cost_text fix_text github gitlab json_report jsonl junit markdown "
        "run_results starter_rules",
    ),
    "archlint/runner": (
        "tests/runner/test_pool.py: both ends of a worker, and sweeps",
        "check_copy fork_server job_process server_process stack_dump warm_up",
    ),
    "archlint/runner/cache": (
        "tests/runner/cache/test_store.py: parts of one cache",
        "not_comparable path_questions project_digest",
    ),
    "archlint/runtime": (
        "tests/runtime/test_deadline.py: what a checked model cannot hurt; "
        "tests/runner/test_worker.py: with and without forks",
        "import_path import_watch outside_watch process_lock",
    ),
    "archlint/tracing": (
        "tests/tracing/test_tracer.py: parts of one trace",
        "call_log call_scopes events facts model_tracer run signals trace weight_calls",
    ),
    "archlint/tracing/exception_handling": (
        "tests/tracing/exception_handling/test_exception_flow.py: parts of following exceptions",
        "reporting_calls statements",
    ),
    "archlint/tracing/keys": (
        "tests/tracing/keys/test_look_ups.py: parts of following look-ups",
        "found_keys watched_code",
    ),
    "archlint/tracing/loops": (
        "tests/tracing/loops/test_loop_iterator.py: parts of following a loop",
        "before_turn definitions falling generalise lists loop_functions loops mapped_items names "
        "plans sequence_functions symbolic_ranges turn turn_lists",
    ),
    "archlint/tracing/merge": (
        "tests/tracing/merge/test_module_merge.py: parts of a merge",
        "side_effects unify",
    ),
    "archlint/tracing/python": (
        "tests/tracing/test_tracer.py and tests/tracing/keys/test_look_ups.py: what traces use",
        "run_code",
    ),
    "archlint/tracing/symint": (
        "tests/tracing/symint/test_node.py: arithmetic behind the protocol",
        "code_uses float_kinds integers logarithms numbered_code numbers numpy_scalars "
        "random_parts size_keys text_frames",
    ),
}


def own_test(file):
    """The test file of a module: the same path, below ``tests``."""
    return REPO / "tests" / file.parent.relative_to(TOP) / f"test_{file.name}"


def test_every_module_has_a_test_of_its_name_or_a_reason():
    without = defaultdict(set)
    for file in MODULES:
        if not own_test(file).is_file():
            without[relative(file.parent)].add(file.stem)
    listed = {package: set(names.split()) for package, (_, names) in TESTED_ELSEWHERE.items()}
    packages = without.keys() | listed.keys()
    missing = {p: sorted(without[p] - listed.get(p, set())) for p in packages}
    unneeded = {p: sorted(listed.get(p, set()) - without[p]) for p in packages}
    assert {p: n for p, n in missing.items() if n} == {}, "these have no test file"
    assert {p: n for p, n in unneeded.items() if n} == {}, "these are gone or have a test file"


@pytest.mark.parametrize("package", TESTED_ELSEWHERE)
def test_the_place_of_a_reason_exists(package):
    where, _, why = TESTED_ELSEWHERE[package][0].partition(": ")
    assert why
    for place in where.split(" and "):
        assert (REPO / place).exists(), place


def without_aspects(place):
    """A test file's path, and those of ``test_NAME.py`` if it may be ``test_NAME_ASPECT.py``."""
    words = place.stem.split("_")[1:]
    for n in range(len(words), 0, -1):
        yield place.with_name("_".join(["test", *words[:n]]) + ".py")


def test_every_test_file_is_of_a_module():
    """Also the other way round: below a package's folder, no test outlives its module's name."""
    outside = {"end_to_end", "cases", "data", "support", "robustness"}
    stray = []
    for file in sorted((REPO / "tests").glob("*/**/test_*.py")):
        place = file.relative_to(REPO / "tests")
        if place.parts[0] not in outside and not any(
            name.as_posix() in OF_A_PACKAGE
            or (TOP / name.parent / name.name.removeprefix("test_")).is_file()
            for name in without_aspects(place)
        ):
            stray.append(place.as_posix())
    assert stray == []


OF_A_PACKAGE = {
    "engine/sampling/test_sampling.py",
    "engine/structure/test_structure.py",
    "explanation/fixes/test_fixes.py",
    "ops/test_every_rule.py",
    "report/page/test_pages.py",
    "report/test_formats.py",
    "report/test_injection.py",
}
"""Test files of a whole package."""


# State
STATE = {
    "archlint/tracing/symint/numbered_code.py: _REWRITTEN": "the same in every run",
    "archlint/runner/remote.py: IDLE_WORKERS": "idle worker processes, behind a lock",
    "archlint/contracts/contract.py: ANY_SIZE": "a constant",
    "archlint/contracts/rulefile/ranges/python_values.py: UNKNOWN": "a constant",
    "archlint/contracts/contract.py: ANY_SIZES": "a constant",
    "archlint/ops/registry.py: IN_RANGE": "a constant",
    "archlint/ops/registry.py: RULES": "a registry, filled by imports and plugins",
    "archlint/ops/registry.py: NAMED": "a registry, filled by imports",
    "archlint/ops/registry.py: INPLACE": "a registry, filled by imports",
    "archlint/ops/values/grid_calls.py: _HANDLERS": "a table, filled by its module",
    "archlint/ops/traits.py: _STATED": "a registry, filled by imports and plugins",
    "archlint/tracing/symint/python_types.py: NUMPY_TYPES": "filled by numpy_scalars",
    "archlint/tracing/tensors/attributes.py: ATTRIBUTES": "a registry, filled by its module",
    "archlint/runtime/effort_clock.py: _known": "what the system said last, of each thread",
    "archlint/models/targets.py: _SETTINGS": "what imports set, to be set again for later checks",
    "archlint/contracts/plugins.py: _managers": "the plugins of the process, imported once",
    "archlint/contracts/plugins.py: _loaded": "whether plugins load in this block",
    "archlint/contracts/plugins.py: _ruled": "which plugins have registered their rules",
    "archlint/symbolic/atom.py: _ATOMS": "equal atoms are one object; none is ever changed",
    "archlint/symbolic/expr.py: _EXPRS": "equal sizes are one object; none is ever changed",
    "archlint/symbolic/formula.py: _FORMULAS": "equal ones are one object; none is ever changed",
    "archlint/runtime/process_lock.py: PROCESS_LOCK": "admits one run at a time",
    "archlint/runtime/uninterruptible.py: _depth": "of each thread; 0 again after every block",
    "archlint/tracing/run.py: _Current.run": "for callbacks; set and unset by a block",
}
"""Module-level objects that change after import, each with the reason why no run sees another's."""


MADE = {"dict", "list", "set", "deque", "defaultdict", "Counter", "OrderedDict", "ContextVar"}


def changeable(value, classes):
    """Whether an object is made to be filled or changed later.

    ``classes`` are those of its module whose instances can change.
    """
    if isinstance(value, (ast.List, ast.Set)):
        return not value.elts
    if isinstance(value, ast.Dict):
        return not value.keys
    kind = ast.unparse(value.func).rpartition(".")[2] if isinstance(value, ast.Call) else ""
    return kind in MADE | classes or kind.startswith("Weak") or kind in ("local", "Lock", "RLock")


def mutable_classes(tree):
    """The names of a module's classes but for frozen ones."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {
        c.name for c in classes if "frozen=True" not in "".join(map(ast.unparse, c.decorator_list))
    }


def rebound(tree):
    """Globals, and attributes of the module's classes, that functions bind to other objects."""
    classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield from ((name, node) for name in node.names)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner in classes | {"cls"}:
                yield ast.unparse(node), node


def state_of(tree):
    """What a module holds that can change after its import: name to source."""
    classes = mutable_classes(tree)
    found = {name: ast.unparse(node) for name, node in rebound(tree)}
    for node in tree.body:
        assigns = isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None
        if assigns and changeable(node.value, classes):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            found[ast.unparse(target)] = ast.unparse(node)
    return found


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("SEEN = []", {"SEEN"}),
        ("KINDS = {1: 'a'}\nPAIR = (1, 2)", set()),
        ("HERE: dict[str, int] = dict()", {"HERE"}),
        ("CACHE = weakref.WeakKeyDictionary()", {"CACHE"}),
        ("class Run:\n    pass\n\nRUN = Run()", {"RUN"}),
        ("@dataclass(frozen=True)\nclass Point:\n    x: int\n\nORIGIN = Point(0)", set()),
        ("last = None\ndef f():\n    global last\n    last = 1", {"last"}),
        ("class Now:\n    run = None\ndef f():\n    Now.run = 1", {"Now.run"}),
    ],
)
def test_state_is_recognised(source, names):
    assert set(state_of(ast.parse(source))) == names


def test_no_module_holds_the_state_of_a_run():
    found = {
        f"{relative(file)}: {name}": text
        for file in FILES
        for name, text in state_of(ast.parse(file.read_text(encoding="utf-8"))).items()
    }
    assert {name: text for name, text in found.items() if name not in STATE} == {}
    assert STATE.keys() - found.keys() == set(), "these need no exception any more"
