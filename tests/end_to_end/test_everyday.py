"""What stands in the way of a new user: each difficulty has a test, here or at its place below."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import nn

import archlint
from archlint.cli.app import cli
from archlint.report import accepted_text
from tests.support import in_process

ROOT = Path(__file__).parents[2]
HERE = "end_to_end/test_everyday.py"
INIT = "end_to_end/test_init.py"
AGAIN = "end_to_end/test_init_again.py"
LOCK = "project/test_lock_file.py"
FIXES = "explanation/fixes/test_fixes.py"
TEXT = "report/test_text_report.py"

TESTS = {
    "no command names the next one":
        "end_to_end/test_cli.py::test_the_next_command_on_a_terminal_only",
    "help has no order": "end_to_end/test_cli.py::test_help_lists_the_commands_in_the_order_of_use",
    "print(verdict) is a repr":
        "contracts/test_verdict_text.py::test_the_text_of_a_broken_contract",
    "a notebook shows a repr":
        "end_to_end/test_notebook.py::test_each_result_has_a_map_and_its_text",
    "two inputs end in a wrong hint":
        "engine/infer/test_infer_command.py::"
        "test_a_missing_input_is_shown_with_the_models_own_arguments",
    "--input is no YAML":
        "engine/infer/test_infer_command.py::test_the_command_takes_yaml",
    "a model that needs arguments": "end_to_end/test_model_arguments.py::test_targets_and_names",
    "natural spellings of shapes": "contracts/rulefile/test_phrase_parser.py::test_shape_mistakes",
    "natural spellings of conditions":
        "contracts/rulefile/test_phrase_slips.py::test_a_slip_is_reported_with_its_valid_spelling",
    "a wrong input is a fact about the model":
        "engine/diagnosis/test_input_mismatch.py::test_the_input_is_said_to_be_described_wrongly",
    "init writes what a fix then breaks":
        "runner/test_patched_project.py::test_contracts_that_a_fix_makes_obsolete_are_updated_with_it",
    "init cannot be run again": f"{AGAIN}::test_a_second_run_adds_what_is_new_and_changes_no_line",
    "init skips notebooks without a word": f"{INIT}::test_notebooks_are_named",
    "fix --write exits 0 with broken contracts":
        "explanation/fixes/test_fixes_command.py::test_write_never_narrows_a_contract",
    "ceil_mode has no diff": f"{FIXES}::test_ceil_mode_where_only_pools_are_to_blame",
    "a wrapper has no place to go": f"{FIXES}::test_padding_where_windows_do_not_fit",
    "the JSON report lacks what the text has": f"{TEXT}::test_json",
    "paths in JSON are absolute":
        f"{TEXT}::test_json_has_a_source_relative_to_the_working_directory",
    "cached verdicts show an old time":
        "contracts/test_verdict_text.py::test_a_cached_verdict_shows_no_old_time",
    "no total time": "end_to_end/test_cli.py::test_the_next_command_on_a_terminal_only",
    "the bar names what has finished":
        "report/test_progress.py::test_a_contract_is_named_while_it_runs",
    "annotations carry the whole block":
        "report/test_formats.py::test_github_annotations_read_back",
    "the first command shows green lines only": f"{HERE}::test_an_example_is_broken_on_purpose",
    "a waiver with a typo": f"{HERE}::test_a_waiver_with_a_typo_is_told_what_it_may_mean",
    "one model under two names": f"{LOCK}::test_a_model_of_two_names_is_locked_and_compared_once",
    "diff of a lock file and a model": f"{LOCK}::test_diff_of_a_lock_file_and_a_model",
    "diff with a revision": "project/test_revision.py::test_what_the_working_copy_changed",
    "mistakes that need no torch import it":
        "end_to_end/test_model_arguments.py::test_no_command_imports_torch_for_a_mistake",
    "a typo in a zoo's name imports the zoo":
        "models/test_zoo_names.py::test_a_misspelled_name_is_missing_and_its_neighbours_are_named",
    "samples run the largest corner":
        "engine/sampling/test_work.py::"
        "test_a_bounded_contract_on_a_small_model_is_cheap_and_names_what_did_not_run",
    "odd words": "test_messages.py::test_the_words_of_all_messages",
    "no licence, no addresses":
        "end_to_end/test_distribution.py::test_the_wheel_has_the_code_and_its_metadata",
    "no page of limits, messages, files": f"{HERE}::test_the_pages_that_a_new_user_looks_for",
    "init writes at its end only": f"{AGAIN}::test_each_model_is_written_at_once",
    "a slow model holds up the others":
        f"{AGAIN}::test_models_are_left_for_the_next_run_when_the_time_is_up",
    "init finds parts, not the model":
        "project/discover/test_candidates.py::"
        "test_what_needs_arguments_is_listed_with_the_main_model_first",
    "configurations": f"{INIT}::test_configurations_with_defaults_are_made",
    "init downloads": "runtime/test_offline.py::test_network_and_installations_are_refused",
    "one job takes all threads":
        "runner/test_resources.py::test_the_users_threads_are_an_upper_limit",
    "sets in the words of the solver": f"{HERE}::test_a_position_table_is_a_plain_bound",
    "(x, None) has no output": f"{HERE}::test_an_output_that_is_none_in_part_has_a_formula",
}  # fmt: skip


def test_each_difficulty_has_its_test():
    missing = []
    for difficulty, place in TESTS.items():
        file, _, name = place.partition("::")
        tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
        if name not in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}:
            missing.append((difficulty, place))
    assert missing == []


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command in the folder of the test, in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("archlint.runner.pool.run", in_process.run)
    (tmp_path / "pyproject.toml").touch()
    return lambda *args: CliRunner().invoke(cli, args)


def test_an_example_is_broken_on_purpose(run):
    folder = ROOT / "examples" / "broken_on_purpose"
    result = run("check", str(folder), "--no-cache", "--samples", "1")
    assert result.exit_code == 0, "a warning, so that the first command passes"
    assert "broken, warning  any-photo · flatten_head" in result.output
    assert "fails at   N=1 H=32 W=32" in result.output
    assert "fix        AdaptiveAvgPool2d" in result.output
    head = (folder / "photos.archlint.yaml").read_text(encoding="utf-8").partition("archlint: 1")[0]
    for command in ("archlint explain", "archlint fix", "--write"):
        assert command in head, "the file says what to do"
    assert "examples/broken_on_purpose" in (ROOT / "README.md").read_text(encoding="utf-8")


RULES = """
archlint: 1
models: {net: net.py:Net}
contracts:
  - {id: small-clip, models: net, input: N 3, accepts: any N >= 1}
waivers:
  - {contract: %s, model: %s, reason: known, until: 2999-01-01}
"""


@pytest.mark.parametrize(
    ("contract", "model", "hint"),
    [
        ("smal-clip", '"*"', "did you mean 'small-clip'?"),
        ("small-clip", "nett", "did you mean 'net'?"),
    ],
)
def test_a_waiver_with_a_typo_is_told_what_it_may_mean(run, tmp_path, contract, model, hint):
    (tmp_path / "net.py").write_text("from torch import nn\nclass Net(nn.Identity):\n    pass\n")
    (tmp_path / "archlint.yaml").write_text(RULES % (contract, model))
    result = run("check", "--no-sample", "--no-cache")
    text = " ".join(result.output.split())
    assert f"matches no contract and model in this file; {hint}" in text
    assert "to do correct the waiver" in text
    assert result.exit_code == 1


def test_the_pages_that_a_new_user_looks_for():
    assert (ROOT / "LICENSE").is_file()
    assert (ROOT / "action.yml").is_file()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for text in ("docs/limitations.md", "docs/troubleshooting.md", "docs/maps.svg", "torchinfo",
                 "pytest-torch", "torch.export", "jaxtyping"):  # fmt: skip
        assert text in readme
    messages = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    assert "## What it writes into my repository" in messages


class Positions(nn.Module):
    """Patches with a table of 65 positions, sliced to what is there."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.positions = nn.Parameter(torch.zeros(1, 65, 8))

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        return x + self.positions[:, : x.shape[1]]


def test_a_position_table_is_a_plain_bound():
    found = archlint.infer(Positions(), "N 3 H W")
    assert found.exact
    assert "min(" not in found.text
    assert "<= 65" in found.text
    for height, width in ((4, 260), (263, 4), (8, 131), (4, 264), (3, 8)):
        accepted = height // 4 * (width // 4) in range(1, 66)
        assert found.accepts(N=1, H=height, W=width) is accepted


class WithNone(nn.Module):
    def forward(self, x):
        return x.flatten(1), None


def test_an_output_that_is_none_in_part_has_a_formula():
    entry = archlint.infer(WithNone(), "N 3 H W").entry()
    assert "output     [N 3*H*W, <None>]" in accepted_text.text([entry])
