"""Comparisons of minima and maxima, rewritten to comparisons of their arguments.

``min(a, b) >= c`` is ``a >= c and b >= c``, and ``x == min(x, 65)`` is ``x <= 65``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from archlint.symbolic import (
    Atom,
    Expr,
    Extremum,
    FloorDiv,
    Max,
    Min,
    Monomial,
    Size,
    atoms,
    cached,
    floordiv,
    from_atom,
    map_atoms,
    with_operands,
)
from archlint.symbolic.case_split import with_value
from archlint.symbolic.formula import (
    Bool,
    Comparison,
    compare_to_zero,
    conj,
    disj,
    ge,
    le,
    map_comparisons,
    negate,
)
from archlint.symbolic.intervals import Box

_MAX_CASES = 24  # combinations of arguments; more make the formula longer than it is worth


def split_extrema(comparison: Comparison, box: Box) -> Bool | None:
    """The comparison without minima and maxima, equivalent in ``box``.

    ``None`` if it has none, or too many. If the box shows that some of their arguments are never
    the smallest or largest, the result is the comparison without these.
    """
    extrema = _extrema(comparison.expr)
    if not extrema:
        return None
    try:
        size = without_dominated(comparison.expr, box)
        if size is not comparison.expr:
            return compare_to_zero(comparison.op, size)
        if math.prod(len(e.args) for e in extrema) > _MAX_CASES:
            return None
        return _split(comparison, box)
    except ZeroDivisionError:
        return None


@cached
def _extrema(expr: Expr) -> tuple[Extremum, ...]:
    """The minima and maxima anywhere in the expression, those inside others last."""
    return tuple(a for a in atoms(expr) if isinstance(a, Extremum))


def without_dominated(size: Size, box: Box) -> Size:
    """The size without the arguments of extrema that another argument makes superfluous in the box.

    ``ZeroDivisionError`` where a divisor becomes the number 0.
    """
    if isinstance(size, int) or not _extrema(size):
        return size

    def change(atom: Atom) -> Size:
        operands = [without_dominated(o, box) for o in atom.operands()]
        if isinstance(atom, Extremum):
            operands = _undominated(operands, isinstance(atom, Min), box)
        return with_operands(atom, operands)

    return map_atoms(size, change)


def _undominated(args: Sequence[Size], smallest: bool, box: Box) -> list[Size]:
    left = list(args)
    for arg in args:
        for other in left:
            if other is arg:
                continue
            low = box.interval(arg - other if smallest else other - arg)[0]
            if low is not None and low >= 0:
                left.remove(arg)
                break
    return left


def as_extremum(
    expr: Expr, kind: type[Extremum], box: Box, wanted: Callable[[Atom], bool] = lambda atom: True
) -> list[Size]:
    """Sizes of which the expression is the minimum or maximum (``kind``) in the box.

    The extremum of one ``wanted`` atom is taken out of a sum, of a product with factors that the
    box shows to be at least 0, and of a quotient. Empty if there is none of this kind.
    """
    for monomial, coef in expr.terms:
        inner = kind if coef > 0 else Max if kind is Min else Min
        for atom in monomial:
            parts = _arguments(atom, inner, box, wanted)
            if not parts:
                continue
            others = _without(monomial, atom)
            if all(_at_least(from_atom(a), 0, box) for a in others):
                rest = expr - from_atom(*monomial) * coef
                factor = from_atom(*others) * coef if others else coef
                return [rest + part * factor for part in parts]
    return []


def _arguments(
    atom: Atom, kind: type[Extremum], box: Box, wanted: Callable[[Atom], bool]
) -> list[Size]:
    """Sizes of which the atom is the minimum or maximum (``kind``)."""
    if not wanted(atom):
        return []
    if isinstance(atom, kind):
        return list(atom.args)
    if isinstance(atom, FloorDiv) and _at_least(atom.den, 1, box):
        return [floordiv(part, atom.den) for part in as_extremum(atom.num, kind, box, wanted)]
    return []


def _without(monomial: Monomial, atom: Atom) -> Monomial:
    at = monomial.index(atom)
    return monomial[:at] + monomial[at + 1 :]


def _at_least(size: Size, bound: int, box: Box) -> bool:
    low = box.interval(size)[0]
    return low is not None and low >= bound


def _split(comparison: Comparison, box: Box) -> Bool:
    """The comparison without any extremum."""
    expr = comparison.expr
    extrema = _extrema(expr)
    if not extrema:
        return comparison
    if comparison.op == "!=":
        return negate(_split_all(compare_to_zero("==", expr), box))
    for kind, join in ((Min, conj), (Max, disj)):  # min(a, b) >= 0  iff  a >= 0 and b >= 0
        parts = as_extremum(expr, kind, box)
        if not parts or any(len(_extrema(p)) >= len(extrema) for p in parts if isinstance(p, Expr)):
            continue
        if comparison.op == "==":
            return conj(_split_all(ge(expr, 0), box), _split_all(le(expr, 0), box))
        return _split_all(join(*(ge(part, 0) for part in parts)), box)
    return _split_all(_by_argument(comparison, extrema[-1]), box)


def _split_all(formula: Bool, box: Box) -> Bool:
    def change(comparison: Comparison) -> Bool:
        truth = box.decide(comparison)
        return _split(comparison, box) if truth is None else truth

    return map_comparisons(formula, change)


def _by_argument(comparison: Comparison, extremum: Extremum) -> Bool:
    """One case for each argument that may be the extremum."""
    cases = []
    for arg in extremum.args:
        order = le if isinstance(extremum, Min) else ge
        chosen = conj(*(order(arg, other) for other in extremum.args if other is not arg))
        value = with_value(comparison.expr, extremum, arg)
        cases.append(conj(chosen, compare_to_zero(comparison.op, value)))
    return disj(*cases)
