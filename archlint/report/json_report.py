"""The JSON report. Its keys are a stable interface, and always in this order."""

from __future__ import annotations

import json
from collections.abc import Sequence

from archlint.contracts.verdict import WORDS, Verdict
from archlint.errors import Mistake


def render(verdicts: Sequence[Verdict], mistakes: Sequence[Mistake], version: str) -> str:
    """One JSON document; ``errors`` are the mistakes in rule files."""
    words = [v.word for v in verdicts]
    document = {
        "archlint": version,
        "verdicts": [v.to_json() for v in verdicts],
        "summary": {word: words.count(word) for word in WORDS},
        "errors": [mistake_json(m) for m in mistakes],
    }
    return json.dumps(document, indent=2, allow_nan=False)


def mistake_json(mistake: Mistake) -> dict[str, object]:
    """A mistake as JSON data."""
    return {
        "file": mistake.where.file,
        "line": mistake.where.line,
        "column": mistake.where.column,
        "found": mistake.found,
        "expected": mistake.expected,
    }
