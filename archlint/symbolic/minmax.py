"""The smallest and the largest of several sizes."""

from __future__ import annotations

from collections.abc import Iterable

from archlint.symbolic.atom import Extremum, Max, Min, Size, extremum_atom
from archlint.symbolic.expr import Expr, from_atom


def minimum(*sizes: Size) -> Size:
    """The smallest of one or more sizes."""
    return _extremum(Min, sizes)


def maximum(*sizes: Size) -> Size:
    """The largest of one or more sizes."""
    return _extremum(Max, sizes)


def _extremum(kind: type[Extremum], sizes: Iterable[Size]) -> Size:
    """The extremum, flattened; of sizes with a constant difference only one stays."""
    flat: list[Size] = []
    for size in sizes:
        if isinstance(size, Expr) and not size.const and len(size.terms) == 1:
            (monomial, coef) = size.terms[0]
            if coef == 1 and len(monomial) == 1 and isinstance(monomial[0], kind):
                flat.extend(monomial[0].args)
                continue
        flat.append(size)
    smaller = kind is Min
    distinct: list[Size] = []
    for size in flat:
        for i, other in enumerate(distinct):
            gap = size - other
            if isinstance(gap, int):
                if (gap < 0) == smaller:
                    distinct[i] = size
                break
        else:
            distinct.append(size)
    if len(distinct) == 1:
        return distinct[0]
    return from_atom(extremum_atom(kind, tuple(sorted(distinct, key=str))))
