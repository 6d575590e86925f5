"""JSON Lines: one verdict on each line, so that the report can be read during the run."""

from __future__ import annotations

import json

from archlint.contracts.verdict import Verdict
from archlint.errors import Mistake
from archlint.report.json_report import mistake_json
from archlint.report.run_results import RunResults


def line(verdict: Verdict, **more: object) -> str:
    """The verdict as a JSON object on one line, followed by the keys of ``more``."""
    return json.dumps({**verdict.to_json(), **more}, allow_nan=False)


def mistake_line(mistake: Mistake) -> str:
    """A mistake in a rule file, in the form of the JSON report, under the key ``error``."""
    return json.dumps({"error": mistake_json(mistake)}, allow_nan=False)


def render(results: RunResults) -> str:
    """The mistakes, then the verdicts, each on one line."""
    return "\n".join([*map(mistake_line, results.mistakes), *map(line, results.verdicts)])
