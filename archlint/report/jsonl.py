"""One verdict on a line, for reports that are read while they grow."""

from __future__ import annotations

import json

from archlint.contracts.verdict import Verdict
from archlint.errors import Mistake
from archlint.report.json_report import mistake_fingerprint
from archlint.report.run_results import Run


def line(verdict: Verdict, **more: object) -> str:
    """The verdict as one JSON object on one line, ``more`` keys after its own."""
    return json.dumps({**verdict.to_json(), **more}, allow_nan=False)


def mistake_line(mistake: Mistake) -> str:
    """A mistake of a rule file, as the report in JSON has it, under the key ``error``."""
    return json.dumps({"error": mistake_fingerprint(mistake)}, allow_nan=False)


def render(run: Run) -> str:
    """The mistakes, then the verdicts, each on its line."""
    return "\n".join([*map(mistake_line, run.mistakes), *map(line, run.verdicts)])
