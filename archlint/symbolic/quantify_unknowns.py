"""Formulas that hold for every value of the unknowns: universal quantification, approximated.

Of an :class:`.Unknown` only the bounds are known. A formula with unknowns becomes one without that
implies it, whatever the unknowns are: in each term the unknown is replaced by its least favourable
bound. The result may hold at fewer sizes than it could, never at more.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

from archlint.symbolic import (
    Atom,
    Expr,
    FloorDiv,
    Max,
    Min,
    Monomial,
    Size,
    StepFunction,
    Unknown,
    atoms,
    cached,
    floordiv,
    from_atom,
    maximum,
    minimum,
    product,
    substitute,
    with_operands,
)
from archlint.symbolic.formula import (
    Bool,
    Comparison,
    Junction,
    comparisons,
    conj,
    disj,
    ge,
    le,
    substitute_formula,
)
from archlint.symbolic.intervals import Box
from archlint.symbolic.minmax_comparisons import as_extremum

_MAX_BOUNDS = 6  # candidates for one bound of a term
MAX_UNKNOWNS = 4  # in one formula; with more, only the interval of the whole formula counts
_MAX_SPLITS = 2  # unknowns for which the case 0 is treated separately

Bounds = tuple[list[Size], list[Size]]
"""Lower bounds and upper bounds of a size, in no order."""


@cached
def unknowns_in(what: Bool | Size) -> tuple[Unknown, ...]:
    """The unknowns in a formula or a size, the latest (highest number) first."""
    if isinstance(what, int):
        return ()
    sizes = [what] if isinstance(what, Expr) else [c.expr for c in comparisons(what)]
    unknowns = {a for s in sizes for a in atoms(s) if isinstance(a, Unknown)}
    return tuple(sorted(unknowns, key=lambda u: -u.number))


def for_all(formula: Bool, box: Box) -> Bool:
    """A formula without unknowns that implies ``formula`` for every value of its unknowns.

    ``False`` where none is known. ``box`` bounds the sizes; it may also bound unknowns, by their
    names, more closely than their own bounds do.
    """
    return _for_all(formula, box, _MAX_SPLITS)


def upper_bound(size: Size) -> Size:
    """The size with each unknown replaced by its first upper bound, if it has one."""
    while bounded := [u for u in unknowns_in(size) if u.most]:
        size = substitute(size, {bounded[0].name: bounded[0].most[0]})
    return size


def _for_all(formula: Bool, box: Box, splits: int) -> Bool:
    unknowns = unknowns_in(formula)
    if not unknowns:
        return formula
    truth = box.decide(formula)
    if truth is not None:
        return truth
    if len(unknowns) > MAX_UNKNOWNS:
        return False
    if isinstance(formula, Comparison):
        return _comparison(formula, box, splits)
    assert isinstance(formula, Junction)
    if formula.op == "and":
        return conj(*(_for_all(part, box, splits) for part in formula.args))
    each = disj(*(_for_all(part, box, splits) for part in formula.args))
    if each is True or not splits:
        return each
    for unknown in unknowns:  # one part may hold where it is 0, another where it is positive
        if box.interval(from_atom(unknown))[0] == 0:
            zero = box.within({unknown.name: (0, 0)})
            at_zero = _for_all(substitute_formula(formula, {unknown.name: 0}), zero, splits - 1)
            above = _for_all(formula, box.within({unknown.name: (1, None)}), splits - 1)
            each = disj(each, conj(at_zero, above))
    return each


def _comparison(formula: Comparison, box: Box, splits: int) -> Bool:
    expr = formula.expr
    if formula.op == "==":
        parts = (_for_all(part, box, splits) for part in (ge(expr, 0), le(expr, 0)))
        return conj(*parts)
    if formula.op == "!=":
        parts = (_for_all(part, box, splits) for part in (ge(expr, 1), le(expr, -1)))
        return disj(*parts)
    for join, kind in ((disj, Max), (conj, Min)):  # max(a, b) >= c  iff  a >= c or b >= c
        alternatives = as_extremum(expr, kind, box, lambda a: bool(unknowns_in(from_atom(a))))
        if alternatives:
            return join(*(_for_all(ge(part, 0), box, splits) for part in alternatives))
    lows = _bounds(expr, unknowns_in(expr)[0], box)[0]
    return disj(*(_for_all(_nonnegative(low, box), box, splits) for low in lows))


def _nonnegative(size: Size, box: Box) -> Bool:
    """``size >= 0``, without the division if the size is a single quotient and a constant."""
    comparison = ge(size, 0)
    if not isinstance(comparison, Comparison) or len(comparison.expr.terms) > 1:
        return comparison
    (monomial, coef) = comparison.expr.terms[0]
    atom, const = monomial[0], comparison.expr.const
    if len(monomial) == 1 and isinstance(atom, FloorDiv) and isinstance(atom.den, Expr):
        if coef == 1 and _positive(atom.den, box):  # num//den >= q  iff  num >= q*den
            return ge(atom.num, -const * atom.den)
        if coef == -1 and _positive(atom.den, box):
            return ge(const * atom.den + atom.den - 1, atom.num)
    return comparison


def _bounds(size: Size, unknown: Unknown, box: Box) -> Bounds:
    """Bounds of the size that do not contain ``unknown``."""
    if unknown not in unknowns_in(size):
        return [size], [size]
    assert isinstance(size, Expr)
    lows: list[list[Size]] = [[size.const]]
    highs: list[list[Size]] = [[size.const]]
    for monomial, coef in size.terms:
        low, high = _monomial(monomial, unknown, box)
        low, high = [s * coef for s in low], [s * coef for s in high]
        lows.append(low if coef > 0 else high)
        highs.append(high if coef > 0 else low)
    return _combined(sum, lows), _combined(sum, highs)


def _monomial(monomial: Monomial, unknown: Unknown, box: Box) -> Bounds:
    parts = [_atom(atom, unknown, box) for atom in monomial]
    if len(parts) > 1 and not all(_not_negative(from_atom(atom), box) for atom in monomial):
        own = from_atom(*monomial)
        return ([], []) if unknown in unknowns_in(own) else ([own], [own])
    lows = [[s for s in low if len(parts) == 1 or _not_negative(s, box)] for low, _ in parts]
    return _combined(product, lows), _combined(product, [high for _, high in parts])


def _atom(atom: Atom, unknown: Unknown, box: Box) -> Bounds:
    own = from_atom(atom)
    if unknown not in unknowns_in(own):
        return [own], [own]
    if atom is unknown:
        low, high = box.interval(own)
        return _known_bounds(low, unknown.low), _known_bounds(high, *unknown.most)
    parts = [_bounds(operand, unknown, box) for operand in atom.operands()]
    lows, highs = [low for low, _ in parts], [high for _, high in parts]
    if isinstance(atom, FloorDiv):
        if unknown in unknowns_in(atom.den) or not _positive(atom.den, box):
            return [], []
        return [floordiv(s, atom.den) for s in lows[0]], [floordiv(s, atom.den) for s in highs[0]]
    if isinstance(atom, StepFunction):
        return [with_operands(atom, [s]) for s in lows[0]], [
            with_operands(atom, [s]) for s in highs[0]
        ]
    if isinstance(atom, Min):
        return _combined(lambda sizes: minimum(*sizes), lows), [s for high in highs for s in high]
    return [s for low in lows for s in low], _combined(lambda sizes: maximum(*sizes), highs)


def _known_bounds(bound: int | None, *others: Size | None) -> list[Size]:
    candidates: list[Size | None] = [*others, bound]
    return list(dict.fromkeys(s for s in candidates if s is not None))


def _combined(join: Callable[[Iterable[Size]], Size], choices: list[list[Size]]) -> list[Size]:
    """``join`` of one bound from each list, for the first :data:`_MAX_BOUNDS` combinations."""
    combinations = itertools.islice(itertools.product(*choices), _MAX_BOUNDS)
    return list(dict.fromkeys(map(join, combinations)))


def _not_negative(size: Size, box: Box) -> bool:
    low = box.interval(size)[0]
    return low is not None and low >= 0


def _positive(size: Size, box: Box) -> bool:
    low = box.interval(size)[0]
    return low is not None and low > 0
