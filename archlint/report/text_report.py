"""The text report: one line for a contract that holds, a labelled block for one that does not."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence

from archlint.contracts.verdict import WORDS, Verdict
from archlint.report.run_results import name

Paint = Callable[..., str]

LABEL_WIDTH = 11
_RESET, _BOLD, _DIM = "\x1b[0m", "\x1b[1m", "\x1b[2m"
_COLORS = {
    "proved": "\x1b[32m",
    "tested": "\x1b[33m",
    "vacuous": "\x1b[33m",
    "broken": "\x1b[31m",
    "error": "\x1b[31m",
}
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


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
    paint = _ansi if color else _plain
    blocks = [
        _block(v, verbosity, paint, width)
        for v in verdicts
        if verbosity >= 0 or not (v or v.waived) or (strict and v.word == "tested")
    ]
    lines: list[str] = []
    for i, block in enumerate(blocks):
        if i and (len(block) > 1 or len(blocks[i - 1]) > 1):
            lines.append("")
        lines += block
    if lines:
        lines.append("")
    lines.append(_summary(verdicts, paint, mistakes) + _cached(verdicts, verbosity))
    return "\n".join(lines) + "\n"


def _block(v: Verdict, verbosity: int, paint: Paint, width: int | None) -> list[str]:
    about = visible(name(v))
    if v:
        head = f"{paint(v.word, _COLORS[v.word])}  {about}".rstrip() + f"   ({_effort(v)})"
    else:
        place = f"{visible(v.file)}:{v.line}  " if v.file else ""
        status = _status(v)
        word = status if status != v.word else v.word.upper()
        head = f"{paint(place, _BOLD)}{paint(word, _color(status), _BOLD)}  {about}".rstrip()
    return [head, *_details(_shown(v, verbosity), paint, width)]


def _status(v: Verdict) -> str:
    """The verdict's word, with ``waived`` or ``warning`` if it does not fail the run."""
    if v or not (v.waived or v.severity == "warning"):
        return v.word
    return f"{v.word}, {'waived' if v.waived else 'warning'}"


def _color(status: str) -> str:
    return _COLORS.get(status, _COLORS["tested"])


def body(v: Verdict) -> str:
    """The labelled lines of a verdict without colors and without what the model printed."""
    shown = {k: t for k, t in _shown(v, 1).items() if k != "printed"}
    return "\n".join(line[2:] for line in _details(shown, _plain, None))


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
    """``1 path, 12 claims, 8 samples on cpu, 0.41 s``."""
    samples = _count(v.samples.run, "sample") + f" on {v.samples.device}"
    parts = [
        _count(v.proof.paths, "path"),
        _count(v.proof.claims, "claim"),
        samples if v.samples.run else "no samples",
        f"{v.seconds:.2f} s",
    ]
    return ", ".join(parts)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _summary(verdicts: Sequence[Verdict], paint: Paint, mistakes: int = 0) -> str:
    statuses = [_status(v) for v in verdicts]
    order = [word + more for word in WORDS for more in ("", ", warning", ", waived")]
    counts = [(statuses.count(status), status) for status in order if status in statuses]
    parts = [paint(f"{n} {_counted(status, n)}", _color(status)) for n, status in counts]
    if parts and mistakes:  # without verdicts, the mistakes are printed above
        more = f"{mistakes} mistake{'s' * (mistakes != 1)} in rule files"
        parts.append(paint(more, _COLORS["error"]))
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
    return _summary(verdicts, _plain, mistakes)


def visible(text: str) -> str:
    """The text with control characters escaped: a model's message must not control the terminal."""
    text = text.replace("\r\n", "\n").expandtabs(4)
    return _CONTROL.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def _ansi(text: str, *codes: str) -> str:
    return f"{''.join(codes)}{text}{_RESET}" if text else text


def _plain(text: str, *_codes: str) -> str:
    return text
