"""The shape that comes out, as formulas that serve all accepted sizes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archlint.contracts.contract import ANY_SIZE
from archlint.contracts.output_shape import equal, mapped
from archlint.engine.explore import Exploration
from archlint.symbolic import Expr, Size, evaluate, symbol
from archlint.symbolic.formula import Bool, conj, eq, negate
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.trace import dims_of


def formulas(found: Exploration, deadline: float) -> Any:
    """The one shape for all sizes known to be accepted; ``None`` if there is none.

    ``deadline``: a ``time.monotonic()`` value.
    """
    paths = [w for w in found.paths if w.trace.outcome == "accepted"]
    shapes = [dims_of(w.trace.output) for w in paths]
    for candidate in sorted(_unique(shapes), key=lambda s: len(str(s))):
        differ = [(w, s) for w, s in zip(paths, shapes, strict=True) if s != candidate]
        if all(_same(candidate, s, conj(found.region, w.accepted), found, deadline)
               for w, s in differ):  # fmt: skip
            return mapped(candidate, lambda dims: _plain(dims, found, deadline))
    return None


def _same(one: Any, other: Any, where: Bool, found: Exploration, deadline: float) -> bool:
    """Whether the shapes are proved to be the same at all the sizes of ``where``."""
    same = equal(one, other)
    if isinstance(same, bool):
        return same
    solver = Solver(found.names, found.box, deadline)
    solver.add(where)
    try:
        return solver.find(negate(same)) is None
    except Unsolved:
        return False


def _plain(dims: tuple[Any, ...], found: Exploration, deadline: float) -> tuple[Any, ...]:
    """The sizes as they are where they are accepted: ``8*(H//8)`` is ``H`` if ``H % 8 == 0``."""
    if all(isinstance(d, int) or d is ANY_SIZE or str(d) in found.names for d in dims):
        return dims
    solver = Solver(found.names, found.box, deadline)
    solver.add(conj(found.region, found.accepted))
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
    kept: list[Any] = []
    for shape in shapes:
        if shape not in kept:
            kept.append(shape)
    return kept
