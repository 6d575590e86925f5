"""One verdict as text: a line if the contract holds, a labelled block if it does not."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from archlint.contracts.text_layout import counted
from archlint.errors import one_line, visible

if TYPE_CHECKING:
    from archlint.contracts.verdict import Verdict

Paint = Callable[..., str]

LABEL_WIDTH = 11
_RESET, _BOLD, _DIM = "\x1b[0m", "\x1b[1m", "\x1b[2m"
COLORS = {
    "proved": "\x1b[32m",
    "tested": "\x1b[33m",
    "vacuous": "\x1b[33m",
    "broken": "\x1b[31m",
    "error": "\x1b[31m",
}


def name(verdict: Verdict) -> str:
    """``contract · model``, on one line."""
    return one_line(" · ".join(filter(None, (verdict.contract, verdict.model))))


def block(
    v: Verdict, verbosity: int = 0, *, color: bool = False, width: int | None = None
) -> list[str]:
    """The lines of a verdict; the arguments are those of ``text_report.render``."""
    paint = ansi if color else plain
    about = name(v)
    if v:
        head = f"{paint(v.word, COLORS[v.word])}  {about}".rstrip() + f"   ({_effort(v)})"
    else:
        place = f"{one_line(v.file)}:{v.line}  " if v.file else ""
        status = status_of(v)
        word = status if status != v.word else v.word.upper()
        head = f"{paint(place, _BOLD)}{paint(word, color_of(status), _BOLD)}  {about}".rstrip()
    return [head, *_details(_shown(v, verbosity), paint, width)]


def status_of(v: Verdict) -> str:
    """The verdict's word, with ``waived`` or ``warning`` if it does not fail the run."""
    if v or not (v.waived or v.severity == "warning"):
        return v.word
    return f"{v.word}, {'waived' if v.waived else 'warning'}"


def color_of(status: str) -> str:
    return COLORS.get(status, COLORS["tested"])


def body(v: Verdict) -> str:
    """The labelled lines of a verdict without colors and without what the model printed."""
    shown = {k: t for k, t in _shown(v, 1).items() if k != "printed"}
    return "\n".join(line[2:] for line in _details(shown, plain, None))


def _shown(v: Verdict, verbosity: int) -> dict[str, str]:
    """The details to show at a verbosity."""
    details = v.details
    if v.waived and verbosity < 1:
        return {"note": v.note}
    if v.message and not details.keys() - {"printed"}:
        details = {"reason": v.message, **details}
    hidden = set(details) if v.word == "proved" and verbosity < 1 else set()
    if verbosity < 2 and v.word != "error":
        hidden.add("printed")
    shown = {label: text for label, text in details.items() if label not in hidden}
    return shown | ({"note": v.note} if v.note else {})


def _details(details: Mapping[str, str], paint: Paint, width: int | None) -> Iterator[str]:
    """``label   text``, with the texts and their continuation lines aligned."""
    column = max([LABEL_WIDTH, *(len(label) + 2 for label in details)])
    for label, text in details.items():
        lines = [part for line in visible(text).split("\n") for part in _wrap(line, width, column)]
        yield f"  {paint(label.ljust(column), _DIM)}{lines[0]}".rstrip()
        for line in lines[1:]:
            yield f"  {' ' * column}{line}".rstrip()


def _wrap(line: str, width: int | None, column: int) -> list[str]:
    room = width and width - column - 2
    if not room or len(line) <= room:
        return [line]
    return textwrap.wrap(
        line,
        max(room, 30),
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    ) or [line]


def _effort(v: Verdict) -> str:
    """``1 path, 12 claims, 8 samples on cpu, 0.41 s``; ``cached`` instead of an old time."""
    samples = counted(v.samples.run, "sample") + f" on {v.samples.device}"
    parts = [
        counted(v.proof.paths, "path"),
        counted(v.proof.claims, "claim"),
        samples if v.samples.run else "no samples",
        "cached" if v.cached else f"{v.seconds:.2f} s",
    ]
    return ", ".join(parts)


def ansi(text: str, *codes: str) -> str:
    return f"{''.join(codes)}{text}{_RESET}" if text else text


def plain(text: str, *_codes: str) -> str:
    return text
