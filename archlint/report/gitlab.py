"""GitLab's code quality report: a list of issues, each at a line of a file of the repository."""

from __future__ import annotations

import json
from typing import Any

from archlint.contracts.fingerprint import fingerprint, mistake_fingerprint
from archlint.contracts.verdict_text import name
from archlint.errors import one_line
from archlint.report.run_results import RunResults, sentence

_SEVERITIES = {"error": "major", "warning": "minor", "note": "info"}
_CANNOT_RUN = "critical"


def render(results: RunResults) -> str:
    """The JSON document, with an issue for each mistake and each verdict that is not proved."""
    issues = [
        _issue(
            "archlint/rule-file",
            m.message,
            _CANNOT_RUN,
            mistake_fingerprint(m, results.path(m.where.file)),
            results.path(m.where.file) or m.where.file,
            m.where.line,
        )
        for m in results.mistakes
    ]
    for verdict in results.verdicts:
        level = results.level(verdict)
        if level is None:
            continue
        path = results.path(verdict.file) if verdict.file else None
        layer = results.layer(verdict)
        text = f"{verdict.word}: {name(verdict)}: {sentence(verdict)}"
        if verdict.at is not None:
            place = f" ({layer[0]}:{layer[1]})" if layer else ""
            text += f"; at {verdict.at.module or 'the model'}  {verdict.at.op}{place}"
        failed = verdict.word == "error" and level == "error"
        issues.append(
            _issue(
                f"archlint/{verdict.contract}",
                text,
                _CANNOT_RUN if failed else _SEVERITIES[level],
                fingerprint(verdict, path),
                path or verdict.file or "",
                verdict.line or 1,
            )
        )
    return json.dumps(issues, indent=2)


def _issue(
    check: str, text: str, severity: str, fingerprint: str, path: str, line: int
) -> dict[str, Any]:
    return {
        "description": one_line(text),
        "check_name": one_line(check),
        "fingerprint": fingerprint,
        "severity": severity,
        "location": {"path": one_line(path), "lines": {"begin": line}},
    }
