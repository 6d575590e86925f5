"""Interval arithmetic over a box of sizes: what can be decided without a solver."""

from __future__ import annotations

from collections.abc import Mapping

from archlint.symbolic import (
    Atom,
    Expr,
    FloorDiv,
    Max,
    Min,
    Monomial,
    Size,
    Symbol,
    Unknown,
    polynomial,
)
from archlint.symbolic.formula import Bool, Comparison, Junction

Interval = tuple["int | None", "int | None"]
"""Smallest and largest value, both included; ``None`` where unbounded."""

_RELAXABLE = 6  # terms; each relaxation may ask for as many more


class Box:
    """A range for each symbol, and the ranges of expressions that follow from it.

    ``ranges`` maps a symbol to its :data:`Interval`; a symbol it lacks may be any integer.
    Results are remembered, so one box should serve a whole trace.
    """

    def __init__(self, ranges: Mapping[str, Interval]) -> None:
        self.ranges = dict(ranges)
        self._known: dict[Expr, Interval] = {}

    def within(self, ranges: Mapping[str, Interval]) -> Box:
        """The part of the box that is in these ranges too; the box itself if they say nothing."""
        narrow = {n: _meet(self.ranges.get(n, (None, None)), r) for n, r in ranges.items()}
        if all(self.ranges.get(n, (None, None)) == r for n, r in narrow.items()):
            return self
        return Box({**self.ranges, **narrow})

    def interval(self, size: Size) -> Interval:
        """The values a size can take: never too narrow, possibly too wide."""
        if isinstance(size, int):
            return size, size
        found = self._known.get(size)
        if found is None:
            found = self._known[size] = self._expr(size)
        return found

    def decide(self, formula: Bool) -> bool | None:
        """``True`` or ``False`` if the formula is so in the whole box, ``None`` if unclear."""
        if isinstance(formula, bool):
            return formula
        if isinstance(formula, Comparison):
            low, high = self.interval(formula.expr)
            if formula.op == ">=":
                if low is not None and low >= 0:
                    return True
                return False if high is not None and high < 0 else None
            outside = (low is not None and low > 0) or (high is not None and high < 0)
            if outside:
                return formula.op == "!="
            return formula.op == "==" if low == 0 and high == 0 else None
        assert isinstance(formula, Junction)
        decisive = formula.word == "or"
        unclear = False
        for arg in formula.args:
            known = self.decide(arg)
            if known is decisive:
                return decisive
            unclear = unclear or known is None
        return None if unclear else not decisive

    def _expr(self, expr: Expr) -> Interval:
        result: Interval = (expr.const, expr.const)
        for monomial, coef in expr.terms:
            result = _add(result, _times(self._monomial(monomial), (coef, coef)))
        for monomial, coef in expr.terms:
            relaxed = self._relaxed(expr, monomial, coef)
            if relaxed is not None:
                result = _meet(result, relaxed)
        return result

    def _relaxed(self, expr: Expr, monomial: Monomial, coef: int) -> Interval | None:
        """Replace ``a//k`` by ``a/k`` less ``0..(k-1)/k``, everything multiplied by ``k``.

        Tight where ``a`` cancels against the rest: remainders, paddings, halves.
        """
        atom = monomial[0]
        if len(monomial) != 1 or not isinstance(atom, FloorDiv) or not isinstance(atom.den, int):
            return None
        if not 1 < len(expr.terms) <= _RELAXABLE:
            return None
        k = atom.den
        whole = (expr - _term(monomial, coef)) * k + atom.num * coef
        low, high = _add(self.interval(whole), _times((0, k - 1), (-coef, -coef)))
        return None if low is None else -(-low // k), None if high is None else high // k

    def _monomial(self, monomial: Monomial) -> Interval:
        result: Interval = (1, 1)
        for atom in monomial:
            result = _times(result, self._atom(atom))
        if len(monomial) == 2 and monomial[0] is monomial[1]:
            result = _meet(result, (0, None))
        return result

    def _atom(self, atom: Atom) -> Interval:
        if isinstance(atom, Unknown):
            return self._unknown(atom)
        if isinstance(atom, Symbol):
            return self.ranges.get(atom.name, (None, None))
        if isinstance(atom, FloorDiv):
            low, high = self.interval(atom.num)
            if isinstance(atom.den, int):
                den = atom.den
                return (None if low is None else low // den, None if high is None else high // den)
            return _quotient((low, high), self.interval(atom.den))
        bounds = [self.interval(a) for a in atom.operands()]
        lows = [b[0] for b in bounds if b[0] is not None]
        highs = [b[1] for b in bounds if b[1] is not None]
        if isinstance(atom, Min):
            return (min(lows) if len(lows) == len(bounds) else None, min(highs, default=None))
        assert isinstance(atom, Max)
        return (max(lows, default=None), max(highs) if len(highs) == len(bounds) else None)

    def _unknown(self, atom: Unknown) -> Interval:
        low = None if atom.low is None else self.interval(atom.low)[0]
        highs = [self.interval(m)[1] for m in atom.most]
        high = min((h for h in highs if h is not None), default=None)
        return _meet(self.ranges.get(atom.name, (None, None)), (low, high))


def _term(monomial: Monomial, coef: int) -> Size:
    return polynomial(0, ((monomial, coef),))


def _add(a: Interval, b: Interval) -> Interval:
    low = None if a[0] is None or b[0] is None else a[0] + b[0]
    high = None if a[1] is None or b[1] is None else a[1] + b[1]
    return low, high


def _meet(a: Interval, b: Interval) -> Interval:
    low = b[0] if a[0] is None else a[0] if b[0] is None else max(a[0], b[0])
    high = b[1] if a[1] is None else a[1] if b[1] is None else min(a[1], b[1])
    return low, high


def _times(a: Interval, b: Interval) -> Interval:
    if a == (0, 0) or b == (0, 0):
        return 0, 0
    if b[0] is not None and b[0] == b[1]:
        scale = b[0]
        low = None if a[0] is None else a[0] * scale
        high = None if a[1] is None else a[1] * scale
        return (low, high) if scale > 0 else (high, low)
    if a[0] is not None and a[0] == a[1]:
        return _times(b, a)
    if a[0] is not None and a[0] >= 0 and b[0] is not None and b[0] >= 0:
        high = None if a[1] is None or b[1] is None else a[1] * b[1]
        return a[0] * b[0], high
    if None in a or None in b:
        return None, None
    corners = [x * y for x in a for y in b if x is not None and y is not None]
    return min(corners), max(corners)


def _quotient(num: Interval, den: Interval) -> Interval:
    if den[0] is None or den[0] < 1:
        return None, None
    low, high = num
    divisors = [d for d in den if d is not None]
    smallest = None if low is None else min(low // d for d in divisors)
    largest = None if high is None else max(high // d for d in divisors)
    if den[1] is None:  # the quotient tends to 0 (or -1) as the divisor grows
        smallest = None if smallest is None else min(smallest, -1 if low and low < 0 else 0)
        largest = None if largest is None else max(largest, -1 if high and high < 0 else 0)
    return smallest, largest
