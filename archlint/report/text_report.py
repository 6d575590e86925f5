"""The text report: one line for a contract that holds, a labelled block for one that does not."""

from __future__ import annotations

from collections.abc import Sequence

from archlint.contracts.text_layout import counted
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
    report = TextReport(verbosity, color, strict=strict, width=width)
    return "".join([*map(report.add, verdicts), report.end(verdicts, mistakes)])


class TextReport:
    """The text report in parts, one for each verdict; the arguments are those of :func:`render`."""

    def __init__(
        self,
        verbosity: int = 0,
        color: bool = False,
        *,
        strict: bool = False,
        width: int | None = None,
    ) -> None:
        self._verbosity = verbosity
        self._color = color
        self._strict = strict
        self._width = width
        self._last = 0  # lines of the last block

    def add(self, verdict: Verdict) -> str:
        """The part of the next verdict, ending in a newline; empty if it is not shown."""
        holds = bool(verdict or verdict.waived) and not (self._strict and verdict.word == "tested")
        if holds and self._verbosity < 0:
            return ""
        lines = block(verdict, self._verbosity, color=self._color, width=self._width)
        apart = self._last and max(len(lines), self._last) > 1
        self._last = len(lines)
        return "\n" * bool(apart) + "\n".join(lines) + "\n"

    def end(self, verdicts: Sequence[Verdict], mistakes: int = 0) -> str:
        """The last part: the summary of all verdicts."""
        paint = ansi if self._color else plain
        counts = _summary(verdicts, paint, mistakes) + _cached(verdicts, self._verbosity)
        return "\n" * bool(self._last) + counts + "\n"


def _summary(verdicts: Sequence[Verdict], paint: Paint, mistakes: int = 0) -> str:
    statuses = [status_of(v) for v in verdicts]
    order = [word + more for word in WORDS for more in ("", ", warning", ", waived")]
    counts = [(statuses.count(status), status) for status in order if status in statuses]
    parts = [paint(f"{n} {_counted(status, n)}", color_of(status)) for n, status in counts]
    if parts and mistakes:  # without verdicts, the mistakes are printed above
        more = f"{counted(mistakes, 'mistake')} in rule files"
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
