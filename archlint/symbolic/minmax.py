"""The smallest and the largest of several sizes."""

from __future__ import annotations

from collections.abc import Iterable

from archlint.symbolic.atom import Extremum, Max, Min, Size, extremum_atom
from archlint.symbolic.expr import Expr, of_atom


def minimum(*sizes: Size) -> Size:
    """The smallest of the sizes."""
    return _extremum(Min, sizes)


def maximum(*sizes: Size) -> Size:
    """The largest of the sizes."""
    return _extremum(Max, sizes)


def _extremum(kind: type[Extremum], sizes: Iterable[Size]) -> Size:
    flat: list[Size] = []
    for size in sizes:
        if isinstance(size, Expr) and not size.const and len(size.terms) == 1:
            (monomial, coef) = size.terms[0]
            if coef == 1 and len(monomial) == 1 and isinstance(monomial[0], kind):
                flat.extend(monomial[0].args)
                continue
        flat.append(size)
    smaller = kind is Min
    kept: list[Size] = []
    for size in flat:
        for i, other in enumerate(kept):
            gap = size - other
            if isinstance(gap, int):
                if (gap < 0) == smaller:
                    kept[i] = size
                break
        else:
            kept.append(size)
    if len(kept) == 1:
        return kept[0]
    return of_atom(extremum_atom(kind, tuple(sorted(kept, key=str))))
