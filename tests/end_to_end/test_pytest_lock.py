"""Models held to the lock file by pytest."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from archlint.cli import app as cli
from archlint.project import lock_file
from tests.support import in_process
from tests.support.pytest_runs import imported_once

pytest_plugins = ["pytester"]


LOCKED = """
archlint: 1
models: {net: "nets.py:net"}
contracts:
  - {id: any-side, models: [net], input: N 1 H W, accepts: "any H, W >= 3"}
  - {id: outputs, models: [net], input: N 1 H W, accepts: "any H, W >= 3", output: N 2 H-2 W-2}
"""


NET = "from torch import nn\n\ndef net():\n    return nn.Conv2d(1, 2, {})\n"


def write_project(folder):
    (folder / "pyproject.toml").write_text("[project]\nname = 'p'\n")
    (folder / "archlint.yaml").write_text(LOCKED)
    (folder / "nets.py").write_text(NET.format(3))


@pytest.fixture(scope="module", autouse=True)
def locked(tmp_path_factory):
    """The lock file of the project; what is imported for it is imported once."""
    imported_once()
    folder = tmp_path_factory.mktemp("locked")
    write_project(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("archlint.runner.pool.run", in_process.run)
        result = CliRunner().invoke(cli.cli, ["lock"])
    assert result.exit_code == 0, result.output
    return (folder / "archlint.lock").read_text()


@pytest.fixture
def with_lock(pytester, locked):
    """A project whose one model is in its lock file."""
    write_project(pytester.path)
    pytester.path.joinpath("archlint.lock").write_text(locked)
    return lambda text: pytester.path.joinpath("nets.py").write_text(NET.format(text))


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


def test_an_entry_without_a_model_is_reported_once(pytester, with_lock):
    path = pytester.path.joinpath("archlint.lock")
    (net,) = lock_file.read(path).entries.values()
    path.write_text(lock_file.text([net, replace(net, model="gone")]))
    rules = LOCKED.replace("id: ", "id: more-")
    pytester.path.joinpath("more.archlint.yaml").write_text(rules)
    result = pytester.runpytest_inprocess("--archlint-locked", "-k", "gone")
    result.assert_outcomes(failed=1, deselected=6)
    result.stdout.fnmatch_lines(["archlint.lock:5  BROKEN  locked * gone *", "*no longer under*"])
    pytester.path.joinpath("more.archlint.yaml").write_text(rules.replace("net", "gone"))
    result = pytester.runpytest_inprocess("--archlint-locked", "--collect-only", "-q", "-k", "gone")
    result.stdout.fnmatch_lines(["more.archlint.yaml::locked[[]gone]"])
    result.stdout.no_fnmatch_line("archlint.yaml::locked[[]gone]")


def test_a_missing_lock_file_is_an_error(pytester, with_lock):
    pytester.path.joinpath("archlint.lock").unlink()
    result = pytester.runpytest_inprocess("--archlint-locked", "-k", "locked")
    result.assert_outcomes(errors=1, deselected=2)
    result.stdout.fnmatch_lines(["*archlint.lock does not exist; archlint lock writes it*"])
