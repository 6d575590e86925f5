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
    """The extremum, flattened; of sizes with a constant difference only one stays.

    ``max(0, H-min(5, H))`` is ``max(0, H-5, H-H)``, and so ``max(0, H-5)``.
    """
    left = _distinct(kind, sizes)
    for size in left:
        inner = _inner(kind, size)
        if inner:
            flat = _distinct(kind, [*(s for s in left if s is not size), *inner])
            if len(flat) <= len(left) or _is_atom(size):
                return _extremum(kind, flat)
    if len(left) == 1:
        return left[0]
    return from_atom(extremum_atom(kind, tuple(sorted(left, key=str))))


def _distinct(kind: type[Extremum], sizes: Iterable[Size]) -> list[Size]:
    smaller = kind is Min
    distinct: list[Size] = []
    for size in sizes:
        for i, other in enumerate(distinct):
            gap = size - other
            if isinstance(gap, int):
                if (gap < 0) == smaller:
                    distinct[i] = size
                break
        else:
            distinct.append(size)
    return distinct


def _is_atom(size: Size) -> bool:
    return isinstance(size, Expr) and not size.const and len(size.terms) == 1 and (
        size.terms[0][1] == 1 and len(size.terms[0][0]) == 1
    )  # fmt: skip


def _inner(kind: type[Extremum], size: Size) -> list[Size]:
    """Sizes of which ``size`` is the extremum, because one of its terms is; empty if none is."""
    if isinstance(size, int):
        return []
    for monomial, coef in size.terms:
        inner = kind if coef > 0 else (Max if kind is Min else Min)
        if len(monomial) == 1 and isinstance(monomial[0], inner):
            rest = size - from_atom(*monomial) * coef
            return [rest + arg * coef for arg in monomial[0].args]
    return []
