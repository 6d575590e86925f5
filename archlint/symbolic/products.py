"""Comparisons of products, rewritten to their factors: ``7*a * 7*b == c*d`` is often two equations.

Solvers are slow with products of variables. Where a box bounds the factors, many comparisons of
products are equivalent to comparisons of the factors alone; each function states why.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from archlint.symbolic import (
    Expr,
    FloorDiv,
    Size,
    as_quotient,
    cached,
    ceildiv,
    exact_quotient,
    floordiv,
    from_atom,
    mod,
    product,
    square_root_of,
)
from archlint.symbolic.case_split import divisors, products, split_by_values
from archlint.symbolic.expr import content
from archlint.symbolic.factoring import cancelled, factors
from archlint.symbolic.formula import (
    Bool,
    Comparison,
    compare_to_zero,
    conj,
    disj,
    eq,
    ge,
    le,
    lt,
    ne,
    negate,
)
from archlint.symbolic.intervals import Box
from archlint.symbolic.minmax_comparisons import split_extrema

_MAX_FACTORED = 4096  # the largest number that is split into factors
_MAX_FACTORIZATIONS = 64  # more of them make the formula longer than it is worth


def factored(comparison: Comparison, box: Box, *, by_cases: bool = True) -> Bool:
    """A formula with smaller terms, equivalent to the comparison at all sizes in ``box``.

    The comparison itself if none is known. Sizes outside of the box do not count. ``by_cases``: the
    formula may be a union of many cases, which suits a solver, not a reader.
    """
    if not _nonlinear(comparison.expr):
        split = split_extrema(comparison, box)
        return comparison if split is None else split
    for rewrite in (
        _with_cancelled_quotients,
        _of_squares,
        _of_factors,
        split_extrema,
        _of_one_quotient,
        _of_one_product,
        _of_two_products,
        _of_rounded_products,
        *((_of_divisors, split_by_values) if by_cases else ()),
    ):
        formula: Bool | None = rewrite(comparison, box)
        if formula is not None:
            return formula
    return comparison


@cached
def _nonlinear(expr: Expr) -> bool:
    """Whether the expression multiplies or divides sizes by sizes."""
    return (next(products(expr), None) or next(divisors(expr), None)) is not None


def _lower_bound(size: Size, box: Box) -> int:
    """The lower bound of the size in the box; -1 if there is none."""
    low = box.interval(size)[0]
    return -1 if low is None else low


def _of_one_quotient(comparison: Comparison, box: Box) -> Bool | None:
    """Multiply by a positive divisor: ``a//b >= 3`` is ``a >= 3*b`` where ``b >= 1``."""
    expr = comparison.expr
    (monomial, coef) = expr.terms[0]
    quotient = monomial[0]
    if len(expr.terms) > 1 or len(monomial) > 1 or not isinstance(quotient, FloorDiv):
        return None
    num, den = quotient.num, quotient.den
    if abs(coef) != 1 or _lower_bound(den, box) < 1:
        return None
    bound = -expr.const * coef  # compared with the quotient
    at_least, at_most = ge(num, den * bound), lt(num, den * (bound + 1))
    if comparison.op == ">=":
        return at_least if coef > 0 else at_most
    equal = conj(at_least, at_most)
    return equal if comparison.op == "==" else negate(equal)


def _of_factors(comparison: Comparison, box: Box) -> Bool | None:
    """A product of factors is 0 if and only if one is; positive factors do not change a sign."""
    number, parts, _ = factors(comparison.expr)
    if len(parts) < 2:
        return None
    if comparison.op == "==":
        return disj(*(eq(f, 0) for f in dict.fromkeys(parts)))
    if comparison.op == "!=":
        return conj(*(ne(f, 0) for f in dict.fromkeys(parts)))
    left = [f for f in parts if _lower_bound(f, box) < 1]
    negative = [f for f in left if _lower_bound(-f, box) >= 1]
    left = [f for f in left if f not in negative]
    if len(left) == len(parts):
        return None
    sign = (-1) ** len(negative) * (1 if number > 0 else -1)
    return compare_to_zero(">=", product(left) * sign)


def _of_squares(comparison: Comparison, box: Box) -> Bool | None:
    """Two squares of sizes that are not negative compare as the sizes do."""
    terms = comparison.expr.terms
    if comparison.expr.const or len(terms) != 2 or terms[0][1] * terms[1][1] >= 0:
        return None
    common = math.gcd(terms[0][1], terms[1][1])
    roots = [square_root_of(from_atom(*m) * (abs(c) // common)) for m, c in terms]
    if any(r is None or _lower_bound(r, box) < 0 for r in roots):
        return None
    signs = [1 if c > 0 else -1 for _, c in terms]
    difference = sum((r * s for r, s in zip(roots, signs, strict=True) if r is not None), 0)
    return compare_to_zero(comparison.op, difference)


def _with_cancelled_quotients(comparison: Comparison, box: Box) -> Bool | None:
    """Cancel common factors of quotients: ``((H-2)*W) // ((H-2)*N)`` is ``W//N``."""
    size = cancelled(comparison.expr)
    return None if size is comparison.expr else compare_to_zero(comparison.op, size)


def _of_one_product(comparison: Comparison, box: Box) -> Bool | None:
    """Compare a product of factors ``>= 0`` with 0 or with its smallest value.

    It is 0 if and only if a factor is, and at its smallest value (the product of the lower bounds)
    if and only if every factor is at its lower bound.
    """
    expr = comparison.expr
    if len(expr.terms) > 1:
        return None
    (monomial, coef) = expr.terms[0]
    factors = [from_atom(a) for a in monomial]
    lows = [_lower_bound(f, box) for f in factors]
    if min(lows) < 0:
        return None
    smallest = math.prod(lows)
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
        formula = disj(*(le(f, 0) for f in factors))
    elif value == smallest:
        formula = conj(*(le(f, low) for f, low in zip(factors, lows, strict=True)))
    else:
        return None
    return negate(formula) if negative else formula


def _of_divisors(comparison: Comparison, box: Box) -> Bool | None:
    """``m`` divides ``a*b`` if and only if some ``d`` divides ``a`` and ``m/d`` divides ``b``.

    That holds for all integers: take ``d = gcd(m, a)``. ``(a*b) % m == 0`` is recognised as
    ``a*b - m*((a*b)//m) == 0``, or with the quotient rounded up.
    """
    expr = comparison.expr
    if comparison.op == ">=" or expr.const:
        return None
    for quotient, times in expr.terms:
        atom = quotient[0]
        if len(quotient) > 1 or not isinstance(atom, FloorDiv) or not isinstance(atom.den, int):
            continue
        num, m = atom.num, atom.den
        multiple = num - num.const
        remainder = multiple - from_atom(*quotient) * m
        if num.const not in (0, m - 1) or expr != remainder * (-times // m):
            continue
        sizes, factor = _as_product(multiple)
        m //= math.gcd(m, factor)
        if len(sizes) == 1 or m > _MAX_FACTORED:
            continue
        splits = list(itertools.islice(_factorizations(m, len(sizes)), _MAX_FACTORIZATIONS + 1))
        if len(splits) > _MAX_FACTORIZATIONS:
            continue
        divided = [[eq(mod(a, d), 0) for a, d in zip(sizes, ds, strict=True)] for ds in splits]
        formula = disj(*(conj(*parts) for parts in divided))
        return formula if comparison.op == "==" else negate(formula)
    return None


def _as_product(size: Size) -> tuple[list[Size], int]:
    """The size as factors and a number: ``6*a*b + 4*a*c`` is ``2 * a * (3*b + 2*c)``."""
    assert isinstance(size, Expr)
    common, factor = content(size)
    rest = exact_quotient(size, from_atom(*common) * factor if common else factor)
    assert rest is not None
    return [*map(from_atom, common), *([rest] if isinstance(rest, Expr) else [])], factor


def _of_two_products(comparison: Comparison, box: Box) -> Bool | None:
    """Compare ``a*b`` with ``c*d`` where ``a >= c >= 0``, ``b >= d >= 0`` and ``a, b >= 1``.

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
        plain, scaled, factor, sign = one, two, abs(q), p
    elif abs(q) == 1:
        plain, scaled, factor, sign = two, one, abs(p), q
    else:
        return None
    for order in set(itertools.permutations(scaled)):
        for numbers in _factorizations(factor, len(plain)):
            pairs = [
                (from_atom(a), from_atom(b), k)
                for a, b, k in zip(plain, order, numbers, strict=True)
            ]
            less = all(_at_least(b * k, a, k, box, up=True) for a, b, k in pairs)
            more = not less and all(_at_least(a, b * k, k, box, up=False) for a, b, k in pairs)
            if not less and not more:
                continue
            equal = conj(*(eq(a, b * k) for a, b, k in pairs))
            if comparison.op == "==":
                return equal
            if comparison.op == "!=":
                return disj(*(ne(a, b * k) for a, b, k in pairs))
            # sign*(product of a's) - sign*(product of k*b's) >= 0, and one side is never smaller
            if (sign > 0) == more:
                return True
            return equal
    return None


def _at_least(large: Size, small: Size, k: int, box: Box, *, up: bool) -> bool:
    """Whether ``large >= small >= 0`` and ``large >= 1`` in the box.

    ``up``: ``large`` is ``k`` times something, and may be ``small`` rounded up to a multiple.
    """
    if _lower_bound(large, box) < 1 or _lower_bound(small, box) < 0:
        return False
    rounded = ceildiv(small, k) * k if up else floordiv(large, k) * k
    if (up and rounded is large) or (not up and rounded is small):
        return True
    return _is_at_least_divisor(large, small) or _lower_bound(large - small, box) >= 0


def _is_at_least_divisor(large: Size, small: Size) -> bool:
    """Whether it is ``x // (x // y)`` and ``y``: as ``y * (x // y) <= x``, it is no smaller."""
    quotient = as_quotient(large)
    inner = None if quotient is None else as_quotient(quotient.den)
    if quotient is None or inner is None:
        return False
    return inner.num is quotient.num and inner.den is small


def _of_rounded_products(comparison: Comparison, box: Box) -> Bool | None:
    """Compare ``a*b`` with ``(a//p)*p * (b//q)*q``, which is not more, where all are positive.

    They are equal only if ``p`` divides ``a`` and ``q`` divides ``b``: if ``a//p*p < a``, then the
    product is at most ``(a-1)*b``.
    """
    expr = comparison.expr
    if expr.const or len(expr.terms) != 2:
        return None
    (whole, sign), (rounded, other) = sorted(expr.terms, key=lambda term: len(term[0]))
    if abs(sign) != 1 or other != -sign or len(rounded) != 2 * len(whole):
        return None
    rest, parts = list(rounded), []
    for atom in whole:
        size = from_atom(atom)
        for quotient in rest:
            den = quotient.den if isinstance(quotient, FloorDiv) and quotient.num is size else 0
            times = next((a for a in rest if from_atom(a) is den), None)
            if times is not None and min(_lower_bound(size, box), _lower_bound(den, box)) >= 1:
                parts.append(eq(mod(size, den), 0))
                rest.remove(quotient)
                rest.remove(times)
                break
        else:
            return None
    equal = conj(*parts)
    if comparison.op == ">=":
        return True if sign > 0 else equal
    return equal if comparison.op == "==" else negate(equal)


def _factorizations(factor: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Every tuple of ``parts`` positive factors whose product is the number."""
    if parts == 1:
        yield (factor,)
        return
    for first in range(1, min(factor, _MAX_FACTORED) + 1):
        if factor % first == 0:
            for rest in _factorizations(factor // first, parts - 1):
                yield (first, *rest)
