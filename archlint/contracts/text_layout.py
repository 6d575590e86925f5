"""What several reports lay out alike: numbers with nouns, labelled lines and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def counted(number: int, noun: str) -> str:
    """``1 path``, ``1,024 weights``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def counts_text(counts: Mapping[str, int]) -> str:
    """``2 new, 1 changed``, without what there is none of; empty if there is nothing."""
    return ", ".join(f"{number} {word}" for word, number in counts.items() if number)


def labelled(texts: Mapping[str, str], width: int) -> list[str]:
    """``  label   text`` for each text that is not empty; its further lines are aligned with it.

    ``width``: the columns of a label.
    """
    indent = "\n" + " " * (width + 2)
    lines = [f"  {k:<{width}}{v.replace(chr(10), indent)}" for k, v in texts.items() if v]
    return [part for line in lines for part in line.split("\n")]


def columns(
    table: Sequence[Sequence[str]], numbers: Sequence[bool] = (), widest: int | None = None
) -> list[str]:
    """The rows of a table as lines.

    ``numbers``: for each column whether it is aligned to the right; by default none is.
    ``widest``: a cell with more characters may push its neighbours.
    """
    lengths = [[len(cell) for cell in column] for column in zip(*table, strict=True)]
    widths = [max(n for n in of if widest is None or n <= widest) for of in lengths]
    right = numbers or [False] * len(widths)
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in table
    ]
