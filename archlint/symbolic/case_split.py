"""Comparisons in which a factor or a divisor takes few values: one comparison for each of them.

A window that shrinks to a small image makes ``(-w) % min(h, 4)``. Where the box leaves ``h`` the
values 1 to 4, that is four remainders by numbers, which solvers and bounds are good at.
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
    map_atoms,
    polynomial,
    with_operands,
)
from archlint.symbolic.formula import Bool, Comparison, compare_to_zero, conj, disj, ge, le
from archlint.symbolic.intervals import Box

MOST = 16  # values of one factor


def split_by_values(comparison: Comparison, box: Box) -> Bool | None:
    """The comparison for each value of the factor that takes fewest; ``None`` if all take many.

    No divisor may become 0.
    """
    found = []
    for atom in _factors(comparison.expr):
        low, high = box.interval(_expr(atom))
        if low is not None and high is not None and 0 <= high - low < MOST:
            found.append((high - low, str(atom), atom, low, high))
    for _, _, atom, low, high in sorted(found, key=lambda f: f[:2]):
        try:
            exprs = [_at(comparison.expr, atom, value) for value in range(low, high + 1)]
        except ZeroDivisionError:
            continue
        said = [_settled(compare_to_zero(comparison.op, e), box) for e in exprs]
        return _joined(_expr(atom), low, said)
    return None


def _settled(formula: Bool, box: Box) -> Bool:
    known = box.decide(formula)
    return formula if known is None else known


def _joined(size: Expr, low: int, said: list[Bool]) -> Bool:
    """``said[i]`` where the size is ``low + i``; it takes no other value."""
    high = low + len(said) - 1
    parts, start = [], 0
    for i in range(1, len(said) + 1):
        if i == len(said) or said[i] is not said[start]:
            first, last = low + start, low + i - 1
            here = conj(
                ge(size, first) if first > low else True, le(size, last) if last < high else True
            )
            parts.append(conj(here, said[start]))
            start = i
    return disj(*parts)


def divisors(expr: Expr) -> Iterator[Expr]:
    """The sizes that something is divided by, anywhere in the expression."""
    for atom in atoms(expr):
        if isinstance(atom, FloorDiv) and isinstance(atom.den, Expr):
            yield atom.den


def products(expr: Expr) -> Iterator[Monomial]:
    """The products of sizes anywhere in the expression."""
    inner = (o for a in atoms(expr) for o in a.operands() if isinstance(o, Expr))
    for part in (expr, *inner):
        yield from (m for m, _ in part.terms if len(m) > 1)


@cached
def _factors(expr: Expr) -> list[Atom]:
    """The atoms that divisors are made of, or, if there are none, products."""
    found = [a for den in divisors(expr) for m, _ in den.terms for a in m]
    if not found:
        found = [a for m in products(expr) for a in m]
    return list(dict.fromkeys(found))


def _at(size: Size, atom: Atom, value: int) -> Size:
    """The size where the atom has this value."""

    def changed(other: Atom) -> Size:
        if other is atom:
            return value
        return with_operands(other, [_at(o, atom, value) for o in other.operands()])

    return map_atoms(size, changed)


def _expr(atom: Atom) -> Expr:
    return polynomial(0, (((atom,), 1),))
