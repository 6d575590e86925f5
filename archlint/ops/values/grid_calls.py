"""Which operators keep the rows of a grid, and what they make of them.

All is found from the operands and results of a call: no rule knows of it. Only int64 is followed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import torch

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, Refused, TensorSpec
from archlint.ops.shapes.strides import decide
from archlint.ops.silent_path import SilentPath, Unanswered
from archlint.ops.values.grids import (
    MOST,
    Grid,
    Row,
    grid_of,
    groups_of,
    negative,
    placed,
    regrouped,
    row_of,
    scaled,
    spread,
    total,
    union,
)
from archlint.symbolic import Expr, Size, maximum, minimum, symbol
from archlint.symbolic.formula import ge

Handler = Callable[..., "Grid | Sequence[Grid | None] | None"]
_H = TypeVar("_H", bound=Handler)


_HANDLERS: dict[Any, Handler] = {}


def _handles(*functions: Any) -> Callable[[_H], _H]:
    """A decorator of what tells the grids of the results of these operators."""

    def register(handler: _H) -> _H:
        _HANDLERS.update(dict.fromkeys(functions, handler))
        return handler

    return register


def has_grids(function: Any) -> bool:
    """Whether the results of an operator may have rows that are known."""
    return function in _HANDLERS


def grids_of_call(
    path: Path,
    function: Any,
    rule: Callable[..., Any],
    args: Sequence[Any],
    settings: Mapping[str, Any],
    results: Sequence[TensorSpec],
) -> list[Grid | None]:
    """What is known of each of the results of a call, whose rule was given these arguments."""
    nothing: list[Grid | None] = [None] * len(results)
    if any(r.dtype is not torch.int64 for r in results):
        return nothing
    try:
        found = _HANDLERS[function](SilentPath(path), rule, args, settings, results)
    except (Unanswered, NoRule, Refused):
        return nothing
    grids = [found] if found is None or isinstance(found, Grid) else list(found)
    return list(map(_of_result, grids, results)) if len(grids) == len(results) else nothing


def _of_result(grid: Grid | None, result: TensorSpec) -> Grid | None:
    """The grid, if each entry of the result along its dimension is one of its rows."""
    if grid is None or grid.dim is None or result.dims[grid.dim] == len(grid.rows):
        return grid
    return None


@_handles(*spellings("arange"))
def _arange(path: Path, rule: Any, args: Any, settings: Any, results: Any) -> Grid | None:
    (spec,) = results
    if type(spec.values) is not tuple or spec.loose or None in spec.values:
        return None
    step = settings.get("step", args[2] if len(args) > 2 else 1)
    if type(step) is not int or not step:
        return None
    low, high = spec.values
    return Grid((Row(low, high, (1 if step > 0 else -1,), True),))


@_handles(*spellings("tensor", "as_tensor", "new_tensor"))
def _numbers(path: Path, rule: Any, args: Any, settings: Any, results: Any) -> Grid | None:
    """A tensor of a list of sizes, or as many of them from another function of it."""
    data = args[-1]
    if not isinstance(data, (list, tuple)) or not 2 <= len(data) <= MOST:
        return None
    if not all(isinstance(n, (int, Expr)) for n in data):
        return None
    numbers = [int(n) if isinstance(n, bool) else n for n in data]
    return Grid(tuple(Row(n, n, (0,), True) for n in numbers), 0)


def _extreme(of: Callable[..., Size]) -> Handler:
    """The largest or smallest of rows of which each is one number."""

    def handler(path: Path, rule: Any, args: Any, settings: Any, results: Any) -> Grid | None:
        grid = grid_of(args[0])
        if len(args) > 1 or settings or grid is None or not grid.numbers:
            return None
        found = of(*grid.numbers)
        return Grid((Row(found, found, (), True),))

    return handler


@_handles(*spellings("meshgrid"))
def _meshgrid(
    path: Path, rule: Any, args: Any, settings: Any, results: Any
) -> Sequence[Grid | None]:
    lines = args[0] if isinstance(args[0], (list, tuple)) else args
    places = list(range(len(lines)))
    if settings.get("indexing") == "xy" and len(lines) > 1:
        places[:2] = [1, 0]
    grids: list[Grid | None] = []
    for place, line, result in zip(places, lines, results, strict=True):
        grid = grid_of(line)
        row = grid.rows[0] if grid is not None and grid.dim is None else None
        if row is None or row.signs is None or line.ndim > 1:
            grids.append(None)
            continue
        sign = row.signs[0] if line.ndim else 0
        signs = tuple(sign if d == place else 0 for d in range(result.ndim))
        grids.append(Grid((row._replace(signs=signs),)))
    return grids


@_handles(*spellings("stack"))
def _stack(path: Path, rule: Any, args: Any, settings: Any, results: Any) -> Grid | None:
    tensors = args[0]
    dim = settings.get("dim", args[1] if len(args) > 1 else 0)
    (result,) = results
    return _side_by_side(tensors, dim % result.ndim, added=True)


def _side_by_side(tensors: Sequence[TensorSpec], at: int, added: bool) -> Grid | None:
    """Each tensor as a row along dimension ``at``, which is ``added`` or of size 1 in each."""
    if not 2 <= len(tensors) <= MOST:
        return None
    rows = []
    for tensor in tensors:
        grid = grid_of(tensor)
        if grid is None or grid.dim is not None:
            return None
        (row,) = grid.rows
        if row.signs is not None:
            row = row._replace(signs=(*row.signs[:at], 0, *row.signs[at + (not added) :]))
        rows.append(row)
    return Grid(tuple(rows), at)


@_handles(*spellings("cat", "concat", "concatenate"))
def _cat(path: SilentPath, rule: Any, args: Any, settings: Any, results: Any) -> Grid | None:
    """Rows along the dimension of one-entry tensors, or the rows of all of them together."""
    tensors = args[0]
    dim = settings.get("dim", settings.get("axis", args[1] if len(args) > 1 else 0))
    (result,) = results
    at = dim % result.ndim
    if any(t.ndim != result.ndim for t in tensors):
        return None
    if len(tensors) > 1 and all(t.dims[at] == 1 for t in tensors):
        return _side_by_side(tensors, at, added=False)
    grids = [grid_of(t) for t in tensors]
    first = grids[0]
    if first is None or first.dim == at or any(g is None or g.dim != first.dim for g in grids):
        return None
    known = [g for g in grids if g is not None]
    if len({len(g.rows) for g in known}) > 1:
        return None
    if len(known) == 1 or first.dim is None:
        return first if len(known) == 1 else None
    full = all(_at_least_1(path, d) for t in tensors for d in t.dims)
    together = zip(*(g.rows for g in known), strict=True)
    return Grid(tuple(union(rows, full) for rows in together), first.dim)


def _at_least_1(path: SilentPath, size: Size) -> bool:
    """Whether a size is not 0, which is a branch if that is not known."""
    return decide(path.path, ge(size, 1))


@_handles(*spellings("pad_sequence"))
def _pad_sequence(path: Path, rule: Any, args: Any, settings: Any, results: Any) -> Grid | None:
    """One sequence, to which nothing is added, as a batch."""
    batch_first = settings.get("batch_first", args[1] if len(args) > 1 else False)
    if len(args[0]) != 1:
        return None
    grid = grid_of(args[0][0])
    old: list[int | None] = list(range(args[0][0].ndim))
    at = 0 if batch_first else 1
    return None if grid is None else placed(grid, [*old[:at], None, *old[at:]])


@_handles(torch.Tensor.T.__get__, torch.Tensor.mT.__get__)  # type: ignore[attr-defined]
@_handles(*spellings("unsqueeze", "squeeze", "expand", "expand_as", "broadcast_to"))
@_handles(*spellings("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t"))
def _view(path: Path, rule: Any, args: Any, settings: Any, results: Any) -> Grid | None:
    """Dimensions reordered, added, cut or repeated: markers as strides tell which is which."""
    input, (result,) = args[0], results
    grid = grid_of(input)
    if grid is None:
        return None
    marks = tuple(symbol(f"stride {d}") for d in range(input.ndim))
    view = rule(path, input.like(input.dims, strides=marks), *args[1:], **settings)
    strides = view.strides if input.ndim else (0,) * view.ndim
    if view.dims != result.dims or strides is None:
        return None
    sources = [marks.index(s) if s in marks else None for s in strides]
    kept = {d for d in sources if d is not None}
    pairs = zip(sources, view.dims, strict=True)
    cut = frozenset(d for d, n in pairs if d is not None and n != input.dims[d])
    if any(d not in kept and input.dims[d] != 1 for d in range(input.ndim)):
        return None  # one place of many, or every second
    if grid.dim is not None and (grid.dim in cut or grid.dim not in kept):
        return None
    return placed(grid, sources, cut)


@_handles(torch.Tensor.__getitem__)
def _subscript(path: Path, rule: Any, args: Any, settings: Any, results: Any) -> Grid | None:
    """As a view, or one row of it: ``x[:, 0]``."""
    input, index = args
    items = list(index) if isinstance(index, tuple) else [index]
    if any(not (i is None or i is Ellipsis or type(i) in (int, slice)) for i in items):
        return None
    spoken = sum(i is not None and i is not Ellipsis for i in items)
    rest = [slice(None)] * (input.ndim - spoken)
    at = items.index(Ellipsis) if Ellipsis in items else len(items)
    items = [*items[:at], *rest, *items[at + 1 :]]
    if not any(type(i) is int for i in items):
        return _view(path, rule, args, settings, results)
    grid = grid_of(input)
    by_dim = [i for i in items if i is not None]
    if grid is None or grid.dim is None or len(by_dim) != input.ndim:
        return None
    chosen = by_dim[grid.dim]
    others = [i for d, i in enumerate(by_dim) if d != grid.dim]
    if type(chosen) is not int or any(i != slice(None) for i in others):
        return None
    sources: list[int | None] = []
    d = 0
    for item in items:
        if item is None:
            sources.append(None)
            continue
        if type(item) is slice:
            sources.append(d)
        d += 1
    return row_of(grid, chosen, sources)


@_handles(*spellings("select"))
def _select(path: Path, rule: Any, args: Any, settings: Any, results: Any) -> Grid | None:
    input = args[0]
    dim = settings.get("dim", args[1] if len(args) > 1 else None)
    at = settings.get("index", args[2] if len(args) > 2 else None)
    grid = grid_of(input)
    if grid is None or grid.dim is None or type(dim) is not int or type(at) is not int:
        return None
    if dim % input.ndim != grid.dim:
        return None
    return row_of(grid, at, [d for d in range(input.ndim) if d != grid.dim])


@_handles(*spellings("unbind"))
def _unbind(
    path: Path, rule: Any, args: Any, settings: Any, results: Any
) -> Sequence[Grid | None] | None:
    input = args[0]
    dim = settings.get("dim", args[1] if len(args) > 1 else 0)
    grid = grid_of(input)
    if grid is None or grid.dim != dim % input.ndim or len(grid.rows) != len(results):
        return None
    rest: list[int | None] = [d for d in range(input.ndim) if d != grid.dim]
    return [row_of(grid, k, rest) for k in range(len(results))]


@_handles(*spellings("view", "reshape", "flatten", "unflatten", "ravel", "view_as", "reshape_as"))
def _reshape(path: Path, rule: Any, args: Any, settings: Any, results: Any) -> Grid | None:
    """Dimensions merged or split: the first and the last place stay what they are."""
    input, (result,) = args[0], results
    grid, groups = grid_of(input), groups_of(input.dims, result.dims)
    if grid is None or groups is None:
        return None
    dim: int | None = None
    if grid.dim is not None:
        own = [new for old, new in groups if old == [grid.dim] and len(new) == 1]
        if not own:
            return None
        dim = own[0][0]
    rows = []
    for row in grid.rows:
        signs = None if row.signs is None else regrouped(row.signs, groups, result.ndim)
        rows.append(row._replace(signs=signs))
    return Grid(tuple(rows), dim)


@_handles(*spellings("contiguous", "clone", "detach"))
def _same(path: Path, rule: Any, args: Any, settings: Any, results: Any) -> Grid | None:
    """A copy, or the tensor itself."""
    return grid_of(args[0]) if args[0].dims == results[0].dims else None


@_handles(*spellings("repeat_interleave"))
def _repeat_each(path: Path, rule: Any, args: Any, settings: Any, results: Any) -> Grid | None:
    """Each of a line of elements as often, one after the other."""
    input, times = args[0], args[1] if len(args) > 1 else settings.get("repeats")
    often = isinstance(times, (int, Expr)) and not isinstance(times, bool)
    grid = grid_of(input) if often and input.ndim == 1 else None
    if grid is None or grid.dim is None:
        return grid
    return Grid((union(grid.rows, full=True),))  # each row is several entries now


@_handles(*spellings("repeat", "tile"))
def _repeat(path: Path, rule: Any, args: Any, settings: Any, results: Any) -> Grid | None:
    """The whole again and again: its first element is first, and its last is last."""
    input, (result,) = args[0], results
    grid = grid_of(input)
    return grid if grid is not None and grid.dim is None and input.ndim == result.ndim else None


@_handles(*spellings("sum"))
def _total(path: Path, rule: Any, args: Any, settings: Any, results: Any) -> Grid | None:
    """The sum of the rows."""
    input, (result,) = args[0], results
    dim = settings.get("dim", args[1] if len(args) > 1 else None)
    dims = list(dim) if isinstance(dim, (tuple, list)) else [dim]
    grid = grid_of(input)
    if grid is None or grid.dim is None or len(dims) != 1 or type(dims[0]) is not int:
        return None
    if dims[0] % input.ndim != grid.dim:
        return None
    row = functools.reduce(total, grid.rows)
    if row.signs is not None and result.ndim < input.ndim:
        row = row._replace(signs=row.signs[: grid.dim] + row.signs[grid.dim + 1 :])
    return Grid((row,))


def _binary(combine: Callable[[Path, Row, Row], Row]) -> Handler:
    """An element-wise function of two operands, row by row."""

    def handler(path: Path, rule: Any, args: Any, settings: Any, results: Any) -> Grid | None:
        (result,) = results
        if len(args) != 2 or settings:
            return None
        one, two = (spread(a, result) for a in args)
        if one is None or two is None:
            return None
        with_rows = [g for g in (one, two) if g.dim is not None]
        if len({(g.dim, len(g.rows)) for g in with_rows}) > 1:
            return None
        dim = with_rows[0].dim if with_rows else None
        count = max(len(one.rows), len(two.rows))
        sides = [_each_row(g, a, dim, count, result) for g, a in ((one, args[0]), (two, args[1]))]
        return Grid(tuple(map(functools.partial(combine, path), *sides)), dim)

    return handler


def _each_row(
    grid: Grid, operand: Any, dim: int | None, count: int, result: TensorSpec
) -> tuple[Row, ...]:
    """``count`` rows along ``dim`` of the result, of an operand that may have none."""
    if grid.dim is not None or dim is None:
        return grid.rows
    (row,) = grid.rows
    at = dim - result.ndim
    if isinstance(operand, TensorSpec) and operand.ndim >= -at and operand.dims[at] != 1:
        row = Row(row.low, row.high, row.signs if row.low == row.high else None)
    return (row,) * count


_handles(*spellings("amax", "max"))(_extreme(maximum))
_handles(*spellings("amin", "min"))(_extreme(minimum))
_handles(*spellings("add", "__add__", "__radd__"))(_binary(lambda path, a, b: total(a, b)))
_handles(*spellings("sub", "subtract", "__sub__"))(
    _binary(lambda path, a, b: total(a, negative(b)))
)
_handles(*spellings("rsub", "__rsub__"))(_binary(lambda path, a, b: total(b, negative(a))))
_handles(*spellings("mul", "multiply", "__mul__", "__rmul__"))(_binary(scaled))
