"""Guesses a phrase for a formula over one size, from samples where its truth can change.

A formula over one size is periodic wherever none of its comparisons changes sign; the period
divides the least common multiple of its divisors. So it is evaluated at every size around the
sign changes, and for one period in between. The result is a guess, which :mod:`.describe` proves.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from archlint.engine.describe.phrase_builder import (
    NONE,
    Phrase,
    among,
    effort,
    either,
    every,
    outside,
    ranged,
    remainder,
    stepped,
    text,
    within,
)
from archlint.engine.describe.sign_changes import sign_changes
from archlint.symbolic import FloorDiv, atoms
from archlint.symbolic.formula import Bool, comparisons, holds

MAX_PERIOD = 4096
MAX_SAMPLES = 20_000


class Stretch(NamedTuple):
    """Of the sizes ``low..high``, those whose remainder by ``modulus`` is in ``residues``."""

    low: int
    high: int | None
    modulus: int
    residues: frozenset[int]

    def surrounds(self, value: int) -> bool:
        """Whether ``value`` is in ``low..high``."""
        return self.low <= value and (self.high is None or value <= self.high)

    def has(self, value: int) -> bool:
        """Whether the pattern, wherever it ends, holds of ``value``."""
        return value % self.modulus in self.residues

    def first(self) -> int | None:
        """The smallest member."""
        return self.following(self.low)

    def following(self, value: int) -> int | None:
        """The smallest member from ``value`` (inside the stretch) on."""
        for v in range(value, value + self.modulus):
            if self.high is not None and v > self.high:
                return None
            if self.has(v):
                return v
        return None

    def last(self) -> int | None:
        """The largest member; ``None`` if there is none or no largest."""
        if self.high is not None:
            for v in range(self.high, max(self.low, self.high - self.modulus + 1) - 1, -1):
                if self.has(v):
                    return v
        return None


_ALL = frozenset({0})
_NOTHING: frozenset[int] = frozenset()
_FEW_BELOW = 64  # sizes below a stretch at which its pattern is tried


def true_at(formula: Bool, env: dict[str, int]) -> bool:
    """The truth at concrete sizes; false where it divides by zero."""
    try:
        return holds(formula, env)
    except ZeroDivisionError:
        return False


def stretches(formula: Bool, name: str, low: int, high: int | None) -> list[Stretch] | None:
    """The sizes ``name`` in ``low..high`` with the property; ``None`` if too many to sample."""
    if isinstance(formula, bool):
        return [Stretch(low, high, 1, _ALL if formula else _NOTHING)]
    period = 1
    for comparison in comparisons(formula):
        for atom in atoms(comparison.expr):
            if isinstance(atom, FloorDiv) and isinstance(atom.den, int):
                period = math.lcm(period, atom.den)
    if period > MAX_PERIOD:
        return None
    windows = sorted(
        {w for c in comparisons(formula) for w in sign_changes(c.expr, name, low, high, period)}
    )
    env = {name: 0}
    left = MAX_SAMPLES
    result: list[Stretch] = []
    at = low
    for a, b in [*windows, (None, None)]:
        a = None if a is None else max(a, at)
        end = high if a is None else a - 1  # of the periodic part before the window
        if end is None or end - at + 1 > period + 1:
            residues = set()
            for v in range(at, at + period):
                env[name] = v
                if true_at(formula, env):
                    residues.add(v % period)
            left -= period
            result.append(_reduced(at, end, period, residues))
            at = at if end is None else end + 1
        if a is None and end is None:
            break
        end = end if b is None else b if high is None else min(b, high)
        assert end is not None
        left -= max(0, end - at + 1)
        if left < 0:
            return None
        for v in range(at, end + 1):
            env[name] = v
            residues_now = _ALL if true_at(formula, env) else _NOTHING
            if result and result[-1].modulus == 1 and result[-1].residues == residues_now:
                result[-1] = result[-1]._replace(high=v)
            else:
                result.append(Stretch(v, v, 1, residues_now))
        at = max(at, end + 1)
    return _grown(result)


def _reduced(low: int, high: int | None, period: int, residues: set[int]) -> Stretch:
    """The same stretch with the smallest modulus."""
    for modulus in range(1, period):
        if period % modulus == 0:
            small = {r % modulus for r in residues}
            if len(small) * (period // modulus) == len(residues):
                return Stretch(low, high, modulus, frozenset(small))
    return Stretch(low, high, period, frozenset(residues))


def _grown(parts: list[Stretch]) -> list[Stretch]:
    """Extend periodic stretches by the neighbouring sizes that fit their pattern."""
    done: list[Stretch] = []
    for part in reversed(parts):
        while done and done[-1].modulus > 1 and part.modulus == 1:
            after = done[-1]
            assert part.high is not None
            fits = after.has(part.high) == bool(part.residues)
            if not fits:
                break
            done[-1] = after._replace(low=part.high)
            part = part._replace(high=part.high - 1)
            if part.high < part.low:  # type: ignore[operator]
                break
        else:
            done.append(part)
            continue
        if part.high is None or part.high >= part.low:
            done.append(part)
    result: list[Stretch] = []
    for part in reversed(done):
        before = result[-1] if result else None
        if before and (before.modulus, before.residues) == (part.modulus, part.residues):
            result[-1] = before._replace(high=part.high)
            continue
        if before and before.modulus > 1 and part.modulus == 1:
            value = part.low
            while (part.high is None or value <= part.high) and value - part.low < 2 * MAX_PERIOD:
                if before.has(value) != bool(part.residues):
                    break
                value += 1
            result[-1] = before._replace(high=value - 1)
            part = part._replace(low=value)
            if part.high is not None and part.high < part.low:
                continue
        result.append(part)
    return result


def worded(parts: list[Stretch], name: str) -> Phrase:
    """The shortest phrase for the members of consecutive stretches."""
    pieces = [p for p in parts if p.first() is not None]
    if not pieces:
        return NONE
    low, high = parts[0].low, parts[-1].high
    options = [_union(pieces, name, low, high)]
    holes = [p for p in parts[1:-1] if not p.residues]
    missing = [v for p in holes for v in range(p.low, min(p.high or 0, p.low + 9) + 1)]
    if holes and len(missing) <= 8 and all(p.modulus == 1 for p in parts):
        first, last = pieces[0].low, pieces[-1].high
        hull = within(name, None if first == low else first, None if last == high else last)
        options.append(every(hull, outside(name, missing)))
    return min(options, key=lambda p: effort(text(p)))


def _goes_on_below(piece: Stretch, pieces: list[Stretch], low: int) -> bool:
    """Whether all sizes below a stretch that follow its pattern are members of other stretches."""
    below = range(low, piece.low) if piece.low - low <= _FEW_BELOW else ()
    return bool(below) and all(
        any(p.surrounds(v) and p.has(v) for p in pieces) for v in below if piece.has(v)
    )


def _union(pieces: list[Stretch], name: str, low: int, high: int | None) -> Phrase:
    singles: list[int] = []
    phrases: list[tuple[int, Phrase]] = []
    for p in pieces:
        first, last = p.first(), p.last()
        assert first is not None
        if first == last:
            singles.append(first)
            continue
        start = None if low == first else first
        end = None if p.high is None or (last == high and p.modulus == 1) else last
        if p.modulus > 1:
            start = None if p.low == low or _goes_on_below(p, pieces, low) else first
            if p.high == high:
                end = None
            elif len(p.residues) == 1 and last is not None:
                phrases.append((first, stepped(name, first, last, p.modulus)))
                continue
            pattern = remainder(name, p.modulus, sorted(p.residues))
            phrases.append((first, every(within(name, start, end), pattern)))
        else:
            phrases.append((first, within(name, start, end)))
    if singles:
        phrases.append((singles[0], among(name, singles)))
    union = either(*(phrase for _, phrase in sorted(phrases, key=lambda s: s[0])))
    return ranged(union, {name: low})
