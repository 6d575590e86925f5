"""The counts of a run as an endpoint of shields.io, which draws a badge of it."""

from __future__ import annotations

import json
from collections import Counter

from archlint.report.run_results import RunResults


def render(results: RunResults) -> str:
    """JSON of shields' endpoint schema: https://shields.io/badges/endpoint-badge."""
    levels = [results.level(v) for v in results.verdicts]
    words = Counter(v.word for v, level in zip(results.verdicts, levels, strict=True)
                    if level == "error" or v)  # fmt: skip
    counts = [f"{words[w]} {w}" for w in ("error", "broken", "vacuous") if words[w]]
    failed = bool(counts or results.mistakes or "error" in levels)
    if not failed:
        counts = [f"{words[w]} {w}" for w in ("proved", "tested") if words[w]]
    message = ", ".join(counts) or ("failing" if failed else "no contract")
    color = "red" if failed else "brightgreen" if words["proved"] else "lightgrey"
    badge = {"schemaVersion": 1, "label": "archlint", "message": message, "color": color}
    return json.dumps(badge, indent=2)
