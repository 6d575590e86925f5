"""One run in every format, letter by letter, and what the readers of each format need to hold.

The rule files are ``tests/data/reports/contracts``; what the models would be found to do is
written down here. ``pytest tests/report/test_formats.py --record`` records the present output.
"""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jsonschema
import pytest
import yaml

from archlint.cli import check as command
from archlint.cli.report_output import FORMATS
from tests import REPO
from tests.support.reported_run import DATA, SUFFIX, check_in, repository_in


@pytest.fixture
def check(tmp_path, monkeypatch):
    return check_in(repository_in(tmp_path, monkeypatch))


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
