"""The results of wild.py as text and as a page."""

from __future__ import annotations

import platform
import re
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

NOT_RUN = ("not built", "no input")
WORDS = ("exact", "tested", "contradicted")
LONGEST = 160
Row = dict[str, Any]


def line(row: Row) -> str:
    """One model."""
    name = f"{row['repository']}/{row['model']}"
    what = " ".join(row.get("wrong") or row["reasons"] or [row.get("text", "")])
    return f"{row['word']:12} {name:50} {row['seconds']:6.1f} s  {short(what)}"


def text(rows: Sequence[Row]) -> str:
    """A line for each repository, the total, and the reasons by frequency."""
    names = list(dict.fromkeys(row["repository"] for row in rows))
    lines = ["  ".join(cells) for cells in [HEADER, *_counted(rows, names)]]
    return "\n".join([*lines, "", *summary(rows)])


HEADER = ("repository", "models", *WORDS, "sizes run", "s", *NOT_RUN)


def _counted(rows: Sequence[Row], names: Sequence[str]) -> list[tuple[str, ...]]:
    table = []
    for name in names:
        mine = [r for r in rows if r["repository"] == name]
        words = Counter(r["word"] for r in mine)
        asked = sum(words[w] for w in WORDS)
        seconds = sum(r["seconds"] for r in mine if r["word"] in WORDS)
        numbers = [asked, *(words[w] for w in WORDS), sum(r.get("ran", 0) for r in mine)]
        cells = [str(n) for n in numbers] + [f"{seconds:.0f}"]
        table.append((name, *cells, *(str(words[w]) for w in NOT_RUN)))
    return table


def summary(rows: Sequence[Row]) -> list[str]:
    """The total, and why models are not exact."""
    asked = [r for r in rows if r["word"] in WORDS]
    words = Counter(r["word"] for r in asked)
    ran = sum(r.get("ran", 0) for r in asked)
    share = words["exact"] / max(1, len(asked))
    lines = [
        f"{len(asked)} models: {words['exact']} exact ({share:.1%}), {words['tested']} tested, "
        f"{words['contradicted']} contradicted; {ran} sizes run; "
        f"{sum(r['seconds'] for r in asked):.0f} s of processor time to infer"
    ]
    reasons = Counter(
        _kind(reason) for r in asked if r["word"] == "tested" for reason in r["reasons"][:1]
    )
    return lines + [f"{count} tested: {reason}" for reason, count in reasons.most_common()]


def _kind(reason: str) -> str:
    """A reason without the numbers and places that differ from model to model."""
    return short(re.sub(r"\d+(\.\d+)?", "…", re.sub(r"\S*/\S+\.py(:\d+)?", "FILE", reason)))


def short(words: str) -> str:
    """The text in one line, cut where it is long, without folders of the machine."""
    words = " ".join(re.sub(r"(?<![\w./])/(?:[\w.+-]+/)+", "", words).split())
    return words if len(words) <= LONGEST else words[: LONGEST - 2] + " …"


def write(path: Path, rows: Sequence[Row], names: Sequence[str], points: int) -> None:
    """The page: totals, repositories, and each model that is not exact."""
    packages = ", ".join(f"{p} {version(p)}" for p in ("torch", "torchvision", "z3-solver"))
    lines = [f"`python benchmarks/wild.py FOLDER... --models M --points {points}` "
             f"(Python {platform.python_version()}, {packages})", ""]  # fmt: skip
    lines += ["A repository of many models has a sample of them here, evenly spread.", ""]
    lines += [*(f"- {each}" for each in summary(rows)), ""]
    lines += [_cells(HEADER), _cells(["---"] * len(HEADER)), *map(_cells, _counted(rows, names))]
    others = [r for r in rows if r["word"] in ("tested", "contradicted")]
    header = ("not exact", "verdict", "why")
    lines += ["", _cells(header), _cells(["---"] * len(header))]
    for row in others:
        why = short(" ".join(row.get("wrong") or row["reasons"]))
        lines.append(_cells([f"{row['repository']}/{row['model']}", row["word"], why]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _cells(cells: Sequence[str]) -> str:
    return "| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |"
