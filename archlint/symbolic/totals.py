"""Many sizes as one: their sum, their product."""

from __future__ import annotations

from collections.abc import Iterable

from archlint.symbolic.atom import Monomial, Size
from archlint.symbolic.expr import from_terms


def summed(sizes: Iterable[Size]) -> Size:
    """All sizes added up; 0 for none."""
    const = 0
    terms: dict[Monomial, int] = {}
    for size in sizes:
        if isinstance(size, int):
            const += size
            continue
        const += size.const
        for monomial, coef in size.terms:
            terms[monomial] = terms.get(monomial, 0) + coef
    return from_terms(const, terms)


def product(sizes: Iterable[Size]) -> Size:
    """All sizes multiplied; 1 for none (the number of elements of a scalar)."""
    result: Size = 1
    for size in sizes:
        result = result * size
    return result
