"""SARIF 2.1.0, which GitHub's code scanning and most editors read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from archlint.contracts.fingerprint import fingerprint, mistake_fingerprint
from archlint.contracts.verdict import Verdict
from archlint.errors import Mistake
from archlint.report.run_results import Run, name, sentence
from archlint.report.sarif_rules import RULE_FILE, Rules
from archlint.report.text_report import body, visible

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_BASE = "SRCROOT"
_KEY = "archlintFinding/v1"


def render(run: Run) -> str:
    """The log. A result for each mistake and each verdict that is not proved."""
    rules = Rules(run.contracts)
    results = [_mistake(run, rules, m) for m in run.mistakes]
    results += [
        _result(run, rules, v, level) for v in run.verdicts if (level := run.level(v)) is not None
    ]
    failed = bool(run.mistakes) or any(v.word == "error" for v in run.verdicts)
    driver = {"name": "archlint", "version": run.version, "rules": rules.descriptors}
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "invocations": [{"executionSuccessful": not failed}],
                "originalUriBaseIds": {
                    _BASE: {"description": {"text": "The root of the repository."}}
                },
                "columnKind": "unicodeCodePoints",
                "results": results,
            }
        ],
    }
    return json.dumps(log, indent=2, allow_nan=False)


def _result(run: Run, rules: Rules, verdict: Verdict, level: str) -> dict[str, Any]:
    path = run.path(verdict.file) if verdict.file else None
    result: dict[str, Any] = {
        "ruleId": verdict.contract,
        "ruleIndex": rules.index(verdict),
        "level": level,
        "message": {"text": f"{visible(_headline(verdict))}\n\n{body(verdict)}"},
        "locations": [],
        "partialFingerprints": {_KEY: fingerprint(verdict, path)},
        "suppressions": [],
        "properties": {
            "verdict": verdict.word,
            "model": verdict.model,
            "counterexample": verdict.counterexample,
        },
    }
    where: dict[str, Any] = {}
    if verdict.file:
        where["physicalLocation"] = _place(run, verdict.file, verdict.line or 1)
    if verdict.at is not None and verdict.at.module:
        where["logicalLocations"] = [{"fullyQualifiedName": verdict.at.module, "kind": "module"}]
    if where:
        result["locations"].append(where)
    layer = run.layer(verdict)
    if layer is not None and verdict.at is not None:
        text = f"{verdict.at.module or 'the model'}  {verdict.at.op}"
        place = _place(run, str(run.base / layer[0]), layer[1])
        related = {"id": 1, "message": {"text": text}, "physicalLocation": place}
        result["relatedLocations"] = [related]
    if verdict.waived:
        suppression = {"kind": "external", "status": "accepted", "justification": verdict.note}
        result["suppressions"].append(suppression)
    return result


def _headline(verdict: Verdict) -> str:
    return f"{name(verdict)}: {sentence(verdict)}"


def _mistake(run: Run, rules: Rules, mistake: Mistake) -> dict[str, Any]:
    where = mistake.where
    said = f"{mistake.found}; expected {mistake.expected}" if mistake.expected else mistake.found
    place = _place(run, where.file, where.line, where.column)
    return {
        "ruleId": RULE_FILE,
        "ruleIndex": rules.named(RULE_FILE),
        "level": "error",
        "message": {"text": said},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {_KEY: mistake_fingerprint(mistake, run.path(where.file))},
        "suppressions": [],
    }


def _place(run: Run, file: str, line: int, column: int | None = None) -> dict[str, Any]:
    path = run.path(file)
    artifact = (
        {"uri": Path(file).absolute().as_uri()}
        if path is None
        else {"uri": quote(path), "uriBaseId": _BASE}
    )
    region = {"startLine": line} | ({"startColumn": column} if column else {})
    return {"artifactLocation": artifact, "region": region}
