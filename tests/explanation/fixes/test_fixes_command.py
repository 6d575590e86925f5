"""The command ``archlint fix``: what it prints, and what it writes."""

import functools

import pytest
import torch
from click.testing import CliRunner

from archlint.cli.fix import fix as command
from tests.support.fix_project import MODELS, load_model, rules, write_models


@pytest.fixture
def project(tmp_path, monkeypatch, one_copy_server):
    """A project with the models; calling it writes a rule file of one contract."""
    write_models(tmp_path)
    monkeypatch.chdir(tmp_path)
    return functools.partial(rules, tmp_path)


def test_the_command_prints_and_leaves_files_alone(project, tmp_path):
    model = MODELS.replace("        x = F", "        print('from the model')\n        x = F", 1)
    (tmp_path / "nets.py").write_text(model)
    file = project("Flat", "N 1 H W", "any H, W >= 16", "N 3")
    result = CliRunner().invoke(command, [str(file)])
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"{file}:"), "what the model prints is not in the report"
    assert "fix        AdaptiveAvgPool2d((8, 8)) before the flatten" in result.output
    assert "accepts    H, W >= 2   (proved, and no other size)" in result.output
    assert "weights    the existing weights fit" in result.output
    assert (tmp_path / "nets.py").read_text() == model


def test_a_search_that_time_ended_says_so(project):
    file = project("Fixed", "N 1 H W", "any H, W >= 4", None)
    output = CliRunner().invoke(command, [str(file), "--seconds", "0.0001"]).output
    assert "no proven fix found\n  not tried  all fixes\n" in output
    assert "the time limit of 0.0001 s ended the search (--seconds)" in output


def test_write_changes_the_file(project, tmp_path):
    file = project("Flat", "N 1 H W", "any H, W >= 16", "N 3")
    result = CliRunner().invoke(command, [str(file), "--write"])
    assert "written to nets.py: AdaptiveAvgPool2d((8, 8))" in result.output
    assert (result.exit_code, result.output.splitlines()[-1]) == (0, "1 written")
    assert load_model(tmp_path, "Flat")(torch.randn(1, 1, 50, 30)).shape == (1, 3)
    assert CliRunner().invoke(command, [str(file)]).output == "nothing to fix\n"


def test_write_interpolates_to_the_size_of_a_skip_connection(project, tmp_path):
    file = project("Dense", "N 1 H W", "any H, W >= 4", "N 1 H W")
    result = CliRunner().invoke(command, [str(file), "--write"])
    assert "written to nets.py: interpolate to the size of `x`" in result.output
    assert load_model(tmp_path, "Dense")(torch.randn(2, 1, 5, 8)).shape == (2, 1, 5, 8)


def test_write_never_narrows_a_contract(project, tmp_path):
    file = project("Fixed", "N 1 H W", "any H, W >= 4", "N 1 H W")
    before = file.read_text()
    result = CliRunner().invoke(command, [str(file), "--write"])
    assert "nothing written" in result.output
    assert (result.exit_code, result.output.splitlines()[-1]) == (1, "0 written, 1 needs you")
    assert file.read_text() == before
