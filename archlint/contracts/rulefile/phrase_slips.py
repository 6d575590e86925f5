"""Common slips in conditions, and how each is spelled in a rule file."""

from __future__ import annotations

import re
from collections.abc import Callable

from archlint.contracts.rulefile.grammar import RESERVED
from archlint.errors import PhraseError

_NAME = r"[A-Za-z_]\w*"
_NAMES = rf"(?<!\w)(?P<names>{_NAME}(?:\s*,\s*{_NAME})*)"
_BOUND = r"(?P<{}>\w+)"
_LONGEST = 2_000


def _divisible(match: re.Match[str]) -> str:
    sizes = re.split(r"\s*,\s*", match["names"])
    return ", ".join(f"{size} % {match['by']}" for size in sizes) + " == 0"


_SLIPS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (
        re.compile(
            rf"{_NAMES}\s+(?:(?:is|are)\s+)?(?:divisible\s+by|(?:a\s+)?multiples?\s+of)\s+"
            + _BOUND.format("by")
        ),
        _divisible,
    ),
    (
        re.compile(
            rf"{_NAMES}\s+(?:(?:is|are)\s+)?between\s+{_BOUND.format('low')}\s+and\s+"
            + _BOUND.format("high")
        ),
        lambda m: f"{m['names']} in {m['low']}..{m['high']}",
    ),
    (
        re.compile(rf"{_NAMES}\s+in\s+[\[(](?P<choices>\s*\w+(?:\s*,\s*\w+)*\s*)[\])]"),
        lambda m: f"{m['names']} in {{{m['choices'].strip()}}}",
    ),
    (
        re.compile(
            rf"(?<![\w<>=!%*/+.,-])(?<![<>=!%*/+.,-]\s)(?P<one>{_NAME})\s+and\s+"
            rf"(?P<other>{_NAME})\s*(?P<compare><=|>=|==|!=|<|>)\s*{_BOUND.format('bound')}"
        ),
        lambda m: f"{m['one']}, {m['other']} {m['compare']} {m['bound']}",
    ),
)


_SPLIT = re.compile(r"([<>=!])\s+=(?!=)")


def slip_in(text: str) -> PhraseError | None:
    """The error for a common slip in a condition that did not parse, with the valid spelling.

    Slips are found in the first 2,000 characters: a list of names is searched from each of them.
    """
    text = text[:_LONGEST]
    for pattern, spelled in _SLIPS:
        for match in pattern.finditer(text):
            if match.groupdict().get("one") in RESERVED:
                continue
            meant = f"did you mean {spelled(match)!r}?"
            return PhraseError(f"found {match[0]!r}; {meant}", "", match.start() + 1)
    if split := _SPLIT.search(text):
        meant = f"did you mean '{split[1]}='?"
        return PhraseError(f"found {split[0]!r}; {meant}", "", split.start() + 1)
    return None
