"""The state at the start of a turn as linear formulas of the turn's index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from archlint.symbolic import Expr, Size, Unknown
from archlint.symbolic.quantify_range import ends
from archlint.tracing.loops.lists import GrowingList
from archlint.tracing.loops.segments import Segment, fresh
from archlint.tracing.loops.state import alike, canonical, like, names_index, same_size
from archlint.tracing.path import TracedPath
from archlint.tracing.symint.node import size_of
from archlint.tracing.symint.python_types import SymbolicInt, sym_int
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, learn, symbolic_tensor

if TYPE_CHECKING:
    from archlint.tracing.loops.before_turn import Before


@dataclass
class Generalised:
    """New values of variables, and new contents of lists, for the start of a turn."""

    variables: dict[str, Any] = field(default_factory=dict)
    lists: list[tuple[GrowingList, list[Segment]]] = field(default_factory=list)


class _NoPattern(Exception):
    """The last two states do not show how they go on."""


def generalised(
    path: TracedPath, history: Sequence[Before], index: Size, carried: frozenset[str]
) -> Generalised | None:
    """What the last two states become at ``index``; ``None`` if no pattern is seen.

    With one state only, all of it is taken to stay as it is.
    """
    result = Generalised()
    if len(history) < 2:
        return result
    before, now = history[-2:]
    assert isinstance(index, Expr)
    atom: Any = index.terms[0][0][0]
    turns = index - atom.low  # since the state ``now``
    try:
        for name in now.state:
            if name not in carried or name not in before.state:
                continue
            if alike(path, before.state[name], now.state[name]):
                continue
            value = _grown(path, before.locals[name], now.locals[name], turns)
            if value is not now.locals[name]:
                result.variables[name] = value
        if len(before.lists) != len(now.lists):
            return result
        pairs = zip(before.lists.values(), now.lists.values(), strict=True)
        for (_, had), (lst, segments) in pairs:  # a turn may have made a new list
            grown = _grown_list(path, had, segments, turns)
            if grown is not None:
                result.lists.append((lst, grown))
    except _NoPattern:
        return None
    return result


def _grown(path: TracedPath, one: Any, two: Any, turns: Size) -> Any:
    kinds = (int, torch.SymInt, SymbolicInt)
    if type(one) in kinds and type(two) in kinds:
        return sym_int(_line(path, size_of(one), size_of(two), turns), path)
    if type(one) is SymbolicTensor and type(two) is SymbolicTensor:
        a, b = one.spec, two.spec
        if a.dtype != b.dtype or len(a.dims) != len(b.dims):
            return two
        if not _of_equal_strides(path, a.strides, b.strides) or b.values is not None:
            return two
        dims = tuple(_line(path, x, y, turns) for x, y in zip(a.dims, b.dims, strict=True))
        if dims == b.dims:
            return two
        made = symbolic_tensor(b.like(dims, strides=b.strides), two.made_by)
        learn(made, shares=(two,))
        return made
    if type(one) is tuple and type(two) is tuple and len(one) == len(two):
        parts = [_grown(path, a, b, turns) for a, b in zip(one, two, strict=True)]
        return two if all(p is b for p, b in zip(parts, two, strict=True)) else tuple(parts)
    return two


def _of_equal_strides(path: TracedPath, one: Any, two: Any) -> bool:
    if type(one) is not tuple or type(two) is not tuple:
        return one is None and two is None
    return len(one) == len(two) and all(map(partial(same_size, path), one, two))


def _line(path: TracedPath, one: Any, two: Any, turns: Size) -> Size:
    if not isinstance(one, (int, Expr)) or not isinstance(two, (int, Expr)):
        raise _NoPattern
    return two if same_size(path, one, two) else two + (two - one) * turns


def _grown_list(
    path: TracedPath, one: list[Segment], two: list[Segment], turns: Size
) -> list[Segment] | None:
    """The list at a later turn; ``None`` if it does not grow by equal elements."""
    a, b = canonical(path, one), canonical(path, two)
    if not a and len(b) == 1:
        a = [Segment(b[0].value, 0)]
    if len(a) != len(b):
        return None
    grown = []
    for x, y in zip(a, b, strict=True):
        if not like(path, x.value, y.value):
            return None
        grown.append(Segment(y.value, _line(path, x.repeats, y.repeats, turns)))
    return grown if any(g.repeats is not y.repeats for g, y in zip(grown, b, strict=True)) else None


def of_all_turns(path: TracedPath, value: Any, index: Unknown) -> Any:
    """An element of a list with bounds of its values that hold in every turn of ``index``."""
    if type(value) is tuple:
        return tuple(of_all_turns(path, part, index) for part in value)
    if type(value) is not SymbolicTensor or not isinstance(value.spec.values, tuple):
        return value
    if not names_index((value.spec.values, value.spec.elements.grid), index.name):
        return value
    spec, box = value.spec, path.facts.narrow
    low, high = (
        None if v is None else ends(v, index, box)[side] for side, v in enumerate(spec.values)
    )
    value = fresh(value)
    learn(value, spec=spec.like(spec.dims, strides=spec.strides, values=(low, high)))
    value.spec.loose = True
    return value
