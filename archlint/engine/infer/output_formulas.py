"""The shape of the output as formulas that hold for all accepted sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archlint.contracts.contract import ANY_SIZE
from archlint.contracts.output_shape import equal, mapped
from archlint.engine.exploration import Exploration
from archlint.symbolic import Expr, Size, evaluate, symbol
from archlint.symbolic.formula import Bool, conj, eq, negate
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.trace import dims_of


def output_formulas(exploration: Exploration, deadline: float) -> Any:
    """The shape at all sizes known to be accepted; ``None`` if no single shape describes it.

    ``deadline``: a ``time.monotonic()`` value.
    """
    paths = exploration.accepting
    shapes = [dims_of(p.trace.output) for p in paths]
    for candidate in sorted(_unique(shapes), key=lambda s: len(str(s))):
        differ = [(p, s) for p, s in zip(paths, shapes, strict=True) if s != candidate]
        if all(_same(candidate, s, conj(exploration.region, p.accepted), exploration, deadline)
               for p, s in differ):  # fmt: skip
            return mapped(candidate, lambda dims: _plain(dims, exploration, deadline))
    return None


def _same(one: Any, other: Any, where: Bool, exploration: Exploration, deadline: float) -> bool:
    """Whether the shapes are proved to be the same at all the sizes of ``where``."""
    same = equal(one, other)
    if isinstance(same, bool):
        return same
    solver = Solver(exploration.names, exploration.box, deadline)
    solver.add(where)
    try:
        return solver.find(negate(same)) is None
    except Unsolved:
        return False


def _plain(dims: tuple[Any, ...], exploration: Exploration, deadline: float) -> tuple[Any, ...]:
    """The sizes, simplified by what holds where they are accepted.

    ``8*(H//8)`` is ``H`` if only ``H % 8 == 0`` is accepted.
    """
    if all(isinstance(d, int) or d is ANY_SIZE or str(d) in exploration.names for d in dims):
        return dims
    solver = Solver(exploration.names, exploration.box, deadline)
    solver.add(conj(exploration.region, exploration.accepted))
    try:
        point = solver.find()
        return dims if point is None else tuple(_plain_size(d, point, solver) for d in dims)
    except Unsolved:
        return dims


def _plain_size(size: Any, point: Mapping[str, int], solver: Solver) -> Any:
    if not isinstance(size, Expr):
        return size
    candidates: list[Size] = [evaluate(size, point), *map(symbol, sorted(size.symbols()))]
    for simpler in candidates:
        if evaluate(simpler, point) == evaluate(size, point):
            differ = negate(eq(size, simpler))
            if differ is False or solver.find(differ) is None:
                return simpler
    return size


def _unique(shapes: list[Any]) -> list[Any]:
    result: list[Any] = []
    for shape in shapes:
        if shape not in result:
            result.append(shape)
    return result
