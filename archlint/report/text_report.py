"""The text report: one line for a contract that holds, a labelled block for one that does not."""

from __future__ import annotations

from collections.abc import Sequence

from archlint.contracts.verdict import WORDS, Verdict
from archlint.contracts.verdict_text import COLORS, Paint, ansi, block, color_of, plain, status_of


def render(
    verdicts: Sequence[Verdict],
    verbosity: int = 0,
    color: bool = False,
    *,
    strict: bool = False,
    width: int | None = None,
    mistakes: int = 0,
) -> str:
    """The report, ending in a newline.

    ``verbosity``: below 0 omits contracts that hold or are waived; 1 also explains those; 2 also
    shows what the models printed. ``strict``: a ``tested`` contract does not hold. ``width``: the
    columns of the terminal; ``None`` does not wrap. ``mistakes``: the number of mistakes in rule
    files, which were printed before.
    """
    paint = ansi if color else plain
    blocks = [
        block(v, verbosity, color=color, width=width)
        for v in verdicts
        if verbosity >= 0 or not (v or v.waived) or (strict and v.word == "tested")
    ]
    lines: list[str] = []
    for i, each in enumerate(blocks):
        if i and (len(each) > 1 or len(blocks[i - 1]) > 1):
            lines.append("")
        lines += each
    if lines:
        lines.append("")
    lines.append(_summary(verdicts, paint, mistakes) + _cached(verdicts, verbosity))
    return "\n".join(lines) + "\n"


def _summary(verdicts: Sequence[Verdict], paint: Paint, mistakes: int = 0) -> str:
    statuses = [status_of(v) for v in verdicts]
    order = [word + more for word in WORDS for more in ("", ", warning", ", waived")]
    counts = [(statuses.count(status), status) for status in order if status in statuses]
    parts = [paint(f"{n} {_counted(status, n)}", color_of(status)) for n, status in counts]
    if parts and mistakes:  # without verdicts, the mistakes are printed above
        more = f"{mistakes} mistake{'s' * (mistakes != 1)} in rule files"
        parts.append(paint(more, COLORS["error"]))
    return ", ".join(parts) or "nothing was checked"


def _counted(status: str, number: int) -> str:
    """``broken``, ``broken (waived)``, ``errors``."""
    word, _, more = status.partition(", ")
    word = "errors" if word == "error" and number != 1 else word
    return f"{word} ({more})" if more else word


def _cached(verdicts: Sequence[Verdict], verbosity: int) -> str:
    """How many verdicts came from the cache."""
    count = sum(v.cached for v in verdicts)
    return f"   ({count} cached)" if count and verbosity >= 1 else ""


def summary(verdicts: Sequence[Verdict], mistakes: int = 0) -> str:
    """The number of verdicts of each kind: ``2 proved, 1 broken``."""
    return _summary(verdicts, plain, mistakes)
