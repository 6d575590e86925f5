"""Checks that no Linear needs ``in_features`` that depend on the spatial sizes of the input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from archlint.contracts.region import in_box
from archlint.engine.diagnosis.size_chain import because
from archlint.engine.exploration import ExploredPath
from archlint.engine.structure.input_axes import spatial
from archlint.engine.structure.model_view import ModelView
from archlint.engine.structure.violation import Vacuous, Violation
from archlint.ops.traits import traits_of
from archlint.symbolic import Expr, Size, substitute, symbol
from archlint.symbolic.formula import Bool, conj, disj, ne, substitute_formula
from archlint.symbolic.intervals import Box
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trace import Call


@dataclass(frozen=True)
class _Entry:
    """A call that multiplies a size by the rows of a weight."""

    path: ExploredPath
    index: int
    call: Call
    size: Size
    rows: int

    def reached(self) -> Bool:
        """The sizes of this path that reach the call."""
        events = self.path.trace.path.events
        return conj(*(e.formula for e in events if e.call < self.index))


def pooled_before_linear(view: ModelView, value: Any) -> Iterator[Violation]:
    """The input of a Linear has the same length at every spatial size.

    For one batch size, no two sizes that reach a Linear, a Bilinear or a product with a weight may
    differ in the length that is multiplied by the weight's rows.
    """
    names = spatial(view.input)
    twice = _Twice(view, names)
    if not twice.find(True, True, disj(*(ne(symbol(n), twice.primed(n)) for n in names))):
        raise Vacuous(f"the contract allows a single value of {', '.join(names)}")
    reported: set[tuple[str, str]] = set()
    constants: dict[tuple[str, str, int], set[int]] = {}
    entries = [e for path in view.paths for e in _entries(path)]
    for e in entries:
        if isinstance(e.size, int):
            constants.setdefault((e.call.module, e.call.op, e.rows), set()).add(e.size)
    for e in entries:
        key = (e.call.module, e.call.op)
        if key in reported:
            continue
        if isinstance(e.size, int):  # pinned by its path: other paths have other sizes
            depends = e.size != e.rows and len(constants[e.call.module, e.call.op, e.rows]) > 1
        else:
            depends = twice.find(e.reached(), e.reached(), ne(e.size, twice.other(e.size)))
        if depends:
            point = view.smallest(conj(e.reached(), ne(e.size, e.rows)))
            reported.add(key)
            what = f"the input of this layer has {e.size} entries for {e.rows} rows of weight"
            named = ", ".join(n for n in names if n in _symbols(e.size)) or ", ".join(names)
            yield Violation(
                f"{what}, which depends on {named}: there is no pooling before it",
                e.call.module, e.call.op, e.call.source, point,
                because(e.path.trace, e.call, "in_features"),
            )  # fmt: skip


def _symbols(size: Size) -> frozenset[str]:
    return size.symbols() if isinstance(size, Expr) else frozenset()


class _Twice:
    """Two points of the region that differ only in the spatial sizes."""

    def __init__(self, view: ModelView, names: tuple[str, ...]) -> None:
        self._others: dict[str, Size] = {n: symbol(f"{n}'") for n in names}
        ranges = dict(view.box.ranges)
        ranges.update({f"{n}'": view.box.ranges[n] for n in names})
        self._box = Box(ranges)
        self._solver = view.solver((*view.names, *(f"{n}'" for n in names)), self._box)
        inside = conj(in_box(view.box), view.region)
        self._solver.add(conj(inside, substitute_formula(inside, self._others)))

    def primed(self, name: str) -> Size:
        return self._others[name]

    def other(self, size: Size) -> Size:
        """A size at the second point."""
        return substitute(size, self._others)

    def find(self, first: Bool, second: Bool, relation: Bool) -> bool:
        """Whether there are two points with these properties, and this relation between them."""
        second = substitute_formula(second, self._others)
        return self._solver.find(conj(first, second, relation)) is not None


def _entries(path: ExploredPath) -> Iterator[_Entry]:
    for index, call in enumerate(path.trace.calls):
        for size, rows in _met(call):
            yield _Entry(path, index, call, size, rows)


def _met(call: Call) -> Iterator[tuple[Size, int]]:
    """The sizes of a call that are multiplied by rows of a weight, and the number of rows."""
    factors = traits_of(call.func).factors
    if call.func is F.linear:
        given, weight = _argument(call, 0, "input"), _argument(call, 1, "weight")
        if type(given) is SymbolicTensor and _is_weight(weight) and given.spec.dims:
            yield given.spec.dims[-1], weight.shape[-1]
    elif call.func is torch.bilinear:
        weight = _argument(call, 2, "weight")
        for i, name in enumerate(("input1", "input2")):
            given = _argument(call, i, name)
            if type(given) is SymbolicTensor and _is_weight(weight):
                yield given.spec.dims[-1], weight.shape[1 + i]
    elif factors is not None and len(call.args) > max(factors):
        left, right = (call.args[i] for i in factors)
        if type(left) is SymbolicTensor and _is_weight(right) and left.spec.dims and right.ndim:
            yield left.spec.dims[-1], right.shape[0 if right.ndim == 1 else -2]
        elif type(right) is SymbolicTensor and _is_weight(left) and right.spec.dims and left.ndim:
            dims = right.spec.dims
            yield dims[0 if len(dims) == 1 else -2], left.shape[-1]


def _argument(call: Call, position: int, name: str) -> Any:
    return call.args[position] if len(call.args) > position else call.kwargs.get(name)


def _is_weight(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and type(value) is not SymbolicTensor
