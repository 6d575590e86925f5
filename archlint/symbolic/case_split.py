"""Case splits: one comparison for each value of a factor or divisor that takes few values.

A window that shrinks to a small image makes ``(-w) % min(h, 4)``. Where the box bounds ``h`` to 1
to 4, that is four remainders with numbers as divisors, which solvers and intervals can handle.
"""

from __future__ import annotations

from collections.abc import Iterator

from archlint.symbolic import (
    Atom,
    Expr,
    FloorDiv,
    Monomial,
    Size,
    atoms,
    cached,
    from_atom,
    map_atoms,
    with_operands,
)
from archlint.symbolic.formula import Bool, Comparison, compare_to_zero, conj, disj, ge, le
from archlint.symbolic.intervals import Box

MAX_CASES = 16  # values of one factor


def split_by_values(comparison: Comparison, box: Box) -> Bool | None:
    """The comparison split by the factor that takes the fewest values in ``box``.

    ``None`` if all factors take more than :data:`MAX_CASES`, or a divisor would become 0.
    """
    candidates = []
    for atom in _factors(comparison.expr):
        low, high = box.interval(from_atom(atom))
        if low is not None and high is not None and 0 <= high - low < MAX_CASES:
            candidates.append((high - low, str(atom), atom, low, high))
    for _, _, atom, low, high in sorted(candidates, key=lambda c: c[:2]):
        split = by_cases(comparison, atom, low, high, box)
        if split is not None:
            return split
    return None


def by_cases(comparison: Comparison, atom: Atom, low: int, high: int, box: Box) -> Bool | None:
    """The comparison, a case for each value of the atom, which are all in ``low..high``.

    ``None`` if a divisor would become 0.
    """
    try:
        exprs = [with_value(comparison.expr, atom, value) for value in range(low, high + 1)]
    except ZeroDivisionError:
        return None
    cases = [_simplified(compare_to_zero(comparison.op, e), box) for e in exprs]
    return _by_value(from_atom(atom), low, cases)


def _simplified(formula: Bool, box: Box) -> Bool:
    truth = box.decide(formula)
    return formula if truth is None else truth


def _by_value(size: Expr, low: int, cases: list[Bool]) -> Bool:
    """The formula that is ``cases[i]`` where the size is ``low + i``; it takes no other value."""
    high = low + len(cases) - 1
    parts, start = [], 0
    for i in range(1, len(cases) + 1):
        if i == len(cases) or cases[i] is not cases[start]:
            first, last = low + start, low + i - 1
            here = conj(
                ge(size, first) if first > low else True, le(size, last) if last < high else True
            )
            parts.append(conj(here, cases[start]))
            start = i
    return disj(*parts)


def divisors(expr: Expr) -> Iterator[Expr]:
    """The symbolic divisors anywhere in the expression."""
    for atom in atoms(expr):
        if isinstance(atom, FloorDiv) and isinstance(atom.den, Expr):
            yield atom.den


def products(expr: Expr) -> Iterator[Monomial]:
    """The products of two or more atoms anywhere in the expression."""
    inner = (o for a in atoms(expr) for o in a.operands() if isinstance(o, Expr))
    for part in (expr, *inner):
        yield from (m for m, _ in part.terms if len(m) > 1)


@cached
def _factors(expr: Expr) -> list[Atom]:
    """The atoms of the divisors or, if there are no symbolic divisors, of the products."""
    factors = [a for den in divisors(expr) for m, _ in den.terms for a in m]
    if not factors:
        factors = [a for m in products(expr) for a in m]
    return list(dict.fromkeys(factors))


def with_value(size: Size, atom: Atom, value: Size) -> Size:
    """The size with the atom replaced by its value, at every depth.

    ``ZeroDivisionError`` where a divisor becomes the number 0.
    """

    def replace(other: Atom) -> Size:
        if other is atom:
            return value
        return with_operands(other, [with_value(o, atom, value) for o in other.operands()])

    return map_atoms(size, replace)
