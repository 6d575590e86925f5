"""The baseline: known violations do not count, and only those."""

import json
from pathlib import Path

import pytest

from tests.support.adopting_project import BASELINE, broken, empty_project


@pytest.fixture
def project(tmp_path, monkeypatch):
    return empty_project(tmp_path, monkeypatch)


@pytest.fixture
def adopted(project):
    """Two breaches of today in the baseline, and a contract that holds."""
    project.models = {"vgg": broken(), "swin": broken(40, "norm"), "resnet": "proved"}
    project.write({"photo": ["vgg", "resnet"], "grid": ["swin"]})
    result = project.check("--write-baseline")
    assert result.exit_code == 0
    assert result.stderr == "archlint-baseline.json: 2 violations (2 new)\n"
    assert "1 proved, 2 broken (waived)\n" in result.stdout
    return project


def test_the_file_is_sorted_and_says_what_is_known(adopted):
    found = adopted.violations()
    assert [(b["file"], b["contract"], b["model"], b["layer"]) for b in found] == [
        ("archlint.yaml", "grid", "swin", "norm"),
        ("archlint.yaml", "photo", "vgg", "head"),
    ]
    assert found[1]["counterexample"] == {"H": 32, "W": 32}
    assert list(found[0]) == [
        "file", "contract", "model", "counterexample", "layer", "fingerprint",
    ]  # fmt: skip
    before = BASELINE.read_bytes()
    assert adopted.check("--write-baseline").stderr == (
        "archlint-baseline.json: 2 violations (unchanged)\n"
    )
    assert BASELINE.read_bytes() == before


def test_known_breaches_do_not_count(adopted):
    result = adopted.check()
    assert result.exit_code == 0
    assert "broken, waived  photo · vgg\n  note       known in archlint-baseline.json\n" in (
        result.stdout
    )
    assert adopted.verdicts()["photo", "vgg"]["waived"] == {
        "reason": "known in archlint-baseline.json",
        "until": None,
    }
    assert adopted.check("--no-baseline").exit_code == 1
    assert adopted.check("--no-baseline", "--write-baseline").exit_code == 2


def test_a_new_breach_counts(adopted):
    adopted.models["resnet"] = broken()
    assert adopted.check().exit_code == 1


@pytest.mark.parametrize("now", [broken(24), broken(48), broken(32, "norm")])
def test_another_breach_of_the_same_contract_counts(adopted, now):
    adopted.models["vgg"] = now
    result = adopted.check()
    assert result.exit_code == 1
    note = (
        "  note       archlint-baseline.json:15 has another violation, H=32 W=32 at head; "
        "archlint check --write-baseline replaces it\n"
    )
    assert note in result.stdout
    update = adopted.check("--write-baseline")
    assert update.exit_code == 0
    assert update.stderr == "archlint-baseline.json: 2 violations (1 changed)\n"


def test_a_breach_that_is_no_more_must_leave_the_baseline(adopted):
    adopted.models["vgg"] = "tested"
    result = adopted.check()
    assert result.exit_code == 1
    assert result.stdout.endswith(
        "archlint-baseline.json:15  BROKEN  baseline · photo · vgg\n"
        "  reason     the violation no longer exists: the contract is tested\n"
        "  known      H=32 W=32 at head\n"
        "  to do      archlint check --write-baseline\n"
        "\n"
        "1 proved, 1 tested, 1 broken, 1 broken (waived)\n"
    )
    assert adopted.check("--write-baseline").stderr == (
        "archlint-baseline.json: 1 violation (1 removed)\n"
    )
    assert adopted.check().exit_code == 0


def test_a_contract_that_is_gone_must_leave_the_baseline(adopted):
    adopted.write({"grid": ["swin"]})
    result = adopted.check()
    assert result.exit_code == 1
    assert "archlint.yaml no longer has this contract and model" in result.stdout


def test_a_rule_file_that_is_gone_must_leave_the_baseline(adopted):
    Path("archlint.yaml").rename("new.archlint.yaml")
    assert adopted.check("new.archlint.yaml").stdout.count("any more") == 0
    result = adopted.check()
    assert result.exit_code == 1
    assert result.stdout.count("the rule file archlint.yaml no longer exists") == 2
    adopted.check("--write-baseline")
    assert {b["file"] for b in adopted.violations()} == {"new.archlint.yaml"}


@pytest.mark.parametrize("word", ["error", "vacuous"])
def test_what_was_not_decided_says_nothing_of_the_baseline(adopted, word):
    adopted.models["vgg"] = word
    assert "baseline" not in adopted.check().stdout.replace("known in archlint-baseline", "")
    adopted.check("--write-baseline")
    kept = [b["model"] for b in adopted.violations()]
    assert kept == (["swin", "vgg"] if word == "error" else ["swin"])


def test_a_selected_run_judges_and_writes_only_what_it_covers(adopted):
    adopted.models |= {"vgg": "proved", "swin": "proved"}
    assert adopted.check("--select=photo", "--model=resnet").exit_code == 0
    assert adopted.check("--select=grid").stdout.count("BROKEN  baseline") == 1
    assert adopted.check().stdout.count("BROKEN  baseline") == 2
    adopted.check("--select=grid", "--write-baseline")
    assert [b["model"] for b in adopted.violations()] == ["vgg"]


def test_a_rule_file_with_mistakes_leaves_its_entries_alone(adopted):
    Path("archlint.yaml").write_text("archlint: 1\ncontracts: 3\n")
    result = adopted.check("--write-baseline")
    assert result.exit_code == 2
    assert len(adopted.violations()) == 2


def test_without_breaches_no_file_is_made(project):
    project.models = {"vgg": "proved"}
    project.write({"photo": ["vgg"]})
    assert project.check("--write-baseline").exit_code == 0
    assert not BASELINE.exists()


def test_the_last_breach_leaves_an_empty_list(adopted):
    adopted.models |= {"vgg": "proved", "swin": "proved"}
    adopted.check("--write-baseline")
    assert adopted.violations() == []
    assert adopted.check().exit_code == 0


def test_waived_breaches_are_not_written(project):
    project.models = {"vgg": broken(), "swin": broken()}
    project.write({"photo": ["vgg", "swin"]}, [("photo", "vgg", "2026-12-31")])
    project.check("--write-baseline")
    assert [b["model"] for b in project.violations()] == ["swin"]


def test_an_expired_waiver_is_not_made_good_by_the_baseline(adopted):
    adopted.write({"photo": ["vgg", "resnet"], "grid": ["swin"]}, [("photo", "vgg", "2026-06-01")])
    assert adopted.check().exit_code == 1
    assert adopted.check("--write-baseline").exit_code == 1


def test_the_baseline_is_the_projects_wherever_archlint_is_started(adopted, monkeypatch):
    Path("pyproject.toml").write_text("")
    Path("sub").mkdir()
    monkeypatch.chdir("sub")
    assert adopted.check().exit_code == 0
    assert adopted.check("../archlint.yaml").exit_code == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[:42], "archlint-baseline.json:4:1: not valid YAML"),
        (lambda t: t.replace(": 1", ": 2", 1),
         "archlint-baseline.json:1:1: this is not a baseline of version 1"),
        (lambda t: "[]", "this is not a baseline of version 1"),
        (lambda t: '{"archlint-baseline": 1}', "violations is not a list"),
        (lambda t: t.replace('"swin"', '"vit"'),
         "archlint-baseline.json:4:5: this entry was not written by archlint"),
        (lambda t: t.replace('"norm"', "[]"), "this entry was not written by archlint"),
        (lambda t: t.replace('"H": 40', '"H": "x"'), "this entry was not written by archlint"),
        (lambda t: t.replace("layer", "lair"), "this entry was not written by archlint"),
    ],
)  # fmt: skip
def test_a_baseline_that_is_damaged(adopted, change, message):
    BASELINE.write_text(change(BASELINE.read_text()))
    result = adopted.check()
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_one_entry_twice(adopted):
    document = json.loads(BASELINE.read_text())
    document["violations"] *= 2
    BASELINE.write_text(json.dumps(document, indent=2))
    assert "found grid · swin again\n" in adopted.check().stderr
