"""The plugin inside pytest, run in this process: collection, options, outcomes, reports."""

import json
import os
import random
import sys
import xml.etree.ElementTree as ElementTree

import pytest
import torch

import archlint

pytest_plugins = ["pytester"]

NETS = """
import sys
import time
import torch
from torch import nn

def head():
    return nn.Sequential(nn.Flatten(), nn.Linear(8, 2))

class Branching(nn.Module):
    def forward(self, x):
        return x + 1 if x.shape[0] % 7 == 3 else x

def broken_build():
    return _deeper()

def _deeper():
    raise ValueError("no weights here")

def leave():
    sys.exit(3)

class Leaves(nn.Module):
    def forward(self, x):
        sys.exit(3)

class Interrupted(nn.Module):
    def forward(self, x):
        raise KeyboardInterrupt

class Hangs(nn.Module):
    def forward(self, x):
        while True:
            time.sleep(0.01)

class Dirty(nn.Module):
    def forward(self, x):
        import os, random
        print("hello from the model")
        print("and from its other side", file=sys.stderr)
        torch.manual_seed(1)
        random.seed(1)
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        os.environ["DIRTY"] = "1"
        sys.path.insert(0, "/nowhere")
        return x
"""

HOLDS = """\
archlint: 1
models:
  head: nets:head
contracts:
  - id: any-batch
    models: [head]
    input: N 8
    accepts: any N
    output: N 2
"""

BREAKS = """\
archlint: 1
models:
  head: nets:head
contracts:
  - id: any-width
    models: [head]
    input: N F
    accepts: any N, F
"""


@pytest.fixture(scope="session", autouse=True)
def _warm():
    """Everything is imported once: pytester forgets what a run in this process imports."""

    assert not archlint.check(torch.nn.Linear(8, 2), "N F", accepts="any F", samples=1)


@pytest.fixture
def run(pytester):
    """Run pytest on the given files; returns pytester's result."""
    pytester.makepyfile(nets=NETS)
    pytester.syspathinsert()

    def run(*args, files=None, **more):
        for name, text in {**(files or {}), **more}.items():
            path = pytester.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        quiet = ("-p", "no:randomly", "-p", "no:cacheprovider", "--archlint-samples=1")
        # In this process archlint is imported already, as in no pytest that a user starts.
        rewritten = "ignore:Module already imported:pytest.PytestAssertRewriteWarning"
        return pytester.runpytest_inprocess(*quiet, *args, "-W", rewritten)

    return run


def contract(body, model="nets:head", **keys):
    """A rule file of one contract; ``body`` its other lines."""
    lines = ["archlint: 1", "models:", f"  m: {model}", "contracts:", "  - id: c", "    models: m"]
    return "\n".join([*lines, *(f"    {line}" for line in body.splitlines()), ""])


# -- collection ------------------------------------------------------------------------------


def test_one_item_for_each_contract_model_and_mode(run):
    rules = HOLDS.replace("  head: nets:head", "  head: nets:head\n  same: nets:head")
    rules = rules.replace("[head]", "[head, same]")
    rules += "  - {id: b, models: 'nets:head', input: N 8, accepts: any N, mode: train}\n"
    result = run("--co", "-q", files={"contracts/x.archlint.yaml": rules, "archlint.yaml": HOLDS})
    assert result.outlines[:4] == [
        "archlint.yaml::any-batch[head]",
        "contracts/x.archlint.yaml::any-batch[head]",
        "contracts/x.archlint.yaml::any-batch[same]",
        "contracts/x.archlint.yaml::b[nets:head-train]",
    ]


def test_other_yaml_files_are_left_alone(run):
    others = ("compose.yaml", "x.archlint.yml", "notarchlint.yaml", "contracts/x.yaml")
    result = run("--co", files=dict.fromkeys(others, HOLDS))
    assert result.ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize(
    "ini",
    [
        "[tool.pytest.ini_options]\narchlint_rules = ['rules/*.yaml']",
        "[tool.pytest.ini_options]\narchlint_rules = ['rules']\ntestpaths = ['tests']",
        "[tool.pytest.ini_options]\n[tool.archlint]\npaths = ['rules/a.yaml', 'rules/b.yaml']",
    ],
)
def test_configured_rule_files(run, ini):
    files = {"pyproject.toml": ini, "rules/a.yaml": HOLDS, "rules/b.yaml": BREAKS}
    files["tests/test_it.py"] = "def test_it(): pass"
    result = run("--co", "-q", files=files)
    found = sorted(line for line in result.outlines if "::" in line)
    assert found == [
        "rules/a.yaml::any-batch[head]",
        "rules/b.yaml::any-width[head]",
        "tests/test_it.py::test_it",
    ]


def test_a_configured_place_without_rule_files_is_an_error(run):
    result = run(files={"pytest.ini": "[pytest]\narchlint_rules = contarcts/*.yaml"})
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*archlint_rules: there is no rule file *contarcts/[*].yaml"])


def test_selection_by_keyword_marker_and_node_id(run, pytester):
    files = {"a.archlint.yaml": HOLDS, "b.archlint.yaml": BREAKS}
    files["test_it.py"] = "def test_it(): pass\ndef test_fixture(archlint): pass"

    def chosen(*args):
        lines = run("--co", "-q", *args, files=files).outlines
        return [line.partition("::")[2] for line in lines if "::" in line]

    assert chosen() == ["any-batch[head]", "any-width[head]", "test_it", "test_fixture"]
    assert chosen("-m", "archlint") == ["any-batch[head]", "any-width[head]", "test_fixture"]
    assert chosen("-m", "not archlint") == ["test_it"]
    assert chosen("-k", "any-width or nothing") == ["any-width[head]"]
    assert chosen("--deselect", "a.archlint.yaml::any-batch[head]")[0] == "any-width[head]"
    assert chosen("b.archlint.yaml::any-width[head]") == ["any-width[head]"]
    assert chosen("b.archlint.yaml::any-width") == ["any-width[head]"]
    assert chosen("--archlint-select", "*-batch") == ["any-batch[head]", "test_it", "test_fixture"]
    assert chosen("--no-archlint") == ["test_it", "test_fixture"]


def test_a_selection_that_matches_nothing_is_an_error(run):
    result = run("--archlint-select", "any-bach", files={"archlint.yaml": HOLDS})
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no contract matches 'any-bach'; there are any-batch"])


def test_a_broken_rule_file_is_one_error_with_all_mistakes_and_the_rest_runs(run, pytester):
    bad = HOLDS.replace("models: [head]", "model: [head]").replace("any N", "evry N")
    files = {"a.archlint.yaml": bad, "b.archlint.yaml": HOLDS, "test_it.py": "def test_it(): pass"}
    result = run("--archlint-json=out.json", files=files)
    result.assert_outcomes(passed=2, errors=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*ERROR collecting a.archlint.yaml*",
            "a.archlint.yaml:5:5: the key 'models' is missing",
            "a.archlint.yaml:6:5: found the unknown key 'model'; did you mean 'models'?",
            "a.archlint.yaml:8:14: found 'evry'",
            "        accepts: evry N",
            "                 ^",
        ]
    )
    errors = json.loads((pytester.path / "out.json").read_text())["errors"]
    assert [e["line"] for e in errors] == [5, 6, 8]


def test_a_broken_test_module_still_stops_the_session(run):
    files = {"a.archlint.yaml": "archlint: 2", "test_it.py": "import nothing_such"}
    result = run(files=files)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=2)


# -- outcomes --------------------------------------------------------------------------------


def test_a_violation_is_the_report_of_archlint_and_no_traceback(run):
    result = run(files={"archlint.yaml": BREAKS})
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "archlint.yaml:5  BROKEN  any-width · head",
            "  contract   accepts any N, F",
            "  fails at   N=1 F=1   (smallest; confirmed by running: RuntimeError: *",
            "  at         1  Linear(8, 2)",
            "=* archlint *=",
            "BROKEN  any-width · head  archlint.yaml:5  N=1 F=1 is refused: *",
            "1 broken",
            "FAILED archlint.yaml::any-width[[]head[]] - N=1 F=1 is refused: *",
        ]
    )
    output = result.stdout.str()
    assert "Traceback" not in output
    assert "deciding.py" not in output
    assert "claims  " not in output


def test_very_verbose_adds_the_chain_and_the_claims(run):
    result = run("-vv", files={"archlint.yaml": BREAKS})
    result.stdout.fnmatch_lines(
        [
            "  chain      0  flatten → N F",
            "             1  linear → *",
            "  claims     *in_features 8*",
        ]
    )


def test_errors_are_errors_with_the_users_own_traceback(run):
    body = "input: N 8\naccepts: any N"
    files = {"archlint.yaml": contract(body, "nets:broken_build")}
    files["b.archlint.yaml"] = contract(body, "nets:leave")
    files["c.archlint.yaml"] = contract(body, "netz:head")
    files["d.archlint.yaml"] = contract(body, "fixture:nothing")
    result = run(files=files)
    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(
        [
            "archlint.yaml:5  ERROR  c · m",
            "  reason     nets:broken_build could not be built: ValueError: no weights here *",
            "nets.py:*: in broken_build",
            "nets.py:*: in _deeper",
            "E   ValueError: no weights here",
            "  reason     nets:leave could not be built: it calls sys.exit *",
            "  reason     there is no module netz *",
            "  reason     there is no fixture 'nothing'; *",
            "4 errors",
        ]
    )
    assert "site-packages" not in result.stdout.str()
    assert "pytest_archlint" not in result.stdout.str()


TESTED = contract("input: N 8\naccepts: any N\nbudget: {paths: 1}", "nets:Branching")


def test_tested_passes_with_a_note(run):
    result = run("-ra", files={"archlint.yaml": TESTED})
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["tested  c · m  archlint.yaml:5  not proved: *", "1 tested"])
    assert "not proved" not in run().stdout.str()


@pytest.mark.parametrize("ini", ["", "[pytest]\narchlint_strict = true"])
def test_tested_fails_when_strict(run, ini):
    args = () if ini else ("--archlint-strict",)
    result = run(*args, files={"archlint.yaml": TESTED, "pytest.ini": ini or "[pytest]"})
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["archlint: *; strict", "tested  c · m*", "  not proved *"])


def test_vacuous_fails(run):
    result = run(files={"archlint.yaml": contract("input: N 8\naccepts: any N > 4 and N < 3")})
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*VACUOUS  c · m", "1 vacuous"])


@pytest.mark.parametrize(
    ("key", "sizes", "outcome"),
    [
        ("skip: not yet", "N 8", {"skipped": 1}),
        ("xfail: known", "N F", {"xfailed": 1}),
        ("xfail: known", "N 8", {"failed": 1}),  # strict is the default
        ("xfail: {reason: known, strict: false}", "N 8", {"xpassed": 1}),
    ],
)
def test_skip_and_xfail(run, key, sizes, outcome):
    result = run(
        "-rsxX", files={"archlint.yaml": contract(f"{key}\ninput: {sizes}\naccepts: any N")}
    )
    result.assert_outcomes(**outcome)
    if "skipped" in outcome:
        result.stdout.fnmatch_lines(["SKIPPED [[]1[]] archlint.yaml:5: not yet"])
    if "xfailed" in outcome:
        result.stdout.fnmatch_lines(["1 broken as expected", "XFAIL *::c[[]m[]] - known"])


def test_a_contract_expected_to_break_must_still_be_decided(run):
    rules = contract("xfail: known\ninput: N 8\naccepts: any N", "nets:broken_build")
    run(files={"archlint.yaml": rules}).assert_outcomes(errors=1)


# -- reports ---------------------------------------------------------------------------------


def test_summary_json_and_junit(run, pytester):
    files = {"a.archlint.yaml": HOLDS, "b.archlint.yaml": BREAKS, "c.archlint.yaml": TESTED}
    result = run("--archlint-json=out/verdicts.json", "--junitxml=out/junit.xml", files=files)
    result.stdout.fnmatch_lines(["archlint: rule files *", "1 proved, 1 broken, 1 tested"])
    document = json.loads((pytester.path / "out/verdicts.json").read_text())
    assert document["summary"] == {"proved": 1, "tested": 1, "vacuous": 0, "broken": 1, "error": 0}
    assert [v["file"] for v in document["verdicts"]] == sorted(files)
    assert document["verdicts"][1]["counterexample"] == {"N": 1, "F": 1}
    cases = ElementTree.parse(pytester.path / "out/junit.xml").iter("testcase")
    found = {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in cases
    }
    assert found == {
        "any-batch[head]": {"verdict": "proved"},
        "any-width[head]": {"verdict": "broken", "counterexample": "N=1 F=1", "layer": "1"},
        "c[m]": {"verdict": "tested"},
    }


def test_ini_equivalents(run, pytester):
    ini = "[pytest]\narchlint_select = any-b*\narchlint_json = v.json\narchlint_samples = x"
    files = {
        "pytest.ini": ini.replace("= x", "= 0"),
        "a.archlint.yaml": HOLDS,
        "archlint.yaml": BREAKS,
    }
    run(files=files).assert_outcomes(passed=1, deselected=1)
    assert (pytester.path / "v.json").exists()
    assert run("--no-archlint").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-o", "archlint_samples=x")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*archlint_samples: found 'x'; expected a number of samples"])
    assert run("--archlint-samples=-1").ret == pytest.ExitCode.USAGE_ERROR
    run("-o", "archlint=false", "--archlint").assert_outcomes(passed=1, deselected=1)


def test_last_failed_exit_first_and_durations(run, pytester):
    files = {"a.archlint.yaml": BREAKS, "b.archlint.yaml": HOLDS, "c.archlint.yaml": BREAKS}
    run(files=files)
    quiet = ("-p", "no:randomly", "--archlint-samples=1")
    result = pytester.runpytest_inprocess(*quiet, "--durations=3", "-vv")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*s call * ?.archlint.yaml::any-*[[]head[]]"])
    pytester.runpytest_inprocess(*quiet, "--lf").assert_outcomes(failed=2)
    pytester.runpytest_inprocess(*quiet, "--ff", "-x").assert_outcomes(failed=1)


def test_setup_plan_decides_nothing(run):
    files = {"archlint.yaml": contract("input: N 8\naccepts: any N", "fixture:model")}
    files["conftest.py"] = "import pytest\n@pytest.fixture\ndef model(): 1/0"
    result = run("--setup-plan", files=files)
    result.stdout.fnmatch_lines(["*SETUP    F model", "*::c[[]m[]] (fixtures used: *model*)"])
    result.assert_outcomes()


# -- contracts in Python ---------------------------------------------------------------------


def test_the_fixture(run):
    source = """
    import pytest
    from nets import head

    @pytest.fixture
    def model():
        return head()

    def test_holds(archlint, model):
        verdict = archlint.check(model, "N 8", accepts="any N", output="N 2")
        assert verdict.word == "proved"

    @pytest.mark.parametrize("width", [8, 9])
    def test_width(archlint, model, width):
        archlint.check(model, f"N {width}", accepts="any N")

    def test_target(archlint):
        archlint.check("nets:head", {"input": "N 8"}, accepts="any N", rejects=None)

    def test_typo(archlint, model):
        archlint.check(model, "N 8", accepts="evry N")
    """
    result = run(files={"test_it.py": _dedent(source)})
    result.assert_outcomes(passed=3, failed=2)
    result.stdout.fnmatch_lines(
        [
            "test_it.py:15  BROKEN  test_width[[]9[]] · Sequential",
            "  contract   accepts any N",
            '>       archlint.check(model, "N 8", accepts="evry N")',
            "E*found 'evry'",
            'E *accepts: "evry N"',
            "E  *       ^",
            "test_it.py:*: ArchlintError",
        ]
    )


def test_the_marker(run):
    source = """
    import pytest
    from nets import head

    @pytest.fixture
    def built():
        return head()

    @pytest.mark.archlint(input="N 8", accepts="any N", output="N 2")
    def test_holds(built):
        return built

    @pytest.mark.archlint(input="N F", accepts="any F")
    @pytest.mark.archlint("N 8", accepts="any N")
    def test_breaks():
        return head()

    @pytest.mark.archlint(input="N 8", accepts="any N")
    def test_nothing():
        head()

    @pytest.mark.archlint(input="N 8", acepts="any N")
    def test_wrong_word():
        return head()

    @pytest.mark.archlint
    def test_label():
        pass
    """
    result = run("--strict-markers", files={"test_it.py": _dedent(source)})
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(
        [
            "test_it.py:13  BROKEN  test_breaks · Sequential",
            "test_nothing has the archlint marker with a contract, so it must return a model",
            "@pytest.mark.archlint of test_wrong_word: *'acepts'*",
            "2 proved, 1 broken",
        ]
    )


def test_the_marker_on_a_unittest_case_is_an_error(run):
    source = """
    import unittest
    import pytest
    from nets import head

    class TestOld(unittest.TestCase):
        @pytest.mark.archlint(input="N F", accepts="any F")
        def test_breaks(self):
            return head()

        def test_other(self):
            pass
    """
    result = run(files={"test_it.py": _dedent(source)})
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["@pytest.mark.archlint of test_breaks: a method of unittest.TestCase cannot return*"]
    )


def test_structure_in_python(run):
    source = """
    import pytest
    from nets import head

    def test_fixture(archlint):
        archlint.check(head(), structure={"forbids": ["BatchNorm2d"]})

    @pytest.mark.archlint(structure={"forbids": ["Linear"]})
    def test_marker():
        return head()

    @pytest.mark.archlint(accepts="any N")
    def test_no_input():
        return head()
    """
    result = run(files={"test_it.py": _dedent(source)})
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "test_it.py:8  BROKEN  test_marker · Sequential",
            "  contract   structure forbids: [[]Linear[]]",
            "@pytest.mark.archlint of test_no_input: the key 'input' is missing",
        ]
    )
    result.stdout.no_fnmatch_line("*During handling*")


def test_switched_off_contracts_in_python_are_skipped(run):
    source = """
    import pytest
    def test_fixture(archlint): 1/0
    @pytest.mark.archlint(input="N 8", accepts="any N")
    def test_marker(): 1/0
    """
    result = run("--no-archlint", files={"test_it.py": _dedent(source)})
    result.assert_outcomes(skipped=2)
    result.stdout.fnmatch_lines(["archlint: off"])


def test_a_session_fixture_under_a_rule_file(run):
    conftest = """
    import pytest, nets
    built = []

    @pytest.fixture(scope="session")
    def small_model():
        built.append(1)
        return nets.head()

    @pytest.fixture(scope="module")
    def per_file(small_model):
        return small_model

    @pytest.fixture
    def fails():
        raise RuntimeError("no GPU")

    @pytest.fixture(autouse=True)
    def seed(request):
        request.module.touched = True

    def pytest_sessionfinish():
        assert built == [1]
    """
    rules = HOLDS.replace("nets:head", "fixture:small_model")
    both = rules.replace("head]", "head, f]").replace(
        "models:\n", "models:\n  f: fixture:per_file\n", 1
    )
    bad = contract("input: N 8\naccepts: any N", "{target: 'fixture:small_model', args: [1]}")
    files = {"conftest.py": _dedent(conftest), "a.archlint.yaml": rules, "b.archlint.yaml": both}
    files["c.archlint.yaml"] = contract("input: N 8\naccepts: any N", "fixture:fails")
    files["d.archlint.yaml"] = bad
    result = run(files=files)
    result.assert_outcomes(passed=3, errors=2)
    result.stdout.fnmatch_lines(
        ["E       RuntimeError: no GPU", "*it takes no args or kwargs", "3 proved, 2 errors"]
    )


# -- robustness ------------------------------------------------------------------------------


def test_models_hurt_their_own_item_only(run):
    body = "input: N 8\naccepts: any N\nbudget: {seconds: 1}"
    files = {
        "a.archlint.yaml": contract(body, "nets:Hangs"),
        "b.archlint.yaml": contract(body, "nets:Leaves"),
        "c.archlint.yaml": contract(body, "nets:Dirty"),
        "d.archlint.yaml": contract(body, "nets:Interrupted"),
        "e.archlint.yaml": HOLDS,
    }
    before = (torch.get_rng_state(), random.getstate(), dict(os.environ), sys.path.copy())
    result = run("-v", files=files)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert "DIRTY" not in os.environ
    assert "/nowhere" not in sys.path
    assert before[2].keys() - os.environ.keys() <= {"PYTEST_CURRENT_TEST"}
    assert torch.get_default_dtype() is torch.float32
    assert torch.is_grad_enabled()
    result.stdout.fnmatch_lines(
        [
            "a.archlint.yaml::c[[]m[]] ERROR*",
            "b.archlint.yaml::c[[]m[]] *",
            "c.archlint.yaml::c[[]m[]] PASSED*",
            "d.archlint.yaml::c[[]m[]] ERROR*",
            "e.archlint.yaml::any-batch[[]head[]] PASSED*",
            "  reason     did not finish within 1 s; it was at nets.py:*",
        ]
    )
    assert "b.archlint.yaml::c[m] PASSED" not in result.stdout.str()
    assert "hello from the model" not in result.stdout.str()


@pytest.mark.slow
def test_a_shorter_time_limit_of_pytest_timeout_comes_first(run):
    pytest.importorskip("pytest_timeout")
    rules = contract("input: N 8\naccepts: any N", "nets:Hangs")
    result = run("--timeout=4", "-p", "timeout", files={"archlint.yaml": rules})
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Timeout*4.0s*"])


def test_pdb_opens_in_the_model(run):
    debugger = """
    class Recorder:
        def __init__(self, *args, **kwargs): pass
        def reset(self): pass
        def interaction(self, frame, raised, *more):
            at = getattr(raised, "__traceback__", raised)  # an exception since Python 3.13
            while at.tb_next: at = at.tb_next
            print("OPENED AT", at.tb_frame.f_code.co_name)
    """
    nets = (
        NETS + "\nclass Strict(nn.Module):\n    def forward(self, image):\n        "
        "assert image.shape[1] == 8\n        return image\n"
    )
    files = {"recorder.py": _dedent(debugger), "nets.py": nets}
    files["archlint.yaml"] = contract("input: N F\naccepts: any F", "nets:Strict")
    result = run("--pdb", "--pdbcls=recorder:Recorder", files=files)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*OPENED AT forward*"])


def test_warnings_as_errors_do_not_reach_the_engine(run):
    result = run(
        "-W", "error", "--strict-config", "--import-mode=importlib", files={"archlint.yaml": HOLDS}
    )
    result.assert_outcomes(passed=1)


def test_from_a_subdirectory_and_with_another_rootdir(run, pytester, monkeypatch):
    files = {"contracts/x.archlint.yaml": HOLDS, "sub/y.archlint.yaml": BREAKS, "away/a.txt": ""}
    files["pyproject.toml"] = "[tool.pytest.ini_options]\n"
    run("--rootdir", "away", "contracts", files=files).assert_outcomes(passed=1)
    monkeypatch.chdir(pytester.path / "sub")
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["rootdir: *", "y.archlint.yaml:5  BROKEN *"])
    run("../contracts/x.archlint.yaml").assert_outcomes(passed=1)


def _dedent(text):
    from textwrap import dedent

    return dedent(text)


LOCKED = """
archlint: 1
models: {net: "nets.py:net"}
contracts:
  - {id: any-side, models: [net], input: N 1 H W, accepts: "any H, W >= 3"}
  - {id: outputs, models: [net], input: N 1 H W, accepts: "any H, W >= 3", output: N 2 H-2 W-2}
"""


@pytest.fixture
def with_lock(pytester):
    """A project whose one model is in its lock file."""
    from click.testing import CliRunner

    from archlint.cli import app as cli
    from tests.support import in_process

    net = "from torch import nn\n\ndef net():\n    return nn.Conv2d(1, 2, {})\n"
    pytester.makepyprojecttoml("[project]\nname = 'p'\n")
    pytester.path.joinpath("archlint.yaml").write_text(LOCKED)
    pytester.path.joinpath("nets.py").write_text(net.format(3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("archlint.runner.pool.run", in_process.run)
        result = CliRunner().invoke(cli.cli, ["lock"])
    assert result.exit_code == 0, result.output
    return lambda text: pytester.path.joinpath("nets.py").write_text(net.format(text))


def test_models_are_held_to_the_lock_file(pytester, with_lock):
    result = pytester.runpytest_inprocess("--archlint-locked", "-v")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["*archlint.yaml::locked[[]net] PASSED*"])
    with_lock("3, padding=1")
    result = pytester.runpytest_inprocess("--archlint-locked")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "archlint.lock:5  BROKEN  locked · net (eval, N 1 H W)",
            "  reason      has grown",
            "  before      accepts H, W >= 3",
            "  now         accepts any size",
            "  to accept   archlint lock --update",
        ]
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1, failed=1)  # nobody asked for the lock


FIXTURE_RULES = """
archlint: 1
models: {made: "fixture:made"}
contracts: [{id: any-side, models: [made], input: N 1 H W, accepts: "any H, W >= 3"}]
"""


def test_models_of_fixtures_are_held_to_the_lock_file(pytester, with_lock):
    from click.testing import CliRunner

    from archlint.cli import app as cli
    from tests.support import in_process

    conftest = "import nets, pytest\n\n@pytest.fixture\ndef made():\n    return nets.net()\n"
    pytester.makeconftest(conftest)
    pytester.path.joinpath("made.archlint.yaml").write_text(FIXTURE_RULES)
    only = ("--archlint-locked", "-k", "locked and made")
    result = pytester.runpytest_inprocess(*only)
    result.assert_outcomes(failed=1, deselected=4)
    result.stdout.fnmatch_lines(
        ["*is not in the lock file*", "*to accept*pytest --archlint-update-lock"]
    )
    result = pytester.runpytest_inprocess("--archlint-update-lock")
    result.assert_outcomes(passed=5)
    written = pytester.path.joinpath("archlint.lock").read_text()
    assert [line for line in written.splitlines() if "model:" in line][:2] == [
        "  - model: made", "  - model: net",
    ]  # fmt: skip
    pytester.runpytest_inprocess(*only).assert_outcomes(passed=1, deselected=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("archlint.runner.pool.run", in_process.run)
        for command in (["lock"], ["lock", "--update"]):
            result = CliRunner().invoke(cli.cli, command)
            assert result.exit_code == 0, result.output
            assert "only pytest can build fixture:made" in result.output
    assert pytester.path.joinpath("archlint.lock").read_text() == written
    with_lock("5")
    pytester.runpytest_inprocess(*only).assert_outcomes(failed=1, deselected=4)


def test_a_missing_lock_file_is_an_error(pytester, with_lock):
    pytester.path.joinpath("archlint.lock").unlink()
    result = pytester.runpytest_inprocess("--archlint-locked", "-k", "locked")
    result.assert_outcomes(errors=1, deselected=2)
    result.stdout.fnmatch_lines(["*archlint.lock does not exist; archlint lock writes it*"])
