"""``archlint lock --model``: the entries of single models."""

import pytest
from click.testing import CliRunner

from archlint.cli.app import cli
from tests.support import in_process

MODELS = """
from torch import nn
def small():
    return nn.Sequential(nn.Conv2d(3, 4, {kernel}), nn.AdaptiveAvgPool2d(1))
def other():
    return nn.Conv2d(3, {classes}, 1)
"""
RULES = """
archlint: 1
models: {small: nets.py:small, other: nets.py:other, again: nets.py:small}
contracts:
  - {id: a, models: %s, input: N 3 H W, accepts: "any H, W >= 9"}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project; calling it writes its models and rules."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("archlint.runner.pool.run", in_process.run)
    (tmp_path / "pyproject.toml").touch()

    def write(kernel=3, classes=2, models="[small, other]"):
        (tmp_path / "nets.py").write_text(MODELS.format(kernel=kernel, classes=classes))
        (tmp_path / "archlint.yaml").write_text(RULES % models)

    return write


def run(*args):
    result = CliRunner().invoke(cli, args)
    return result.exit_code, result.stdout, result.stderr


def test_models_are_chosen_by_name(project):
    project()
    assert run("lock", "--model", "small") == (0, "archlint.lock: 1 new\n", "")
    assert run("lock", "--model", "o*") == (0, "archlint.lock: 1 new\n", "")
    project(kernel=5, classes=3)
    assert run("lock", "--model", "other", "--update")[1].endswith("archlint.lock: 1 changed\n")
    code, out, _ = run("lock")
    assert (code, "other" in out) == (1, False), "only the entry of small is still to be updated"
    code, _, error = run("lock", "--model", "smal")
    assert (code, "no model matches 'smal'; did you mean 'small'?" in error) == (2, True)


def test_a_model_chosen_by_its_second_name_keeps_its_entry(project):
    project(models="[small, again]")
    assert run("lock")[1] == "archlint.lock: 1 new\n"
    assert run("lock", "--model", "again")[1] == "archlint.lock: 1 unchanged\n"
