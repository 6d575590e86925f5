"""Interval arithmetic over a box of sizes: bounds of a size, and formulas they decide."""

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
    StepFunction,
    Symbol,
    Unknown,
    as_quotient,
    from_atom,
    polynomial,
)
from archlint.symbolic.expr import from_terms
from archlint.symbolic.formula import Bool, Comparison, Formula, Junction
from archlint.symbolic.term_factors import coefficient

Interval = tuple["int | None", "int | None"]
"""Smallest and largest value, both included; ``None`` where unbounded."""

_MAX_RELAXED = 6  # terms of an expression; each relaxation may need as many more intervals


class Box:
    """An interval for each symbol, and the intervals of expressions that follow from them.

    ``ranges`` maps the name of a symbol to its :data:`Interval`; a symbol without one may be any
    integer. Results are cached in the box, so one box should serve a whole trace.
    """

    def __init__(self, ranges: Mapping[str, Interval]) -> None:
        self.ranges = dict(ranges)
        self._intervals: dict[Expr, Interval] = {}
        self._decided: dict[Formula, bool | None] = {}
        self._parts: dict[tuple[tuple[str, Interval], ...], Box] = {}

    def within(self, ranges: Mapping[str, Interval]) -> Box:
        """The part of the box inside these ranges too; the box itself if that is all of it."""
        narrow = {n: _intersect(self.ranges.get(n, (None, None)), r) for n, r in ranges.items()}
        new = tuple((n, r) for n, r in narrow.items() if self.ranges.get(n, (None, None)) != r)
        if not new:
            return self
        part = self._parts.get(new)
        if part is None:
            part = self._parts[new] = Box({**self.ranges, **narrow})
        return part

    def interval(self, size: Size) -> Interval:
        """Bounds of the size inside the box: never too narrow, possibly too wide."""
        if isinstance(size, int):
            return size, size
        interval = self._intervals.get(size)
        if interval is None:
            interval = self._intervals[size] = self._expr(size)
        return interval

    def decide(self, formula: Bool) -> bool | None:
        """The truth of the formula in the whole box; ``None`` if the intervals do not show it."""
        if isinstance(formula, bool):
            return formula
        if formula not in self._decided:
            self._decided[formula] = self._decide(formula)
        return self._decided[formula]

    def _decide(self, formula: Formula) -> bool | None:
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
        absorbing = formula.op == "or"
        unclear = False
        for arg in formula.args:
            truth = self.decide(arg)
            if truth is absorbing:
                return absorbing
            unclear = unclear or truth is None
        return None if unclear else not absorbing

    def _expr(self, expr: Expr) -> Interval:
        result: Interval = (expr.const, expr.const)
        for monomial, coef in expr.terms:
            result = _add(result, _times(self._monomial(monomial), (coef, coef)))
        for monomial, coef in expr.terms:
            relaxed = self._relaxed(expr, monomial, coef)
            if relaxed is not None:
                result = _intersect(result, relaxed)
        if 1 < len(expr.terms) <= _MAX_RELAXED:
            for atom in _grouping(expr):
                result = _intersect(result, self._grouped(expr, atom))
        return result

    def _grouped(self, expr: Expr, atom: Atom) -> Interval:
        """The interval of ``a*b + rest`` with ``b``, a sum, replaced by its bounds; ``a >= 0``.

        In ``a*(c - 2*(c//2)) + a - 2*(a//2)`` the terms with ``c`` cancel each other, and so do
        those with ``a`` once ``c`` is gone.
        """
        least = self._atom(atom)[0]
        if least is None or least < 0:
            return None, None
        factor = coefficient(dict(expr.terms), atom)
        low, high = self.interval(from_terms(factor.pop((), 0), factor))
        rest = {m: c for m, c in expr.terms if atom not in m}

        def with_factor(number: int) -> Interval:
            return self.interval(from_terms(expr.const, rest) + from_atom(atom) * number)

        return (
            None if low is None else with_factor(low)[0],
            None if high is None else with_factor(high)[1],
        )

    def _relaxed(self, expr: Expr, monomial: Monomial, coef: int) -> Interval | None:
        """The interval with the quotient ``a//k`` relaxed to ``a/k - r/k``, ``r`` in ``0..k-1``.

        Everything is multiplied by ``k``. This is tight where ``a`` cancels against the other
        terms: remainders, paddings, halves. ``None`` where it does not apply.
        """
        atom = monomial[0]
        if len(monomial) != 1 or not isinstance(atom, FloorDiv) or not isinstance(atom.den, int):
            return None
        if not 1 < len(expr.terms) <= _MAX_RELAXED:
            return None
        k = atom.den
        whole = (expr - polynomial(0, ((monomial, coef),))) * k + atom.num * coef
        low, high = _add(self.interval(whole), _times((0, k - 1), (-coef, -coef)))
        return None if low is None else -(-low // k), None if high is None else high // k

    def _monomial(self, monomial: Monomial) -> Interval:
        result: Interval = (1, 1)
        for atom in monomial:
            result = _times(result, self._atom(atom))
        if len(monomial) == 2 and monomial[0] is monomial[1]:
            result = _intersect(result, (0, None))
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
            return self._quotient(atom, atom.den)
        if isinstance(atom, StepFunction):
            low, high = self.interval(atom.arg)
            least = atom.at(atom.start if low is None else low)
            return least, None if high is None else atom.at(high)
        bounds = [self.interval(a) for a in atom.operands()]
        lows = [b[0] for b in bounds if b[0] is not None]
        highs = [b[1] for b in bounds if b[1] is not None]
        if isinstance(atom, Min):
            return (min(lows) if len(lows) == len(bounds) else None, min(highs, default=None))
        assert isinstance(atom, Max)
        return (max(lows, default=None), max(highs) if len(highs) == len(bounds) else None)

    def _quotient(self, atom: FloorDiv, den: Expr) -> Interval:
        found = _quotient(self.interval(atom.num), self.interval(den))
        if found[0] != 0:
            return found
        inner, low = as_quotient(den), 0
        if inner is not None and inner.num is atom.num:  # x // (x // y) >= y where y >= 1
            low = max(low, _lower(self.interval(inner.den)))
        if low == 0:
            low = int(_lower(self.interval(atom.num - den)) >= 0)
        return low, found[1]

    def _unknown(self, atom: Unknown) -> Interval:
        low = None if atom.low is None else self.interval(atom.low)[0]
        highs = [self.interval(m)[1] for m in atom.most]
        high = min((h for h in highs if h is not None), default=None)
        return _intersect(self.ranges.get(atom.name, (None, None)), (low, high))


def _grouping(expr: Expr) -> list[Atom]:
    """The atoms that are factors, none of them a square, of several terms, one of a product."""
    if all(len(m) < 2 for m, _ in expr.terms):
        return []
    found = dict.fromkeys(atom for m, _ in expr.terms for atom in m)
    counts = {a: [m.count(a) for m, _ in expr.terms if a in m] for a in found}
    return [a for a, times in counts.items() if len(times) > 1 and max(times) == 1]


def _lower(bounds: Interval) -> int:
    """The lower bound, if it is not negative."""
    return -1 if bounds[0] is None else bounds[0]


def _add(a: Interval, b: Interval) -> Interval:
    low = None if a[0] is None or b[0] is None else a[0] + b[0]
    high = None if a[1] is None or b[1] is None else a[1] + b[1]
    return low, high


def _intersect(a: Interval, b: Interval) -> Interval:
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
