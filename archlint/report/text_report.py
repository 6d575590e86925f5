"""The report for people: a line for what held, a labelled block for what did not."""

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

    ``verbosity`` below 0 leaves out what held or is waived; 1 explains that as well; 2 shows what
    the models printed. Under ``strict``, tested has not held. ``width`` is where a terminal wraps;
    None never. ``mistakes`` counts those in rule files, which were told before.
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
        standing = _standing(v)
        word = standing if standing != v.word else v.word.upper()
        head = f"{paint(place, _BOLD)}{paint(word, _color(standing), _BOLD)}  {about}".rstrip()
    return [head, *_details(_shown(v, verbosity), paint, width)]


def _standing(v: Verdict) -> str:
    """The word, and why it does not count if it does not."""
    if v or not (v.waived or v.severity == "warning"):
        return v.word
    return f"{v.word}, {'waived' if v.waived else 'warning'}"


def _color(standing: str) -> str:
    return _COLORS.get(standing, _COLORS["tested"])


def body(v: Verdict) -> str:
    """All that is known about a verdict but what the model printed: labelled lines, no colors."""
    shown = {k: t for k, t in _shown(v, 1).items() if k != "printed"}
    return "\n".join(line[2:] for line in _details(shown, _plain, None))


def _shown(v: Verdict, verbosity: int) -> dict[str, str]:
    """The details to show: those of a proof only when asked, what was printed likewise."""
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
    """``label   text``, the texts aligned and their further lines under the first."""
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
    """What the verdict rests on: ``1 path, 12 claims, 8 samples on cpu, 0.41 s``."""
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
    found = [_standing(v) for v in verdicts]
    order = [word + more for word in WORDS for more in ("", ", warning", ", waived")]
    counts = [(found.count(standing), standing) for standing in order if standing in found]
    parts = [paint(f"{n} {_counted(standing, n)}", _color(standing)) for n, standing in counts]
    if parts and mistakes:  # else they are the line above
        more = f"{mistakes} mistake{'s' * (mistakes != 1)} in rule files"
        parts.append(paint(more, _COLORS["error"]))
    return ", ".join(parts) or "nothing was decided"


def _counted(standing: str, number: int) -> str:
    """``broken``, ``broken (waived)``, ``errors``."""
    word, _, more = standing.partition(", ")
    word = "errors" if word == "error" and number != 1 else word
    return f"{word} ({more})" if more else word


def _cached(verdicts: Sequence[Verdict], verbosity: int) -> str:
    """How many were not decided in this run."""
    count = sum(v.cached for v in verdicts)
    return f"   ({count} cached)" if count and verbosity >= 1 else ""


def summary(verdicts: Sequence[Verdict], mistakes: int = 0) -> str:
    """How many of each: ``2 proved, 1 broken``."""
    return _summary(verdicts, _plain, mistakes)


def visible(text: str) -> str:
    """Control characters spelled out: a model's own message must not drive the terminal."""
    text = text.replace("\r\n", "\n").expandtabs(4)
    return _CONTROL.sub(_spelled, text)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def _ansi(text: str, *codes: str) -> str:
    return f"{''.join(codes)}{text}{_RESET}" if text else text


def _plain(text: str, *_codes: str) -> str:
    return text
