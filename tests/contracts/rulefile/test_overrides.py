"""Severity and overrides: what they change, what is told, and what fails."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from archlint.cli import app as cli
from archlint.contracts.rulefile.load import load
from archlint.contracts.verdict import Verdict, exit_code
from archlint.errors import RuleFileError
from tests.support import in_process

pytest_plugins = ["pytester"]

PACK = """\
archlint: 1
pack: photo
about: Photos of any shape.
parameters: {min: {about: the smallest side, default: 32}}
contracts:
  - {id: sides, input: N 3 H W, accepts: "any H, W >= {min}", severity: warning}
  - {id: rows, input: N 3 H W, accepts: "any H >= {min} and W >= 1"}
"""

RULES = """\
archlint: 1
models: {good: nets.py:Good, bad: nets.py:Bad}
use:
  - pack: ./photo.yaml
    models: [good, bad]
contracts:
  - {id: own, models: [good, bad], input: N 3 H W, accepts: any H == 8 and W == 8}
"""

NETS = """\
from torch import nn

class Good(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))

class Bad(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3 * 8 * 8, 2)

    def forward(self, x):
        return self.head(x.flatten(1))
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a rule file into the current folder, which is new and has a pack and models."""
    monkeypatch.chdir(tmp_path)
    Path("photo.yaml").write_text(PACK)
    Path("nets.py").write_text(NETS)

    def write(more="", text=RULES):
        Path("rules.yaml").write_text(text + more)
        return Path("rules.yaml")

    return write


@pytest.fixture
def run(write, monkeypatch):
    monkeypatch.setattr("archlint.runner.pool.run", in_process.run)
    return lambda *args: CliRunner().invoke(cli.cli, ["check", "--no-cache", *args])


def told(path):
    """(id, severity, models, what is promised) of each contract."""
    return [
        (c.id, c.severity, [ref.name for ref in c.models], c.clause.text.removeprefix("any "))
        for c in load(path).contracts
    ]


def test_severity_is_a_key_of_a_contract(write):
    assert told(write()) == [
        ("own", "error", ["good", "bad"], "H == 8 and W == 8"),
        ("sides", "warning", ["good", "bad"], "H, W >= 32"),
        ("rows", "error", ["good", "bad"], "H >= 32 and W >= 1"),
    ]


def test_off_is_read_bare_and_in_quotes(write):
    for word in ("off", "'off'"):
        own = RULES.replace("{id: own,", f"{{id: own, severity: {word},")
        assert load(write(text=own)).contracts[0].severity == "off"


def test_the_last_match_wins_for_each_setting(write):
    path = write(
        """\
overrides:
  - {contract: "*", severity: "off", reason: first}
  - {contract: "[rs]*", model: bad, severity: warning, with: {min: 64}, reason: second}
  - {contract: rows, model: bad, with: {min: 16}, reason: third}
"""
    )
    assert told(path) == [
        ("own", "off", ["good", "bad"], "H == 8 and W == 8"),
        ("sides", "off", ["good"], "H, W >= 32"),
        ("sides", "warning", ["bad"], "H, W >= 64"),
        ("rows", "off", ["good"], "H >= 32 and W >= 1"),
        ("rows", "warning", ["bad"], "H >= 16 and W >= 1"),
    ]
    assert [c.severity_reason for c in load(path).contracts] == [
        "first", "first", "second", "first", "second"
    ]  # fmt: skip


def test_the_overrides_of_the_file_come_after_those_of_a_use(write):
    inner = "    overrides: [{severity: off, with: {min: 1}, reason: here}]\ncontracts:"
    text = RULES.replace("contracts:", inner)
    more = "overrides: [{contract: rows, severity: error, reason: there}]\n"
    assert told(write(more, text))[1:] == [
        ("sides", "off", ["good", "bad"], "H, W >= 1"),
        ("rows", "error", ["good", "bad"], "H >= 1 and W >= 1"),
    ]


@pytest.mark.parametrize(
    ("override", "line", "column", "found", "expected"),
    [
        ("{severity: warning}", 9, 5, "the key 'reason' is missing",
         "reason: with an explanation"),
        ("{reason: x}", 9, 5, "found an override that changes nothing", "severity or with"),
        ("{severity: warn, reason: x}", 9, 16,
         "found the text 'warn'; did you mean 'warning'?", "one of error, warning, off"),
        ("{contract: side, severity: warning, reason: x}", 9, 16,
         "found 'side', which matches no contract; did you mean 'sides'?",
         "one of own, rows, sides"),
        ("{model: b, severity: warning, reason: x}", 9, 13, "found 'b', which matches no model",
         "one of bad, good"),
        ("{contract: sides, with: {mim: 3}, reason: x}", 9, 30,
         "found the unknown parameter 'mim'; did you mean 'min'?", "one of min"),
        ("{contract: own, with: {min: 3}, reason: x}", 9, 28, "found the unknown parameter 'min'",
         "no values: there are no parameters"),
        ("{contract: rows, with: {min: x}, reason: x}", 9, 34, "found the text 'x'",
         "a whole number, at least 0"),
        ("{severty: off, severity: warning, reason: x}", 9, 6,
         "found the unknown key 'severty'; did you mean 'severity'?",
         "one of contract, model, severity, with, reason"),
    ],
)  # fmt: skip
def test_mistakes(write, override, line, column, found, expected):
    with pytest.raises(RuleFileError) as caught:
        load(write(f"overrides:\n  - {override}\n"))
    seen = [(m.where.line, m.where.column, m.found, m.expected) for m in caught.value.mistakes]
    assert seen == [(line, column, found, expected)]


def test_an_override_must_meet_a_pair_that_there_is(write):
    text = RULES.replace("{id: own, models: [good, bad]", "{id: own, models: good")
    with pytest.raises(
        RuleFileError,
        match="'own' and the model 'bad', but that contract is not checked for that model",
    ):
        load(write("overrides: [{contract: own, model: bad, severity: off, reason: x}]\n", text))


@pytest.mark.parametrize("word", ["broken", "vacuous", "error", "tested", "proved"])
def test_a_warning_does_not_change_the_exit_code(word):
    warned = Verdict(word, severity="warning")
    assert exit_code([warned], strict=True) == 0
    assert exit_code([warned, Verdict("broken")]) == 1
    assert warned.to_json()["severity"] == "warning"


@pytest.mark.slow
def test_check_reports_warnings_and_lists_what_is_off(write, run):
    write(
        """\
overrides:
  - {contract: rows, severity: off, reason: the old rows are cut}
  - {contract: own, severity: warning, reason: to be trained again}
"""
    )
    result = run("rules.yaml", "-v")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[:2] == [
        "off  rows · good   (the old rows are cut)",
        "off  rows · bad   (the old rows are cut)",
    ]
    assert "rules.yaml:4  broken, warning  sides · bad" in lines
    assert lines[-1] == "3 proved, 1 broken (warning)"
    assert "off" not in run("rules.yaml").output
    assert run("rules.yaml", "--select", "rows").output == "nothing was checked\n"


def test_check_tells_the_reason_and_the_pack(write, run):
    write("overrides: [{contract: sides, model: bad, severity: error, reason: they must}]\n")
    result = run("rules.yaml", "--select", "sides")
    assert result.exit_code == 1
    assert "  pack       photo\n" in result.output
    assert "  severity   error: they must\n" in result.output
    assert result.output.splitlines()[-1] == "1 proved, 1 broken"


def test_pytest_passes_warnings_and_skips_what_is_off(pytester):
    pytester.makepyfile(nets=NETS)
    pytester.makefile(".yaml", photo=PACK)
    more = "overrides: [{contract: rows, severity: off, reason: the old rows are cut}]\n"
    pytester.makefile(".archlint.yaml", rules=RULES + more)
    result = pytester.runpytest_inprocess("-rs", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=4, skipped=2)
    result.stdout.fnmatch_lines(
        [
            "broken, warning  sides · bad  rules.archlint.yaml:4  *",
            "SKIPPED * rules.archlint.yaml:4: the old rows are cut",
        ]
    )
