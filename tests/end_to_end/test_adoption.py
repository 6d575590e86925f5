"""Waivers: what they waive, what they must not, and the page on adoption."""

import re
from pathlib import Path

import pytest

from archlint.contracts.verdict import Proof, Samples, Verdict
from tests import REPO
from tests.support.adopting_project import broken, empty_project


@pytest.fixture
def project(tmp_path, monkeypatch):
    return empty_project(tmp_path, monkeypatch)


def test_a_waived_breach_is_told_and_does_not_count(project):
    project.models = {"vgg": broken(), "resnet": "proved"}
    project.write({"photo": ["vgg", "resnet"]}, [("photo", "vgg", "2026-12-31")])
    result = project.check()
    assert result.exit_code == 0
    assert result.stdout == (
        "archlint.yaml:6  broken, waived  photo · vgg\n"
        "  note       waived until 2026-12-31: planned\n"
        "\n"
        "proved  photo · resnet   (0 paths, 0 claims, no samples, 0.00 s)\n"
        "\n"
        "1 proved, 1 broken (waived)\n"
    )
    verdict = project.verdicts()["photo", "vgg"]
    assert verdict["verdict"] == "broken"
    assert verdict["waived"] == {"reason": "planned", "until": "2026-12-31"}
    assert verdict["note"] == "waived until 2026-12-31: planned"


def test_verbose_shows_what_was_waived_and_quiet_nothing(project):
    project.models = {"vgg": broken()}
    project.write({"photo": ["vgg"]}, [("photo", "vgg", "2026-12-31")])
    assert "fails at   H=32 W=32" in project.check("-v").stdout
    assert project.check("-q").stdout == "1 broken (waived)\n"


@pytest.mark.parametrize(
    ("until", "code"),
    [("2026-06-14", 1), ("2026-06-15", 0), ("2026-06-16", 0)],
)
def test_a_waiver_is_good_through_its_last_day(project, until, code):
    project.models = {"vgg": broken()}
    project.write({"photo": ["vgg"]}, [("photo", "vgg", until)])
    assert project.check().exit_code == code


def test_an_expired_waiver_is_told_with_the_breach(project):
    project.models = {"vgg": broken()}
    project.write({"photo": ["vgg"]}, [("photo", "vgg", "2026-06-01")])
    result = project.check()
    assert "archlint.yaml:5  BROKEN  photo · vgg" in result.stdout
    note = "the waiver at archlint.yaml:8 expired on 2026-06-01: planned"
    assert f"  note       {note}\n" in result.stdout
    assert project.verdicts()["photo", "vgg"]["waived"] is None
    assert f"H=32 W=32 is refused; {note}" in project.check("--format=gitlab").stdout


def test_globs_and_several_waivers(project):
    project.models = {"vgg11": broken(), "vgg16": "proved", "swin": broken()}
    project.write(
        {"photo-any": ["vgg11", "vgg16"], "photo-big": ["swin"]},
        [("photo-*", "vgg*", "2026-06-01"), ("*", "*", "2026-12-31")],
    )
    assert project.check().exit_code == 0  # of two waivers one is still good


@pytest.mark.parametrize("word", ["error", "vacuous"])
def test_only_breaches_are_waived(project, word):
    project.models = {"vgg": word}
    project.write({"photo": ["vgg"]}, [("photo", "vgg", "2026-12-31")])
    result = project.check()
    assert result.exit_code == {"error": 2, "vacuous": 1}[word]
    assert "waive" not in result.stdout  # nor is it said to be in vain


UNNEEDED = """\
archlint.yaml:8  BROKEN  waiver · photo · vgg
  reason     no longer needed: the contract is proved
  waived     until 2026-12-31: planned
  to do      remove the waiver
"""


def test_a_waiver_that_is_not_needed_fails(project):
    project.models = {"vgg": "proved"}
    project.write({"photo": ["vgg"]}, [("photo", "vgg", "2026-12-31")])
    result = project.check()
    assert result.exit_code == 1
    assert UNNEEDED in result.stdout


@pytest.mark.parametrize(
    ("setting", "code", "told"),
    [("error", 1, "BROKEN  waiver"), ("warning", 0, "broken, warning  waiver"), ("off", 0, "")],
)
def test_the_setting_for_waivers_that_are_not_needed(project, setting, code, told):
    Path("pyproject.toml").write_text(f'[tool.archlint]\nunneeded_waivers = "{setting}"\n')
    project.models = {"vgg": "proved"}
    project.write({"photo": ["vgg"]}, [("photo", "vgg", "2026-12-31")])
    result = project.check()
    assert result.exit_code == code
    assert told in result.stdout
    assert ("waiver" in result.stdout) == bool(told)


@pytest.mark.parametrize("value", ['"eror"', "1", '["off"]'])
def test_a_setting_that_is_none(project, value):
    Path("pyproject.toml").write_text(f"[tool.archlint]\nunneeded_waivers = {value}\n")
    project.write({"photo": ["vgg"]})
    result = project.check()
    assert result.exit_code == 2
    assert "pyproject.toml: found unneeded_waivers = " in result.stderr
    assert "expected one of error, warning, off" in result.stderr


def test_a_waiver_for_several_is_needed_as_long_as_one_breaks(project):
    project.models = {"vgg": broken(), "swin": "proved"}
    project.write({"photo": ["vgg", "swin"]}, [("photo", "*", "2026-12-31")])
    assert project.check().exit_code == 0
    project.models["vgg"] = "proved"
    result = project.check()
    assert result.exit_code == 1
    assert "no longer needed: all 2 matching contracts and models hold" in result.stdout


def test_a_part_of_a_run_judges_only_the_waivers_that_it_covers(project):
    project.models = {"vgg": "proved", "swin": "proved"}
    project.write(
        {"photo": ["vgg", "swin"]}, [("photo", "*", "2026-12-31"), ("gone", "*", "2026-12-31")]
    )
    assert project.check("--model=vgg").exit_code == 0
    assert set(project.verdicts()) == {
        ("photo", "vgg"), ("photo", "swin"), ("waiver", "photo · *"), ("waiver", "gone · *"),
    }  # fmt: skip


def test_a_waiver_is_about_its_own_file(project):
    project.models = {"vgg": broken()}
    project.write({"photo": ["vgg"]}, file="contracts/a.yaml")
    project.write({"other": ["vgg"]}, [("*", "vgg", "2026-12-31")], file="contracts/b.yaml")
    verdicts = project.verdicts()
    assert verdicts["photo", "vgg"]["waived"] is None
    assert verdicts["other", "vgg"]["waived"]


def test_today_is_a_day(project, monkeypatch):
    monkeypatch.setenv("ARCHLINT_TODAY", "15.6.2026")
    project.write({"photo": ["vgg"]})
    result = project.check()
    assert result.exit_code == 2
    assert "ARCHLINT_TODAY: found '15.6.2026'; expected a date such as 2026-12-31" in result.stderr


@pytest.mark.parametrize(
    ("waiver", "at", "found", "expected"),
    [
        ("until: 2026-02-30", "8:43", "found '2026-02-30'", "a date that exists"),
        ("until: tomorrow", "8:43", "found 'tomorrow'", "a date such as 2026-12-31"),
        ("until: 20261231", "8:43", "found the number 20261231", "a date such as 2026-12-31"),
        ("untill: 2026-12-31", "8:36", "found the unknown key 'untill'; did you mean 'until'?",
         "one of contract, model, reason, until"),
        ("contract: d", "8:5", "the key 'until' is missing",
         "until: with a date such as 2026-12-31"),
    ],
)  # fmt: skip
def test_mistakes_in_waivers(project, waiver, at, found, expected):
    project.write({"photo": ["vgg"]})
    with Path("archlint.yaml").open("a") as file:
        file.write(f"waivers:\n  - {{contract: c, reason: because, {waiver}}}\n")
    result = project.check()
    assert result.exit_code == 2
    assert f"archlint.yaml:{at}: {found}" in result.stderr
    assert f"expected {expected}" in result.stderr


def test_the_page_on_adoption_says_what_is_said(project):
    page = REPO / "docs" / "adoption.md"
    rules, said = re.findall(r"```(?:yaml|console)\n(.*?)```", page.read_text("utf-8"), re.DOTALL)[
        :2
    ]
    Path("archlint.yaml").write_text(rules)
    proved = Verdict("proved", proof=Proof(1, 2, True), samples=Samples(8), seconds=1.11)
    project.models = {"resnet18": proved, "alexnet": broken()}
    assert said == "$ archlint check\n" + project.check().stdout
