"""Where the elements of a tensor lie: strides, contiguity, and what operators make of them.

Strides are in elements. ``None`` stands for row-major contiguous, a tuple for anything else. The
strides of a dimension of size 1, and of a tensor without elements, never matter.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import torch

from archlint.ops.registry import Path, TensorSpec
from archlint.ops.silent_path import SilentPath, Unanswered
from archlint.symbolic import Size, exact_quotient, product
from archlint.symbolic.formula import Bool, conj, disj, eq, ge, gt, lt

Dims = tuple[Size, ...]
Strides = tuple[Size, ...]
Restride = Callable[[Strides], Strides]
Settle = Callable[[Path], "Strides | None"]
_LAST_RANKS = {torch.channels_last: 4, torch.channels_last_3d: 5}


class DeferredStrides(Strides):
    """Strides that depend on branches, computed by ``settle`` once an operator needs them.

    Until then nothing is branched on. As a tuple they are a guess. ``settle`` is called by
    :func:`settled_strides` only, after those of ``sources``, which it reads.
    """

    settle: Settle
    sources: tuple[DeferredStrides, ...]
    is_settled: bool
    result: Strides | None
    possible: list[Strides | None] | None  # what they may turn out to be; empty if too many

    @staticmethod
    def of(guess: Strides, settle: Settle, needs: Sequence[TensorSpec]) -> DeferredStrides:
        """Strides that ``settle`` computes from those of the tensors ``needs``."""
        self = DeferredStrides(guess)
        self.settle, self.sources = settle, tuple(_waiting(needs))
        self.is_settled, self.result, self.possible = False, None, None
        return self

    def record(self, result: Strides | None) -> None:
        """They are ``result`` on this path; what they were computed from is released."""
        self.is_settled, self.result, self.sources = True, result, ()


def _waiting(specs: Sequence[TensorSpec]) -> Iterator[DeferredStrides]:
    for spec in specs:
        if isinstance(spec.strides, DeferredStrides) and not spec.strides.is_settled:
            yield spec.strides


def deferred(path: Path, dims: Dims, needs: Sequence[TensorSpec], settle: Settle) -> Strides | None:
    """The strides that ``settle`` computes, deferred if that takes a branch.

    ``dims`` are the sizes of the tensor that they belong to, ``needs`` the tensors whose strides
    ``settle`` reads.
    """
    if isinstance(path, SilentPath) and path.turns is not None:
        return settle(path)
    if not any(_waiting(needs)):
        try:
            return settle(path if isinstance(path, SilentPath) else SilentPath(path))
        except Unanswered:
            pass
    return DeferredStrides.of(contiguous_strides(dims), settle, needs)


def unknown_strides(dims: Dims, made_by: str) -> Strides:
    """Strides that no rule knows: what asks for them ends the trace."""

    def settle(path: Path) -> Strides | None:
        path.unknown_outcome(f"the memory layout of the result of {made_by} is not known")

    return DeferredStrides.of(contiguous_strides(dims), settle, ())


@lru_cache(maxsize=4096)
def contiguous_strides(dims: Dims) -> Strides:
    """The row-major strides of a tensor of these sizes."""
    strides: list[Size] = [1] * len(dims)
    for i in range(len(dims) - 2, -1, -1):
        strides[i] = strides[i + 1] * dims[i + 1]
    return tuple(strides)


@lru_cache(maxsize=4096)
def numel(dims: Dims) -> Size:
    """The number of elements of a tensor of these sizes."""
    return product(dims)


def known_strides(spec: TensorSpec) -> Strides:
    """The strides as a tuple, a guess where they are deferred."""
    return contiguous_strides(spec.dims) if spec.strides is None else spec.strides


def settled_strides(path: Path, spec: TensorSpec) -> Strides | None:
    """The strides on this path; where they are deferred, by branching if need be."""
    wanted = spec.strides
    if not isinstance(wanted, DeferredStrides):
        return wanted
    silent = path.settled if isinstance(path, SilentPath) else {}
    todo = [wanted]
    while todo:  # the strides that others are computed from come first
        strides = todo[-1]
        waiting = [s for s in strides.sources if not s.is_settled and id(s) not in silent]
        if waiting:
            todo += waiting
            continue
        todo.pop()
        if strides.is_settled or id(strides) in silent:
            continue
        result = strides.settle(path)
        if isinstance(path, SilentPath):
            path.settled[id(strides)] = strides, result
        else:
            strides.record(result)
    return wanted.result if wanted.is_settled else silent[id(wanted)][1]


def settled(path: Path, spec: TensorSpec) -> TensorSpec:
    """The same tensor, its strides not deferred."""
    if not isinstance(spec.strides, DeferredStrides):
        return spec
    return spec.rewritten(spec.dims, settled_strides(path, spec))


def restrided(spec: TensorSpec, dims: Dims, restride: Restride) -> TensorSpec:
    """A view of ``spec`` with the sizes ``dims``; ``restride`` gives its strides from the old."""
    strides: Strides = restride(known_strides(spec))
    if any(_waiting([spec])):

        def settle(path: Path) -> Strides:
            return restride(settled_strides(path, spec) or contiguous_strides(spec.dims))

        strides = DeferredStrides.of(strides, settle, [spec])
    elif isinstance(spec.strides, DeferredStrides):
        strides = restride(spec.strides.result or contiguous_strides(spec.dims))
    elif strides == contiguous_strides(dims):
        return spec.like(dims, values=spec.values)
    return spec.like(dims, strides=strides, values=spec.values)


def decide(path: Path, formula: Bool) -> bool:
    """Whether ``formula`` holds on this path; branches unless that is known."""
    if isinstance(formula, bool):
        return formula
    known = path.known(formula)
    return path.branch(formula) if known is None else known


def empty(dims: Dims) -> Bool:
    """Whether a tensor of these sizes has no elements."""
    return disj(*(eq(d, 0) for d in dims))


def is_contiguous(
    path: Path, spec: TensorSpec, memory_format: torch.memory_format = torch.contiguous_format
) -> bool:
    """``Tensor.is_contiguous()``; branches where it depends on sizes that may be 0 or 1."""
    if memory_format is not torch.contiguous_format:
        if spec.ndim != _LAST_RANKS.get(memory_format):
            return False
        given = settled_strides(path, spec) or contiguous_strides(spec.dims)
        rows = zip(spec.dims, given, channels_last_strides(spec.dims), strict=True)
        return decide(path, conj(*(disj(eq(d, 1), eq(s, row)) for d, s, row in rows)))
    if spec.strides is None:
        return True
    strides = settled_strides(path, spec)
    return strides is None or decide(path, contiguous(spec.dims, strides))


def contiguous(dims: Dims, strides: Strides) -> Bool:
    """Whether these strides are the row-major ones, wherever it matters."""
    rows = zip(dims, strides, contiguous_strides(dims), strict=True)
    return disj(conj(*(disj(eq(s, row), eq(d, 1)) for d, s, row in rows)), empty(dims))


def channels_last_strides(dims: Dims) -> Strides:
    """Strides of a channels-last tensor with the sizes N, C, *spatial."""
    n, c, *spatial = dims
    inner = contiguous_strides((n, *spatial, c))
    return (inner[0], inner[-1], *inner[1:-1])


def is_channels_last(spec: TensorSpec) -> bool:
    """Whether a 4-D or 5-D tensor lies channels-last (and is not contiguous by its form)."""
    return (
        spec.strides is not None
        and spec.ndim in (4, 5)
        and tuple(spec.strides) == channels_last_strides(spec.dims)
    )


def lies_channels_last(path: Path, spec: TensorSpec) -> bool:
    """The test by which operators choose their output's layout; branches on sizes of 0 and 1."""
    if is_channels_last(spec):  # with one element a batch, any strides do
        return not decide(path, conj(*(eq(d, 1) for d in spec.dims[1:])))
    dims, strides = spec.dims, known_strides(spec)
    if strides[1] != 1:
        return False
    least: Size = 0
    for d in (1, *range(spec.ndim - 1, 1, -1), 0):
        if decide(path, disj(eq(dims[d], 0), lt(strides[d], least))):
            return False
        if d == 0 and decide(path, eq(least, strides[1])):
            return False
        least = strides[d] * dims[d] if decide(path, gt(dims[d], 1)) else strides[d]
    return True


def like_input_layout(spec_in: TensorSpec, dims_out: Dims) -> Strides | None:
    """Strides of an output that follows its input: channels-last if that is, else contiguous."""
    if spec_in.strides is None or not is_channels_last(spec_in):
        return None
    strides = channels_last_strides(dims_out)
    return None if strides == contiguous_strides(dims_out) else strides


def elementwise_strides(path: Path, specs: Sequence[TensorSpec], dims: Dims) -> Strides | None:
    """Strides of what a pointwise operator returns for ``specs`` broadcast to ``dims``.

    The output is dense, its dimensions in the order of the first operand that orders them.
    """
    if all(spec.strides is None for spec in specs):
        return None
    return deferred(path, dims, specs, lambda path: _elementwise(path, specs, dims))


def _elementwise(path: Path, specs: Sequence[TensorSpec], dims: Dims) -> Strides | None:
    operands: list[Strides] = []
    for spec in specs:
        if spec.dims == dims and spec.strides is None:
            operands.append(contiguous_strides(dims))
            break  # a full contiguous operand orders every pair
        if spec.ndim:
            operands.append(_broadcast_strides(path, spec, dims))
    return ordered_strides(path, operands, dims)


def ordered_strides(path: Path, operands: Sequence[Strides], dims: Dims) -> Strides | None:
    """Dense strides, the dimensions in the order of the first operand that orders them.

    A stride of 0 orders nothing.
    """
    order = list(reversed(range(len(dims))))  # innermost first
    for i in range(1, len(order)):
        at = i
        for j in range(i - 1, -1, -1):
            swap = _compare(path, operands, order[j], order[at])
            if swap < 0:
                break
            if swap > 0:
                order[j], order[at] = order[at], order[j]
                at = j
    order.reverse()
    if order == list(range(len(dims))):
        return None
    inner = contiguous_strides(tuple(dims[d] for d in order))
    return tuple(inner[order.index(d)] for d in range(len(dims)))


def _broadcast_strides(path: Path, spec: TensorSpec, dims: Dims) -> Strides:
    strides = settled_strides(path, spec) or contiguous_strides(spec.dims)
    lead = len(dims) - spec.ndim
    result: list[Size] = [0] * lead
    for own, size, stride in zip(spec.dims, dims[lead:], strides, strict=True):
        result.append(stride if own is size or decide(path, eq(own, size)) else 0)
    return tuple(result)


def _compare(path: Path, operands: Sequence[Strides], a: int, b: int) -> int:
    """1 if dimension ``a`` has larger strides than ``b``, -1 if smaller, 0 if neither."""
    for strides in operands:
        s, t = strides[a], strides[b]
        if s != 0 and t != 0 and s != t:
            return -1 if _at_least(path, t, s) else 1
    return 0


def _at_least(path: Path, s: Size, t: Size) -> bool:
    """``s >= t`` for two positive strides."""
    quotient = exact_quotient(s, t)
    if quotient is not None and path.known(ge(quotient, 1)):
        return True
    inverse = exact_quotient(t, s)
    if inverse is not None and path.known(ge(inverse, 1)):
        return inverse == 1
    return decide(path, ge(s, t))


@lru_cache(maxsize=4096)
def form_view_strides(dims: Dims, strides: Strides, new: Dims) -> Strides | None:
    """Strides of the view with sizes ``new``, if one exists whatever the sizes are."""
    return _form_view_strides(dims, strides, new, operator.eq)


def _form_view_strides(
    dims: Dims, strides: Strides, new: Dims, same: Callable[[Size, Size], bool]
) -> Strides | None:
    """As :func:`form_view_strides`, where ``same`` compares sizes."""
    result: list[Size] = [0] * len(new)
    at = len(new) - 1
    count, step = 1, strides[-1] if strides else 1  # type: tuple[Size, Size]
    for d in range(len(dims) - 1, -1, -1):
        count = count * dims[d]
        if d and (dims[d - 1] == 1 or same(strides[d - 1], count * step)):
            continue
        taken: Size = 1
        while at >= 0 and (d == 0 or not same(taken, count)):
            result[at] = taken * step
            taken = taken * new[at]
            at -= 1
        if d:
            if not same(taken, count):
                return None
            count, step = 1, strides[d - 1]
    while at >= 0:  # the view of a scalar
        result[at] = 1
        at -= 1
    return tuple(result)


def view_strides_of_form(path: Path, dims: Dims, strides: Strides, new: Dims) -> Strides | None:
    """As :func:`form_view_strides`, where the path knows which sizes are equal."""
    form = form_view_strides(dims, strides, new)
    if form is None:
        same = lambda a, b: path.known(eq(a, b)) is True  # noqa: E731
        form = _form_view_strides(dims, strides, new, same)
    return form


def view_strides(path: Path, dims: Dims, strides: Strides, new: Dims) -> Strides | None:
    """Strides of the view with sizes ``new`` (as many elements), ``None`` if there is none."""
    form = view_strides_of_form(path, dims, strides, new)
    if form is not None or decide(path, empty(dims)):
        return form or contiguous_strides(new)
    result: list[Size] = [0] * len(new)
    at = len(new) - 1
    count, taken, step = 1, 1, strides[-1]  # type: tuple[Size, Size, Size]
    for d in range(len(dims) - 1, -1, -1):
        count = count * dims[d]
        if d and decide(path, disj(eq(dims[d - 1], 1), eq(strides[d - 1], count * step))):
            continue
        while at >= 0 and decide(path, disj(lt(taken, count), eq(new[at], 1))):
            result[at] = taken * step
            taken = taken * new[at]
            at -= 1
        if not decide(path, eq(taken, count)):
            return None
        if d:
            count, taken, step = 1, 1, strides[d - 1]
    return tuple(result) if at < 0 else None
