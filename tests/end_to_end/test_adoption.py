"""Waivers and the baseline, through the command line; what models do is written in ``MODELS``."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from archlint.cli import app as cli
from archlint.cli import check as command
from archlint.contracts.verdict import At, Proof, Samples, Verdict
from tests import REPO

BASELINE = Path("archlint-baseline.json")


def broken(height=32, layer="head"):
    return Verdict(
        "broken",
        counterexample={"H": height, "W": 32},
        at=At(layer, "Linear(8, 2)", ""),
        message=f"H={height} W=32 is refused",
        details={"contract": "accepts any H, W", "fails at": f"H={height} W=32"},
    )


class Project:
    """An empty project: the rule files in it, what its models do, and ``archlint check``."""

    def __init__(self):
        self.models = {}

    def write(self, contracts, waivers=(), file="archlint.yaml"):
        """``contracts``: id → models; ``waivers``: (contract, model, until) or with a reason."""
        text = ["archlint: 1", "models:"]
        names = dict.fromkeys(name for models in contracts.values() for name in models)
        text += [f"  {name}: nets:{name}" for name in names]
        text.append("contracts:")
        for id, models in contracts.items():
            text.append(f"  - {{id: {id}, models: [{', '.join(models)}], input: N 3 H W, ")
            text.append("     accepts: any H}")
        if waivers:
            text.append("waivers:")
        for contract, model, until in waivers:
            keys = f"contract: '{contract}', model: '{model}', until: {until}"
            text.append(f"  - {{{keys}, reason: planned}}")
        Path(file).parent.mkdir(exist_ok=True)
        Path(file).write_text("\n".join([*text, ""]))

    def run_logged(self, jobs, *_args, **_options):
        verdicts = []
        for job in jobs:
            where = job.contract.where
            found = self.models[job.ref.name]
            found = Verdict(found) if isinstance(found, str) else found
            verdicts.append(
                replace(
                    found, contract=job.contract.id, model=job.ref.name,
                    file=where.file, line=where.line,
                )
            )  # fmt: skip
        return verdicts

    def check(self, *options):
        return CliRunner().invoke(cli.cli, ["check", *options], catch_exceptions=False)

    def verdicts(self, *options):
        """(contract, model) → its verdict in JSON."""
        document = json.loads(self.check("--format=json", *options).stdout)
        return {(v["contract"], v["model"]): v for v in document["verdicts"]}

    def violations(self):
        return json.loads(BASELINE.read_text())["violations"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHLINT_TODAY", "2026-06-15")
    project = Project()
    monkeypatch.setattr(command, "run_logged", project.run_logged)
    return project


# Waivers


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
    assert "pyproject.toml: unneeded_waivers in [tool.archlint] is " in result.stderr
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


# The baseline


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


# The page


def test_the_page_on_adoption_says_what_is_said(project):
    page = REPO / "docs" / "adoption.md"
    rules, said = re.findall(r"```(?:yaml|console)\n(.*?)```", page.read_text("utf-8"), re.DOTALL)[
        :2
    ]
    Path("archlint.yaml").write_text(rules)
    proved = Verdict("proved", proof=Proof(1, 2, True), samples=Samples(8), seconds=1.11)
    project.models = {"resnet18": proved, "alexnet": broken()}
    assert said == "$ archlint check\n" + project.check().stdout
