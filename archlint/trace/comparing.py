"""Comparisons of numbers made from sizes, and what ``and``, ``or`` and ``not`` make of them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from archlint import formula
from archlint.dims import Expr, Size
from archlint.formula import Bool, Formula, conj, disj, negate
from archlint.ratio import ratio_of, small
from archlint.trace.numbers import Binary, SizePath, kind_of, pinned, settled


def _comparison(build: Callable[[Size, Size], Bool], plain: Callable[[Any, Any], bool]) -> Binary:
    def operation(path: SizePath, a: Any, b: Any) -> Any:
        if isinstance(a, (int, Expr)) and isinstance(b, (int, Expr)):
            return build(a, b)
        if isinstance(a, (bool, Formula)) and isinstance(b, (bool, Formula)):
            same = disj(conj(a, b), conj(negate(a), negate(b)))
            return same if build is formula.eq else negate(same)
        if isinstance(a, Formula) or isinstance(b, Formula):
            return operation(path, settled(path, a), settled(path, b))
        x, y = ratio_of(a), ratio_of(b)
        if x is not None and y is not None and not x.rounded and not y.rounded:
            dens = (x.den, y.den)
            if all(isinstance(d, int) and d > 0 for d in dens):
                return build(x.num * y.den, y.num * x.den)
        if x is not None and y is not None and all(small(path.known, r) for r in (x, y)):
            return build(x.num * y.den, y.num * x.den)
        return plain(pinned(path, a), pinned(path, b))

    return operation


eq = _comparison(formula.eq, operator.eq)
ne = _comparison(formula.ne, operator.ne)
lt = _comparison(formula.lt, operator.lt)
le = _comparison(formula.le, operator.le)
gt = _comparison(formula.gt, operator.gt)
ge = _comparison(formula.ge, operator.ge)


def _junction(join: Callable[..., Bool], bits: Callable[[Any, Any], Any]) -> Binary:
    def operation(path: SizePath, a: Any, b: Any) -> Any:
        if kind_of(a) is bool and kind_of(b) is bool:
            return join(a, b)
        return bits(pinned(path, a), pinned(path, b))

    return operation


both = _junction(conj, operator.and_)
either = _junction(disj, operator.or_)


def one_of_two(path: SizePath, a: Any, b: Any) -> Any:
    """``a ^ b``."""
    if kind_of(a) is bool and kind_of(b) is bool:
        return ne(path, a, b)
    return operator.xor(int(pinned(path, a)), int(pinned(path, b)))


def truth(path: SizePath, number: Any) -> Bool:
    """What ``if number:`` asks."""
    return number if isinstance(number, (bool, Formula)) else ne(path, number, 0)


def opposite(path: SizePath, truth: Any) -> Bool:
    """``not truth``."""
    return negate(truth)
