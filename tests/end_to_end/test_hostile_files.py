"""Files that are no files, or deep or huge: one clear error in bounded time from each command."""

from __future__ import annotations

import os

import pytest
from click.testing import CliRunner

from archlint.cli.app import cli
from archlint.contracts.rulefile.yaml_source import MAX_MISTAKES

RULES = """\
archlint: 1
models: {a: "x:y"}
contracts:
  - {id: a, models: [a], input: N 3, accepts: any N}
"""
DECLARED = RULES.replace("any N", "{from: ranges.json}")
DEEP = "from torch import nn\nclass A(nn.Module): pass\nx = " + "-" * 200_000 + "1\n"

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command on files with these texts; ``None``: a FIFO that nobody writes to."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()

    def run(*args, **texts):
        for name, text in texts.items():
            path = tmp_path / name.replace("__", ".")
            path.unlink(missing_ok=True)
            os.mkfifo(path) if text is None else path.write_text(text)
        result = CliRunner().invoke(cli, [*args])
        assert isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.output

    return run


@pytest.mark.parametrize(
    ("args", "files", "found"),
    [
        (["rules", "validate"], {"archlint__yaml": None}, "this is not a regular file"),
        (
            ["rules", "validate"],
            {"archlint__yaml": DECLARED, "ranges__json": None},
            "ranges.json:1:1: this is not a regular file",
        ),
        (
            ["rules", "validate"],
            {"archlint__yaml": DECLARED.replace("ranges.json", "/dev/zero")},
            "/dev/zero:1:1: this is not a regular file",
        ),
        (
            ["check", "--resume", "log"],
            {"archlint__yaml": RULES, "log": None},
            "log cannot be read: it is not a regular file",
        ),
        (
            ["rules", "validate"],
            {"archlint__yaml": RULES, "pyproject__toml": "a = " + "[" * 10_000},
            "nested too deeply",
        ),
        (
            ["rules", "validate"],
            {"archlint__yaml": RULES, "pyproject__toml": f"a = {'9' * 10_000}"},
            "pyproject.toml: ",
        ),
        (
            ["rules", "validate"],
            {"archlint__yaml": RULES, "pyproject__toml": " " * (1 << 24) + "\n"},
            "more than 16 MiB",
        ),
        (["init"], {"model__py": None}, "no model in 0 Python files"),
        (["init"], {"model__py": DEEP}, "no model in "),
    ],
)
def test_each_is_one_error(run, args, files, found):
    code, text = run(*args, **files)
    assert code == 2
    assert found in text
    assert "Traceback" not in text


def test_a_source_that_cannot_be_parsed_is_left_to_the_import(run):
    code, text = run("infer", "model.py:A", model__py=DEEP)
    assert (code, text.splitlines()) == (2, [text.strip()])
    assert text.startswith("Error: model.py could not be imported: ")


@pytest.mark.parametrize(
    "line", ["k{}: 1\n", "k: 1\n", "k{}: !a\n", "~: 1\n"], ids=["unknown", "twice", "tag", "empty"]
)
def test_the_first_mistakes_of_a_file_are_reported(run, line):
    text = "archlint: 1\n" + "".join(line.format(i) for i in range(2 * MAX_MISTAKES))
    code, said = run("rules", "validate", archlint__yaml=text)
    assert code == 2
    assert said.count("archlint.yaml:") == MAX_MISTAKES + 1
    assert f"found more than {MAX_MISTAKES} mistakes" in said
