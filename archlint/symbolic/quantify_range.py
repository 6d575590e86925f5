"""Formulas about an index that takes every value of a range: universal quantification, exact.

:mod:`.quantify_unknowns` treats numbers of which only bounds are known, and may give up too early.
The index of a loop takes each value from its lower to its upper bound, so a formula that fails for
one value fails. :func:`at_every_value` is exact, or ``None`` for formulas that it cannot treat.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from archlint.symbolic import (
    Atom,
    Expr,
    FloorDiv,
    Max,
    Min,
    Monomial,
    Size,
    Unknown,
    atoms,
    from_atom,
    mod,
    substitute,
)
from archlint.symbolic.formula import (
    Bool,
    Comparison,
    Junction,
    conj,
    disj,
    ge,
    ne,
    substitute_formula,
)
from archlint.symbolic.intervals import Box
from archlint.symbolic.linear_sums import linear_parts
from archlint.symbolic.quantify_unknowns import unknowns_in


def index_range(index: Unknown) -> tuple[Size, Size]:
    """The lowest and the highest value of the index, which takes all values between them."""
    assert index.low is not None
    return index.low, index.most[0]


def at_value(formula: Bool, index: Unknown, value: Size) -> Bool:
    """The formula for one value of the index."""
    return substitute_formula(formula, {index.name: value})


def at_every_value(formula: Bool, index: Unknown, box: Box) -> Bool | None:
    """Where the formula holds for every value of the index; ``None`` if no exact answer is known.

    The range of the index must not be empty. ``box`` bounds the sizes.
    """
    if isinstance(formula, bool) or index not in unknowns_in(formula):
        return formula
    if isinstance(formula, Comparison):
        return _comparison(formula, index, box)
    assert isinstance(formula, Junction)
    if formula.op == "and":
        parts = [at_every_value(part, index, box) for part in formula.args]
        return None if any(p is None for p in parts) else conj(*(p for p in parts if p is not None))
    free = [part for part in formula.args if index not in unknowns_in(part)]
    bound = [part for part in formula.args if index in unknowns_in(part)]
    if len(bound) == 1:
        one = at_every_value(bound[0], index, box)
        return None if one is None else disj(*free, one)
    return _monotone_alternatives(free, bound, index, box)


def ends(size: Size, index: Unknown, box: Box) -> tuple[Size | None, Size | None]:
    """The least and the greatest value of a size over the range of the index, where known."""
    low, high = (substitute(size, {index.name: end}) for end in index_range(index))
    match _direction(size, index, box):
        case None:
            return None, None
        case -1:
            return high, low
        case _:
            return low, high


def _monotone_alternatives(
    free: Sequence[Bool], bound: Sequence[Bool], index: Unknown, box: Box
) -> Bool | None:
    """Alternatives that all become true, or all false, as the index grows: one end is the worst."""
    directions = set()
    for part in bound:
        if not isinstance(part, Comparison) or part.op != ">=":
            return None
        directions.add(_direction(part.expr, index, box))
    if len(directions) != 1 or (up := directions.pop()) is None:
        return None
    low, high = index_range(index)
    return disj(*free, *(at_value(part, index, low if up > 0 else high) for part in bound))


def _comparison(formula: Comparison, index: Unknown, box: Box) -> Bool | None:
    low, high = index_range(index)
    ends = at_value(formula, index, low), at_value(formula, index, high)
    parts = linear_parts(formula.expr, index.name)
    if formula.op == ">=":
        if parts is not None:
            return conj(*ends)  # a line is lowest at one of its ends
        direction = _direction(formula.expr, index, box)
        if direction is not None:
            return ends[0] if direction > 0 else ends[1]
        smallest_of = _smallest_of(formula.expr, index)
        if not smallest_of:
            return None
        each = [at_every_value(ge(part, 0), index, box) for part in smallest_of]
        return None if any(p is None for p in each) else conj(*(p for p in each if p is not None))
    if parts is None:
        return None
    if formula.op == "==":
        return conj(*ends)  # a line that is 0 at both ends is 0 between them
    factor, rest = parts
    if not isinstance(factor, int):
        return None
    at_low, at_high = (substitute(formula.expr, {index.name: end}) for end in (low, high))
    if factor < 0:
        at_low, at_high = at_high, at_low
    no_zero = disj(ge(at_low, 1), ge(-at_high, 1))  # all above 0, or all below
    if abs(factor) == 1:
        return no_zero
    return disj(ne(mod(rest, abs(factor)), 0), no_zero)


def _contains(atom: Atom, index: Unknown) -> bool:
    return atom is index or any(a is index for o in atom.operands() for a in atoms(o))


def _direction(size: Size, index: Unknown, box: Box) -> int | None:
    """1 if the size never falls as the index grows, -1 if it never rises, 0 without the index."""
    if isinstance(size, int):
        return 0
    return _common(_of_monomial(m, c, index, box) for m, c in size.terms)


def _common(directions: Iterable[int | None]) -> int | None:
    """The direction of a sum of parts; ``None`` if one is unknown or two are opposite."""
    found = set(directions)
    if None in found or {1, -1} <= found:
        return None
    return 1 if 1 in found else -1 if -1 in found else 0


def _of_monomial(monomial: Monomial, coef: int, index: Unknown, box: Box) -> int | None:
    if not any(_contains(atom, index) for atom in monomial):
        return 0
    if len(monomial) > 1:
        lows = [box.interval(from_atom(atom))[0] for atom in monomial]
        if any(low is None or low < 0 for low in lows):
            return None
    direction = _common(_of_atom(atom, index, box) for atom in monomial)
    return None if direction is None else direction if coef > 0 else -direction


def _of_atom(atom: Atom, index: Unknown, box: Box) -> int | None:
    if atom is index:
        return 1
    if not _contains(atom, index):
        return 0
    if isinstance(atom, FloorDiv):
        positive = isinstance(atom.den, int) and atom.den > 0
        return _direction(atom.num, index, box) if positive else None
    if isinstance(atom, (Min, Max)):
        return _common(_direction(operand, index, box) for operand in atom.operands())
    return None


def _smallest_of(expr: Expr, index: Unknown) -> list[Size]:
    """Sizes of which the expression is the smallest, if it has such a form with the index."""
    for monomial, coef in expr.terms:
        atom = monomial[0]
        kind = Min if coef > 0 else Max
        if len(monomial) == 1 and _contains(atom, index) and isinstance(atom, kind):
            rest = expr - from_atom(atom) * coef
            return [rest + operand * coef for operand in atom.operands()]
    return []
