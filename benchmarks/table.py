"""Results as a markdown file: the command, the machine's versions, a summary, the rows."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def write(
    name: str,
    command: str,
    summary: Sequence[str],
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
) -> Path:
    """``results/<name>.md`` with a summary list and one table."""
    from importlib.metadata import version

    packages = ", ".join(f"{p} {version(p)}" for p in ("torch", "torchvision", "z3-solver"))
    lines = [f"`{command}` (Python {platform.python_version()}, {packages})", ""]
    lines += [*(f"- {s}" for s in summary), ""]
    lines += [_row(header), _row(["---"] * len(header)), *map(_row, rows)]
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.md"
    path.write_text("\n".join(lines) + "\n")
    return path


def read(name: str) -> list[list[str]]:
    """The header and the rows of ``results/<name>.md`` as an earlier run left them."""
    file = RESULTS / f"{name}.md"
    lines = file.read_text().splitlines() if file.is_file() else []
    rows = [re.split(r"(?<!\\)\|", line[2:-2]) for line in lines if line.startswith("| ")]
    return [[c.strip().replace("\\|", "|") for c in row] for row in rows[:1] + rows[2:]]


def commit() -> str:
    """The commit that runs, as ``373b58f``; empty without a repository."""
    command = ["git", "-C", str(RESULTS), "rev-parse", "--short=7", "HEAD"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return ran.stdout.strip() if ran.returncode == 0 else ""


def commits(of_rows: Sequence[str]) -> str:
    """A line of the summary: at which commits how many rows were measured."""
    counts = {c: of_rows.count(c) for c in dict.fromkeys(of_rows)}
    if len(counts) == 1:
        return f"all rows measured at {of_rows[0]}"
    return f"measured at {', '.join(f'{c}: {n} rows' for c, n in counts.items())}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"
