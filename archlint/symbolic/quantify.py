"""What holds for every value of the numbers that values decide.

An :class:`.Unknown` is known by its bounds only. A statement about it is turned into
one about sizes alone, which implies that it holds whatever the unknown is: in each term the unknown
is put where it is least favourable. What comes of it may be narrower than need be, never wider.
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
    Unknown,
    atoms,
    cached,
    floordiv,
    maximum,
    minimum,
    polynomial,
    product,
    substitute,
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

_MOST = 6  # candidates for one bound
MAX_UNKNOWNS = 4  # in one formula: of more, only numbers as bounds help
_SPLITS = 2  # unknowns that are looked at apart where they are 0

Bounds = tuple[list[Size], list[Size]]
"""Sizes that a size is at least, and sizes that it is at most."""


@cached
def unknowns_in(what: Bool | Size) -> tuple[Unknown, ...]:
    """The unknowns that a formula or a size names, the latest first."""
    if isinstance(what, int):
        return ()
    sizes = [what] if isinstance(what, Expr) else [c.expr for c in comparisons(what)]
    found = {a for s in sizes for a in atoms(s) if isinstance(a, Unknown)}
    return tuple(sorted(found, key=lambda u: -u.number))


def for_all(formula: Bool, box: Box) -> Bool:
    """Where the formula holds for every value of its unknowns, or less; without unknowns.

    ``box`` bounds the sizes, and may bound the unknowns more closely.
    """
    return _for_all(formula, box, _SPLITS)


def upper_bound(size: Size) -> Size:
    """The size where its unknowns are the largest that they may be, as far as that is known."""
    while found := [u for u in unknowns_in(size) if u.most]:
        size = substitute(size, {found[0].name: found[0].most[0]})
    return size


def _for_all(formula: Bool, box: Box, splits: int) -> Bool:
    found = unknowns_in(formula)
    if not found:
        return formula
    known = box.decide(formula)
    if known is not None:
        return known
    if len(found) > MAX_UNKNOWNS:
        return False
    if isinstance(formula, Comparison):
        return _comparison(formula, box, splits)
    assert isinstance(formula, Junction)
    if formula.word == "and":
        return conj(*(_for_all(part, box, splits) for part in formula.args))
    each = disj(*(_for_all(part, box, splits) for part in formula.args))
    if each is True or not splits:
        return each
    for unknown in found:  # parts that hold at 0, and others that hold above
        if box.interval(_expr(unknown))[0] == 0:
            zero = box.within({unknown.name: (0, 0)})
            at_zero = _for_all(substitute_formula(formula, {unknown.name: 0}), zero, splits - 1)
            above = _for_all(formula, box.within({unknown.name: (1, None)}), splits - 1)
            each = disj(each, conj(at_zero, above))
    return each


def _comparison(formula: Comparison, box: Box, splits: int) -> Bool:
    expr = formula.expr
    if formula.op == "==":
        parts = (_for_all(said, box, splits) for said in (ge(expr, 0), le(expr, 0)))
        return conj(*parts)
    if formula.op == "!=":
        parts = (_for_all(said, box, splits) for said in (ge(expr, 1), le(expr, -1)))
        return disj(*parts)
    for join, sign in ((disj, 1), (conj, -1)):  # max(a, b) >= c  iff  a >= c or b >= c
        parted = _parted(expr, sign)
        if parted:
            return join(*(_for_all(ge(part, 0), box, splits) for part in parted))
    lows = _range(expr, unknowns_in(expr)[0], box)[0]
    return disj(*(_for_all(_at_least_0(low, box), box, splits) for low in lows))


def _at_least_0(size: Size, box: Box) -> Bool:
    """``size >= 0``, without a division by sizes if one division is all there is."""
    said = ge(size, 0)
    if not isinstance(said, Comparison) or len(said.expr.terms) > 1:
        return said
    (monomial, coef) = said.expr.terms[0]
    atom, const = monomial[0], said.expr.const
    if len(monomial) == 1 and isinstance(atom, FloorDiv) and isinstance(atom.den, Expr):
        if coef == 1 and _positive(atom.den, box):  # num//den >= q  iff  num >= q*den
            return ge(atom.num, -const * atom.den)
        if coef == -1 and _positive(atom.den, box):
            return ge(const * atom.den + atom.den - 1, atom.num)
    return said


def _parted(expr: Expr, sign: int) -> list[Size]:
    """The largest (``sign`` 1) or smallest of which sizes the expression is, if it is of some."""
    for monomial, coef in expr.terms:
        atom, up = monomial[0], sign if coef > 0 else -sign
        if len(monomial) > 1 or not _of(atom):
            continue
        parts: list[Size] = []
        if isinstance(atom, Max if up > 0 else Min):
            parts = list(atom.operands())
        elif isinstance(atom, FloorDiv) and isinstance(atom.den, int) and atom.den > 0:
            parts = [floordiv(part, atom.den) for part in _parted(atom.num, up)]
        if parts:
            rest = expr - _expr(atom) * coef
            return [rest + part * coef for part in parts]
    return []


def _range(size: Size, unknown: Unknown, box: Box) -> Bounds:
    """Bounds of the size that do not name ``unknown``."""
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
    return _combined(_sum, lows), _combined(_sum, highs)


def _monomial(monomial: Monomial, unknown: Unknown, box: Box) -> Bounds:
    parts = [_atom(atom, unknown, box) for atom in monomial]
    if len(parts) > 1 and not all(_not_negative(_expr(atom), box) for atom in monomial):
        own = polynomial(0, ((monomial, 1),))
        return ([], []) if unknown in unknowns_in(own) else ([own], [own])
    lows = [[s for s in low if len(parts) == 1 or _not_negative(s, box)] for low, _ in parts]
    return _combined(product, lows), _combined(product, [high for _, high in parts])


def _atom(atom: Atom, unknown: Unknown, box: Box) -> Bounds:
    own = _expr(atom)
    if unknown not in unknowns_in(own):
        return [own], [own]
    if atom is unknown:
        low, high = box.interval(own)
        return _with(low, unknown.low), _with(high, *unknown.most)
    parts = [_range(operand, unknown, box) for operand in atom.operands()]
    lows, highs = [low for low, _ in parts], [high for _, high in parts]
    if isinstance(atom, FloorDiv):
        if unknown in unknowns_in(atom.den) or not _positive(atom.den, box):
            return [], []
        return [floordiv(s, atom.den) for s in lows[0]], [floordiv(s, atom.den) for s in highs[0]]
    if isinstance(atom, Min):
        return _combined(_least, lows), [s for high in highs for s in high]
    return [s for low in lows for s in low], _combined(_largest, highs)


def _with(bound: int | None, *others: Size | None) -> list[Size]:
    found: list[Size | None] = [*others, bound]
    return list(dict.fromkeys(s for s in found if s is not None))


def _combined(join: Callable[[Iterable[Size]], Size], choices: list[list[Size]]) -> list[Size]:
    paths = itertools.islice(itertools.product(*choices), _MOST)
    return list(dict.fromkeys(map(join, paths)))


def _sum(sizes: Iterable[Size]) -> Size:
    total: Size = 0
    for size in sizes:
        total = total + size
    return total


def _least(sizes: Iterable[Size]) -> Size:
    return minimum(*sizes)


def _largest(sizes: Iterable[Size]) -> Size:
    return maximum(*sizes)


def _expr(atom: Atom) -> Expr:
    return polynomial(0, (((atom,), 1),))


def _of(atom: Atom) -> bool:
    return bool(unknowns_in(_expr(atom)))


def _not_negative(size: Size, box: Box) -> bool:
    low = box.interval(size)[0]
    return low is not None and low >= 0


def _positive(size: Size, box: Box) -> bool:
    low = box.interval(size)[0]
    return low is not None and low > 0


__all__ = ["MAX_UNKNOWNS", "for_all", "unknowns_in", "upper_bound"]
