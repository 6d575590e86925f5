"""What expressions of one size are beyond some value: linear along each residue class.

``n // d`` of two such expressions is eventually constant along each class where ``d`` grows: of
``(7*k+1)//2 // ((k+1)//2)`` it is 7 for every even ``k``, and 6 for every odd one from 5 on.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from archlint.symbolic import Atom, Expr, FloorDiv, Monomial, Size, Symbol, cached
from archlint.symbolic.intervals import Box

MAX_PERIOD = 512
MAX_START = 512


class Tail(NamedTuple):
    """An expression of the size ``name`` from ``start`` on.

    From one value to the next of its class modulo ``period``, the expression rises by
    ``rises[value % period]``. ``name`` is ``None`` for a number.
    """

    name: str | None
    start: int
    period: int
    rises: tuple[int, ...]

    def rise(self, value: int, period: int) -> int:
        """The rise from ``value`` on over a multiple of the period."""
        return self.rises[value % self.period] * (period // self.period)


def values_in(expr: Expr, box: Box) -> tuple[int, int] | None:
    """The smallest and the largest value in the box of an expression that rises nowhere."""
    end = tail(expr)
    if end is None or end.name is None or any(end.rises):
        return None
    low, _ = box.ranges.get(end.name, (None, None))
    if low is None or low < 0:
        return None
    last = max(low, end.start) + end.period - 1
    try:
        found = [expr.evaluate({end.name: v}) for v in range(low, last + 1)]
    except ZeroDivisionError:
        return None
    return min(found), max(found)


@cached
def tail(expr: Expr) -> Tail | None:
    """The tail of an expression; ``None`` for several sizes, squares, or a late or long one."""
    parts = [(_of_product(monomial), coef) for monomial, coef in expr.terms]
    tails = [t for t, _ in parts if t is not None]
    if len(tails) < len(parts):
        return None
    joined = _joined(tails)
    if joined is None:
        return None
    name, start, period = joined
    rises = [sum(t.rise(c, period) * k for t, k in parts if t) for c in range(period)]
    return Tail(name, start, period, tuple(rises))


def _joined(tails: list[Tail]) -> tuple[str | None, int, int] | None:
    """The common name, start and period; ``None`` if there are several names or too many values."""
    names = {t.name for t in tails} - {None}
    period = math.lcm(*(t.period for t in tails))
    if len(names) > 1 or period > MAX_PERIOD:
        return None
    return next(iter(names), None), max((t.start for t in tails), default=0), period


def _of_product(monomial: Monomial) -> Tail | None:
    """Of factors of which at most one rises along each class."""
    tails = [_of_atom(a) for a in monomial]
    known = [t for t in tails if t is not None]
    joined = _joined(known) if len(known) == len(tails) else None
    if joined is None or len(known) == 1:
        return known[0] if joined else None
    name, start, period = joined
    rises = []
    for c in range(period):
        rising = [a for a, t in zip(monomial, known, strict=True) if t.rise(c, period)]
        if len(rising) > 1:
            return None
        value = _first(c, start, period)
        rise = math.prod(
            t.rise(c, period) or a.evaluate({name or "": value})
            for a, t in zip(monomial, known, strict=True)
        )
        rises.append(rise if rising else 0)
    return Tail(name, start, period, tuple(rises))


def _first(c: int, start: int, period: int) -> int:
    """The first value of a class from ``start`` on."""
    return start + (c - start) % period


def _of_atom(atom: Atom) -> Tail | None:
    if isinstance(atom, Symbol):
        return Tail(atom.name, 0, 1, (1,))
    if not isinstance(atom, FloorDiv):
        return None
    num, den = tail(atom.num), _of_size(atom.den)
    joined = None if num is None or den is None else _joined([num, den])
    if num is None or den is None or joined is None:
        return None
    name, start, period = joined
    late, times = start, 1
    for c in range(period):
        value = _first(c, start, period)
        env = {name or "": value}
        try:
            n, d = atom.num.evaluate(env), _evaluate(atom.den, env)
        except ZeroDivisionError:
            return None
        a, b = num.rise(c, period), den.rise(c, period)
        if b < 0 or (b == 0 and d < 1):
            return None
        if b == 0:
            times = math.lcm(times, d // math.gcd(d, a))
            continue
        steps = _steps_until_constant(n, a, d, b)
        late = max(late, value + period * steps)
        if late > MAX_START:
            return None
    if period * times > MAX_PERIOD:
        return None
    rises = []
    for c in range(period * times):
        value = _first(c, start, period)
        a, b = num.rise(c, period), den.rise(c, period)
        rises.append(0 if b else a * times // _evaluate(atom.den, {name or "": value}))
    return Tail(name, late, period * times, tuple(rises))


def _steps_until_constant(n: int, a: int, d: int, b: int) -> int:
    """From which ``t`` on ``(n + a*t) // (d + b*t)`` is constant and its divisor positive."""
    q, rest = divmod(a, b)
    # n + a*t - q*(d + b*t) == low + rest*t, which has to stay in 0..d + b*t - 1, or in -d - b*t..-1
    low = n - q * d
    positive = max(0, -(d - 1) // b + 1) if d < 1 else 0
    if rest == 0:
        return max(positive, -(-(abs(low) + 1 - d) // b), 0)
    inside = -(-max(0, -low) // rest)  # low + rest*t >= 0
    below = -(-max(0, low - d + 1) // (b - rest))  # low + rest*t < d + b*t
    return max(positive, inside, below)


def _of_size(size: Size) -> Tail | None:
    return Tail(None, 0, 1, (0,)) if isinstance(size, int) else tail(size)


def _evaluate(size: Size, env: dict[str, int]) -> int:
    return size if isinstance(size, int) else size.evaluate(env)
