"""``archlint init`` where rule files exist, is interrupted, or has no time left."""

import textwrap
from pathlib import Path

import pytest
from click.testing import CliRunner

from archlint.cli import app as cli
from archlint.contracts.rulefile.load import loads
from tests.support import in_process
from tests.support.init_projects import NET, init_in_process, start_project


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Writes the files of a project and returns the models found in it."""
    return start_project(tmp_path, monkeypatch)


@pytest.fixture
def run(monkeypatch):
    return init_in_process(monkeypatch)


def test_a_file_with_mistakes_is_left_alone(project, run):
    project({"models.py": NET, "contracts/models.archlint.yaml": "mine\n"})
    result = run()
    assert result.exit_code == 2
    assert result.output.startswith(
        "Error: contracts/models.archlint.yaml has mistakes; nothing is added to it\n"
        "contracts/models.archlint.yaml:1:1: "
    )
    assert Path("contracts/models.archlint.yaml").read_text() == "mine\n"
    assert run("-o", "new/rules.archlint.yaml").exit_code == 0
    assert "Net: ../models.py:Net" in Path("new/rules.archlint.yaml").read_text()


def test_a_second_run_adds_what_is_new_and_changes_no_line(project, run):
    wide = """
    class Wide(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.head = nn.Linear(width, 2)

        def forward(self, x):
            return self.head(x)
    """
    net = textwrap.dedent(NET)
    project({"models.py": net})
    assert run().exit_code == 0
    file = Path("contracts/models.archlint.yaml")
    mine = file.read_text().replace("accepts: any size", "accepts: any H, W >= 8  # mine")
    file.write_text(mine)
    again = run()
    assert "contracts/models.archlint.yaml: no new model\n" in again.output
    assert file.read_text() == mine

    project({"models.py": net + net.replace("Net", "More").replace("from torch import nn", "")
             + textwrap.dedent(wide)})  # fmt: skip
    result = run()
    assert result.output.startswith("[1/1] More: accepts any size\n"), result.output
    rules = loads(file.read_text(), str(file))
    assert [c.id for c in rules.contracts] == ["Net", "More"]
    assert "# mine" in file.read_text()
    line = "Wide: {target: '../models.py:Wide', kwargs: {width: ...}}"
    assert f"#   {line}\n" in file.read_text()

    moved = file.read_text().replace("models:\n", f"models:\n  {line.replace('...}', '12}')}\n", 1)
    file.write_text(moved)
    assert run().output.startswith("[1/1] Wide: accepts any size\n")
    rules = loads(file.read_text(), str(file))
    assert [c.id for c in rules.contracts] == ["Net", "More", "Wide"]
    assert "Skipped" not in file.read_text()


def test_models_of_other_rule_files_are_not_written_again(project, run):
    other = """
        archlint: 1
        contracts:
          - {id: mine, models: models.py:Net, input: N 3 H W, accepts: any size}
    """
    project({"models.py": NET, "archlint.yaml": other})
    result = run()
    assert "no new model" in result.output


def test_each_model_is_written_at_once(project, run, monkeypatch):
    """An interruption after the first model loses nothing."""

    def interrupted(jobs, count=1, **kwargs):
        yield next(in_process.run(jobs, count, **kwargs))
        raise KeyboardInterrupt

    project({"one.py": NET, "two.py": NET.replace("Net", "Other")})
    monkeypatch.setattr("archlint.runner.pool.run", interrupted)
    result = CliRunner().invoke(cli.cli, ["init"])
    assert (result.exit_code, result.output) == (
        130,
        "[1/2] Net: accepts any size\n"
        "interrupted: contracts/models.archlint.yaml has the contracts so far; "
        "run archlint init again\n",
    )
    text = Path("contracts/models.archlint.yaml").read_text()
    assert [c.id for c in loads(text).contracts] == ["Net"]


def test_models_are_left_for_the_next_run_when_the_time_is_up(project, run, monkeypatch):
    monkeypatch.setattr("archlint.cli.first_rules.SECONDS_IN_ALL", -1.0)
    project({"one.py": NET, "two.py": NET.replace("Net", "Other")})
    first = run()
    assert "contracts/models.archlint.yaml: 1 contract; 1 not tried yet\n" in first.output
    assert "next: archlint init continues with the models not tried\n" in first.output
    assert "#   ../two.py:Other\n" in Path("contracts/models.archlint.yaml").read_text()
    assert run().output.startswith("[1/1] Other: accepts any size\n")
