"""SARIF 2.1.0, which GitHub's code scanning and most editors read.

The rules of the log are the contracts, and archlint's own requirements for rule files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from archlint.contracts.contract import Contract
from archlint.contracts.cost_budget import budgets_text
from archlint.contracts.fingerprint import fingerprint, mistake_fingerprint
from archlint.contracts.rulefile.structure_reader import structure_as_yaml
from archlint.contracts.settings import shorten
from archlint.contracts.verdict import Verdict
from archlint.contracts.verdict_text import body, name
from archlint.errors import Mistake, one_line, visible
from archlint.report.run_results import RunResults, sentence

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
HELP = "https://github.com/archlint/torch-archlint/blob/main/docs/verdicts.md"
_BASE = "SRCROOT"
_KEY = "archlintFinding/v1"
RULE_FILE = "rule-file"

_OWN_RULES = {
    RULE_FILE: (
        "A rule file must be valid.",
        "Correct the line; docs/rule-file.md has all keys.",
    ),
    "waiver": (
        "A waiver must be needed.",
        "Remove the waiver: its contracts hold or do not exist. The setting unneeded_waivers in "
        "[tool.archlint] sets the severity.",
    ),
    "baseline": (
        "The baseline must be up to date.",
        "Run archlint check --write-baseline and commit the file.",
    ),
    "locked": (
        "A model must accept the sizes in archlint.lock.",
        "If the change is intended, run archlint lock --update and commit the file.",
    ),
}


def render(results: RunResults) -> str:
    """The log, with a result for each mistake and each verdict that is not proved."""
    rules = _Rules(results.contracts)
    findings = [_mistake(results, rules, m) for m in results.mistakes]
    findings += [
        _result(results, rules, v, level)
        for v in results.verdicts
        if (level := results.level(v)) is not None
    ]
    failed = bool(results.mistakes) or any(v.word == "error" for v in results.verdicts)
    driver = {"name": "archlint", "version": results.version, "rules": rules.descriptors}
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
                "results": findings,
            }
        ],
    }
    return json.dumps(log, indent=2, allow_nan=False)


def _result(results: RunResults, rules: _Rules, verdict: Verdict, level: str) -> dict[str, Any]:
    path = results.path(verdict.file) if verdict.file else None
    result: dict[str, Any] = {
        "ruleId": one_line(verdict.contract),
        "ruleIndex": rules.index(verdict),
        "level": level,
        "message": {"text": _message(f"{name(verdict)}: {sentence(verdict)}\n\n{body(verdict)}")},
        "locations": [],
        "partialFingerprints": {_KEY: fingerprint(verdict, path)},
        "suppressions": [],
        "properties": {
            "verdict": verdict.word,
            "model": one_line(verdict.model),
            "counterexample": verdict.counterexample,
        },
    }
    where: dict[str, Any] = {}
    if verdict.file:
        where["physicalLocation"] = _place(results, verdict.file, verdict.line or 1)
    if verdict.at is not None and verdict.at.module:
        where["logicalLocations"] = [
            {"fullyQualifiedName": one_line(verdict.at.module), "kind": "module"}
        ]
    if where:
        result["locations"].append(where)
    layer = results.layer(verdict)
    if layer is not None and verdict.at is not None:
        text = f"{verdict.at.module or 'the model'}  {verdict.at.op}"
        place = _place(results, str(results.base / layer[0]), layer[1])
        related = {"id": 1, "message": {"text": _message(text)}, "physicalLocation": place}
        result["relatedLocations"] = [related]
    if verdict.waived:
        suppression = {
            "kind": "external",
            "status": "accepted",
            "justification": one_line(verdict.note),
        }
        result["suppressions"].append(suppression)
    return result


def _message(text: str) -> str:
    """The text of a message, in which SARIF would show ``[text](target)`` as a link."""
    return visible(text).replace("](", "\\](")


def _mistake(results: RunResults, rules: _Rules, mistake: Mistake) -> dict[str, Any]:
    where = mistake.where
    place = _place(results, where.file, where.line, where.column)
    return {
        "ruleId": RULE_FILE,
        "ruleIndex": rules.named(RULE_FILE),
        "level": "error",
        "message": {"text": _message(mistake.message)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {_KEY: mistake_fingerprint(mistake, results.path(where.file))},
        "suppressions": [],
    }


def _place(results: RunResults, file: str, line: int, column: int | None = None) -> dict[str, Any]:
    path = results.path(file)
    artifact = (
        {"uri": Path(file).absolute().as_uri()}
        if path is None
        else {"uri": quote(os.fsencode(path)), "uriBaseId": _BASE}
    )
    region = {"startLine": line} | ({"startColumn": column} if column else {})
    return {"artifactLocation": artifact, "region": region}


class _Rules:
    """The descriptors of the rules; those of archlint's own are added when they are used."""

    def __init__(self, contracts: Sequence[Contract]) -> None:
        self.descriptors: list[dict[str, Any]] = []
        self._indices: dict[object, int] = {}
        self._contracts = {_key(c): c for c in contracts}
        for key, contract in self._contracts.items():
            self._add(key, _of_contract(contract))

    def index(self, verdict: Verdict) -> int:
        """The index of the rule of a verdict."""
        key = (verdict.contract, verdict.file, verdict.line)
        return self._indices[key] if key in self._indices else self.named(verdict.contract)

    def named(self, id: str) -> int:
        """The index of a rule of archlint's own."""
        if id not in self._indices:
            title, help = _OWN_RULES.get(id, (id, "See the message."))
            self._add(id, _descriptor(id, title, help, "error"))
        return self._indices[id]

    def _add(self, key: object, descriptor: dict[str, Any]) -> None:
        self._indices[key] = len(self.descriptors)
        self.descriptors.append(descriptor)


def _key(contract: Contract) -> tuple[str, str | None, int | None]:
    where = contract.where
    return contract.id, where.file if where else None, where.line if where else None


def _of_contract(contract: Contract) -> dict[str, Any]:
    clause = contract.clause
    parts = [] if clause.kind == "none" else [f"{clause.key} {clause.text}"]
    if contract.structure:
        parts.append(f"has the structure {structure_as_yaml(contract.structure)}")
    if contract.costs:
        parts.append(f"costs {budgets_text(contract.costs)}")
    if contract.artifact:
        parts.append(f"agrees with {shorten(Path(contract.artifact.path))}")
    title = " and ".join(parts)
    help = "\n".join(filter(None, (f"The model {title}.", contract.why and f"Why: {contract.why}")))
    level = "warning" if contract.severity == "warning" else "error"
    return _descriptor(contract.id, title, help, level, _next_step(contract))


def _next_step(contract: Contract) -> str:
    if contract.artifact:
        file = shorten(Path(contract.artifact.path))
        return f"archlint compare-artifact {file} --with MODEL runs it again."
    if contract.clause.declared:
        form = contract.clause.declared.form
        return f"archlint export-ranges MODEL --to {form} writes ranges that were proved."
    return f"archlint fix --select {contract.id} shows changes that were proved to make it hold."


def _descriptor(id: str, title: str, help: str, level: str, next: str = "") -> dict[str, Any]:
    return {
        "id": one_line(id),
        "shortDescription": {"text": _message(title)},
        "fullDescription": {"text": _message(help)},
        "help": {"text": _message("\n".join(filter(None, (help, next))))},
        "helpUri": HELP,
        "defaultConfiguration": {"level": level},
        "properties": {"tags": ["archlint"], "problem.severity": level},
    }
