"""Regions of sizes: bounding boxes of formulas, and typical sizes inside them."""

from __future__ import annotations

from collections.abc import Container, Iterable

from archlint.contracts.contract import Input
from archlint.contracts.nested import input_tensors
from archlint.symbolic import Expr, Symbol, atoms, symbol
from archlint.symbolic.formula import Bool, Comparison, Junction, conj, ge, holds
from archlint.symbolic.intervals import Box, Interval


def input_symbols(input: Input) -> tuple[str, ...]:
    """The names of the input's sizes, in order of first occurrence."""
    names: dict[str, None] = {}
    for tensor in input_tensors(input):
        for dim in (*tensor.dims, tensor.below if tensor.below is not None else 0):
            if isinstance(dim, Expr):
                found = [a.name for a in atoms(dim) if isinstance(a, Symbol)]
                names.update(dict.fromkeys(found if len(found) == 1 else sorted(found)))
    return tuple(names)


def batch_symbol(input: Input) -> str:
    """The name of the first size of every tensor, if that is one name; else empty."""
    firsts = {tensor.dims[0] if tensor.dims else 0 for tensor in input_tensors(input)}
    first = firsts.pop() if len(firsts) == 1 else 0
    return str(first) if isinstance(first, Expr) and first.symbols() == {str(first)} else ""


def batch_symbols(input: Input) -> frozenset[str]:
    """The names of the first sizes of tensors with several, where they are the first of all."""
    firsts: set[str] = set()
    others: set[str] = set()
    for tensor in input_tensors(input):
        for i, dim in enumerate(tensor.dims):
            names = dim.symbols() if isinstance(dim, Expr) else set()
            (others if i or len(names) > 1 else firsts).update(names)
    several = any(len(tensor.dims) > 1 for tensor in input_tensors(input))
    return frozenset(firsts - others) if several else frozenset()


def ordinary_sizes(names: Iterable[str], batch: Container[str], side: int) -> dict[str, int]:
    """A batch of 2, and ``side`` for each other size."""
    return {name: 2 if name in batch else side for name in names}


def input_constraints(input: Input) -> Bool:
    """The condition under which the input exists: no derived size such as ``H-2`` is below 0."""
    return conj(*(ge(d, 0) for tensor in input_tensors(input) for d in tensor.dims))


def bounds_of(formula: Bool) -> dict[str, Interval]:
    """The range of each symbol that the formula bounds with constants; others are missing."""
    if isinstance(formula, Comparison):
        return _bounds_of_comparison(formula)
    if isinstance(formula, Junction):
        parts = [bounds_of(a) for a in formula.args]
        result = parts[0]
        for part in parts[1:]:
            result = _both(result, part) if formula.op == "and" else _either(result, part)
        return result
    return {}


def _bounds_of_comparison(comparison: Comparison) -> dict[str, Interval]:
    expr = comparison.expr
    if len(expr.terms) != 1 or comparison.op == "!=":
        return {}
    (monomial, coef) = expr.terms[0]
    if len(monomial) != 1 or not isinstance(monomial[0], Symbol):
        return {}
    name = monomial[0].name
    if comparison.op == "==":
        value, odd = divmod(-expr.const, coef)
        return {} if odd else {name: (value, value)}
    if coef > 0:
        return {name: (-(expr.const // coef), None)}
    return {name: (None, expr.const // -coef)}


def _both(a: dict[str, Interval], b: dict[str, Interval]) -> dict[str, Interval]:
    result = dict(a)
    for name, (low, high) in b.items():
        l2, h2 = result.get(name, (None, None))
        lows = [x for x in (low, l2) if x is not None]
        highs = [x for x in (high, h2) if x is not None]
        result[name] = (max(lows, default=None), min(highs, default=None))
    return result


def _either(a: dict[str, Interval], b: dict[str, Interval]) -> dict[str, Interval]:
    result = {}
    for name in a.keys() & b.keys():
        (l1, h1), (l2, h2) = a[name], b[name]
        low = None if l1 is None or l2 is None else min(l1, l2)
        high = None if h1 is None or h2 is None else max(h1, h2)
        result[name] = (low, high)
    return result


def box_of(names: Iterable[str], region: Bool) -> Box:
    """The bounding box of a region. Sizes without a lower bound in the region are at least 1."""
    bounds = bounds_of(region)
    ranges: dict[str, Interval] = {}
    for name in names:
        low, high = bounds.get(name, (None, None))
        ranges[name] = (1 if low is None else max(low, 0), high)
    return Box(ranges)


def in_box(box: Box) -> Bool:
    """The box as a formula."""
    parts: list[Bool] = []
    for name, (low, high) in box.ranges.items():
        if low is not None:
            parts.append(ge(symbol(name), low))
        if high is not None:
            parts.append(ge(high, symbol(name)))
    return conj(*parts)


def typical_point(box: Box, region: Bool) -> dict[str, int] | None:
    """Ordinary sizes such as 224 inside the region, if any. Verdicts do not depend on them."""
    for base in (256, 224, 64, 1):
        point = {}
        for i, (name, (low, high)) in enumerate(box.ranges.items()):
            value = base + 32 * i if base > 1 else 1
            value = max(value, low if low is not None else value)
            point[name] = value if high is None else min(value, high)
        if holds(in_box(box), point) and holds(region, point):
            return point
    return None
