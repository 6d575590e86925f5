"""Comparisons of products, said of their factors: ``7*a * 7*b == c*d`` is often two equations.

Solvers are slow with products of unknowns. Where a box bounds the factors, many comparisons of
products are the same as comparisons of the factors alone; each function states why.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from archlint.symbolic import (
    Atom,
    Expr,
    FloorDiv,
    Monomial,
    Size,
    cached,
    ceildiv,
    exact_quotient,
    floordiv,
    mod,
    polynomial,
)
from archlint.symbolic.case_split import divisors, products, split_by_values
from archlint.symbolic.formula import (
    Bool,
    Comparison,
    compare_to_zero,
    conj,
    disj,
    eq,
    le,
    ne,
    negate,
)
from archlint.symbolic.intervals import Box

_LARGEST = 4096  # of the numbers that are split into factors
_DIVISORS = 64  # ways to split one that are still a help


def factored(comparison: Comparison, box: Box) -> Bool:
    """The same statement about the sizes in ``box``, of smaller terms where that is possible."""
    if not _nonlinear(comparison.expr):
        return comparison
    for rewrite in (
        _without_common_factors,
        _of_one_product,
        _of_divisors,
        _of_two_products,
        split_by_values,
    ):
        found = rewrite(comparison, box)
        if found is not None:
            return found
    return comparison


@cached
def _nonlinear(expr: Expr) -> bool:
    """Whether sizes are multiplied or divided by sizes in it."""
    return (next(products(expr), None) or next(divisors(expr), None)) is not None


def _low(size: Size, box: Box) -> int:
    low = box.interval(size)[0]
    return -1 if low is None else low


def _expr(*atoms: Atom) -> Expr:
    return polynomial(0, ((atoms, 1),))


def _without_common_factors(comparison: Comparison, box: Box) -> Bool | None:
    """``a*b >= a*c`` is ``b >= c`` where ``a >= 1``."""
    expr = comparison.expr
    if expr.const:
        return None
    common = [a for a in _common(expr) if _low(_expr(a), box) >= 1]
    if not common or (len(expr.terms) == 1 and len(common) == len(expr.terms[0][0])):
        return None
    rest: Size = 0
    for monomial, coef in expr.terms:
        left = _removed(monomial, common)
        rest = rest + (_expr(*left) * coef if left else coef)
    return compare_to_zero(comparison.op, rest)


def _common(expr: Expr) -> list[Atom]:
    """The atoms that are in every term."""
    common = list(expr.terms[0][0])
    for monomial, _ in expr.terms[1:]:
        common = _shared(common, monomial)
    return common


def _shared(atoms: list[Atom], monomial: Monomial) -> list[Atom]:
    left = list(monomial)
    kept = []
    for atom in atoms:
        if atom in left:
            left.remove(atom)
            kept.append(atom)
    return kept


def _removed(monomial: Monomial, atoms: list[Atom]) -> Monomial:
    left = list(monomial)
    for atom in atoms:
        left.remove(atom)
    return tuple(left)


def _of_one_product(comparison: Comparison, box: Box) -> Bool | None:
    """A product is 0 if a factor is; it is least, or less than the next, if every factor is."""
    expr = comparison.expr
    if len(expr.terms) > 1:
        return None
    (monomial, coef) = expr.terms[0]
    sizes = [_expr(a) for a in monomial]
    lows = [_low(s, box) for s in sizes]
    if min(lows) < 0:
        return None
    least = math.prod(lows)
    if comparison.op == ">=" and coef < 0:  # the product <= value
        value = expr.const // -coef
        negative = False
    elif comparison.op == ">=":  # not the product <= value
        value = -(expr.const // coef) - 1
        negative = True
    else:
        value, odd = divmod(-expr.const, coef)
        negative = comparison.op == "!="
        if odd or value < 0:
            return None
    if value == 0:
        said = disj(*(le(s, 0) for s in sizes))
    elif value == least:
        said = conj(*(le(s, low) for s, low in zip(sizes, lows, strict=True)))
    else:
        return None
    return negate(said) if negative else said


def _of_divisors(comparison: Comparison, box: Box) -> Bool | None:
    """``m`` divides ``a*b`` where some ``d`` divides ``a`` and ``m/d`` divides ``b``.

    That holds for any integers: each prime power of ``m`` is shared between ``a`` and ``b``.
    """
    expr = comparison.expr
    if comparison.op == ">=" or expr.const:
        return None
    for rounded, times in expr.terms:
        atom = rounded[0]
        if len(rounded) > 1 or not isinstance(atom, FloorDiv) or not isinstance(atom.den, int):
            continue
        num, m = atom.num, atom.den
        multiple = num - num.const
        remainder = multiple - polynomial(0, ((rounded, m),))
        if num.const not in (0, m - 1) or expr != remainder * (-times // m):
            continue
        sizes, factor = _as_product(multiple)
        m //= math.gcd(m, factor)
        paths = list(itertools.islice(_split(m, len(sizes)), _DIVISORS + 1))
        if len(sizes) == 1 or m > _LARGEST or len(paths) > _DIVISORS:
            continue
        divided = [[eq(mod(a, d), 0) for a, d in zip(sizes, way, strict=True)] for way in paths]
        said = disj(*(conj(*parts) for parts in divided))
        return said if comparison.op == "==" else negate(said)
    return None


def _as_product(size: Size) -> tuple[list[Size], int]:
    """Sizes and a number whose product it is: ``6*a*b + 4*a*c`` is ``2 * a * (3*b + 2*c)``."""
    assert isinstance(size, Expr)
    factor = math.gcd(*(c for _, c in size.terms))
    common = _common(size)
    left = exact_quotient(size, _expr(*common) * factor if common else factor)
    assert left is not None
    return [*map(_expr, common), *([left] if isinstance(left, Expr) else [])], factor


def _of_two_products(comparison: Comparison, box: Box) -> Bool | None:
    """``a*b == c*d`` where ``a >= c >= 0``, ``b >= d >= 0`` and ``a, b >= 1``.

    Then ``c*d <= a*b``, and equality means ``a == c`` and ``b == d``: if ``c < a``, then
    ``c*d <= (a-1)*b < a*b``. A common numeric factor may belong to any of the pairs.
    """
    expr = comparison.expr
    if expr.const or len(expr.terms) != 2:
        return None
    (one, p), (two, q) = expr.terms
    if p * q > 0 or len(one) != len(two) or len(one) > 3:
        return None
    if abs(p) == 1:
        bare, loaded, factor, sign = one, two, abs(q), p
    elif abs(q) == 1:
        bare, loaded, factor, sign = two, one, abs(p), q
    else:
        return None
    for order in set(itertools.permutations(loaded)):
        for factors in _split(factor, len(bare)):
            pairs = [(_expr(a), _expr(b), k) for a, b, k in zip(bare, order, factors, strict=True)]
            less = all(_at_least(b * k, a, k, box, up=True) for a, b, k in pairs)
            more = not less and all(_at_least(a, b * k, k, box, up=False) for a, b, k in pairs)
            if not less and not more:
                continue
            equal = conj(*(eq(a, b * k) for a, b, k in pairs))
            if comparison.op == "==":
                return equal
            if comparison.op == "!=":
                return disj(*(ne(a, b * k) for a, b, k in pairs))
            # sign*(product of a's) - sign*(product of k*b's) >= 0, and one side is the larger
            if (sign > 0) == more:
                return True
            return equal
    return None


def _at_least(large: Size, small: Size, k: int, box: Box, *, up: bool) -> bool:
    """Whether ``large >= small >= 0`` and ``large >= 1`` in the box.

    ``up``: ``large`` is ``k`` times something, and may be ``small`` rounded up to a multiple.
    """
    if _low(large, box) < 1 or _low(small, box) < 0:
        return False
    rounded = ceildiv(small, k) * k if up else floordiv(large, k) * k
    if (up and rounded is large) or (not up and rounded is small):
        return True
    return _low(large - small, box) >= 0


def _split(factor: int, parts: int) -> Iterator[tuple[int, ...]]:
    """All ways to write a number as a product of so many factors."""
    if parts == 1:
        yield (factor,)
        return
    for first in range(1, min(factor, _LARGEST) + 1):
        if factor % first == 0:
            for rest in _split(factor // first, parts - 1):
                yield (first, *rest)
