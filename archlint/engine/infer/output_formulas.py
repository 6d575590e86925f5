"""What a model returns: one shape for all accepted sizes, or a few with the sizes of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archlint.contracts.accepted_set import OutputCase
from archlint.contracts.contract import ANY_SIZE
from archlint.contracts.nested import map_leaves
from archlint.contracts.output_shape import equal, mapped, whole_words
from archlint.engine.describe.describe import describe
from archlint.engine.exploration import Exploration
from archlint.ops.registry import TensorSpec
from archlint.symbolic import Expr, Size, evaluate, symbol
from archlint.symbolic.formula import Bool, conj, disj, eq, negate
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.trace import dims_of

CASES = 16  # outputs of different sizes
LONGEST = 300  # characters of the words for the sizes of one output


def output_formulas(exploration: Exploration, deadline: float) -> Any:
    """The shape at all sizes known to be accepted; ``None`` if no single shape describes it.

    ``deadline``: a time of :mod:`.effort_clock`.
    """
    paths = exploration.accepting
    shapes = [dims_of(p.trace.output) for p in paths]
    for candidate in sorted(_unique(shapes), key=lambda s: len(str(s))):
        differ = [(p, s) for p, s in zip(paths, shapes, strict=True) if s != candidate]
        if all(_same(candidate, s, conj(exploration.region, p.accepted), exploration, deadline)
               for p, s in differ):  # fmt: skip
            return mapped(candidate, lambda dims: _plain(dims, exploration, deadline))
    return None


def output_cases(exploration: Exploration, deadline: float) -> tuple[OutputCase, ...]:
    """The whole output, with the sizes of each formula; those whose sizes take few words.

    ``deadline``: a time of :mod:`.effort_clock`.
    """
    left: list[tuple[Any, Bool]] = [
        (map_leaves(p.trace.output, _with_dtype), p.accepted)
        for p in exploration.paths
        if p.trace.outcome == "accepted" and p.accepted is not False
    ]
    groups: list[tuple[Any, Bool]] = []
    for candidate in sorted(_unique([shape for shape, _ in left]), key=lambda s: len(str(s))):
        mine: list[tuple[Any, Bool]] = []
        others: list[tuple[Any, Bool]] = []
        for shape, accepted in left:
            where = conj(exploration.region, accepted)
            same = shape == candidate or _same(candidate, shape, where, exploration, deadline)
            (mine if same else others).append((shape, accepted))
        if mine:
            groups.append((candidate, disj(*(accepted for _, accepted in mine))))
        left = others
    if len(groups) == 1:
        one = mapped(groups[0][0], lambda dims: _plain(dims, exploration, deadline))
        return (OutputCase("any size", whole_words(one)),)
    cases = []
    for shape, where in groups[:CASES]:
        words = describe(exploration.names, exploration.box, where, solver_deadline=deadline)
        if words.exact and len(words.text) <= LONGEST:
            cases.append(OutputCase(words.text, whole_words(shape)))
    return tuple(cases)


def _with_dtype(part: Any) -> Any:
    """A tensor as a tuple of its dtype and its sizes; anything else as it is."""
    if isinstance(part, TensorSpec):
        return (str(part.dtype).removeprefix("torch."), *dims_of(part))
    return part


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
    plain = (int, str)  # a dtype is a str
    if all(isinstance(d, plain) or d is ANY_SIZE or str(d) in exploration.names for d in dims):
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
