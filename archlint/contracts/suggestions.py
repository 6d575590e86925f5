"""Suggestions for misspelt names in error messages."""

from __future__ import annotations

from collections.abc import Sequence

MAX_CANDIDATES = 500  # above it the comparison takes longer than the hint is worth
MAX_LISTED = 20


def did_you_mean(word: str, candidates: Sequence[str]) -> str:
    """``; did you mean 'x'?``, to be appended to a message.

    Empty if no candidate is similar, or if there are more than ``MAX_CANDIDATES``. A candidate
    that differs in case alone comes before all others.
    """
    from difflib import get_close_matches

    if len(candidates) > MAX_CANDIDATES:
        return ""
    same = [c for c in candidates if c.casefold() == word.casefold()]
    near = same or get_close_matches(word, candidates, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def pattern_hint(pattern: str, names: Sequence[str]) -> str:
    """What a pattern that matches nothing may mean: a glob around it, a similar name, or all."""
    within = [name for name in names if pattern and pattern in name]
    if len(within) > 1:
        return f"; did you mean '*{pattern}*', which matches {listed(within)}?"
    return did_you_mean(pattern, within or names) or f"; there are {listed(names)}"


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are; ``none`` without names."""
    more = len(names) - MAX_LISTED
    shown = ", ".join(names[:MAX_LISTED]) or "none"
    return f"{shown} and {more} more" if more > 0 else shown
