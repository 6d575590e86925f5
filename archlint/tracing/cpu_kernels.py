"""Cross-checks a meta kernel against the CPU kernel at a few concrete sizes; the CPU wins.

A call without a rule runs again on CPU tensors, at the path's own sizes if these are small, and at
the smallest sizes on the same path: some kernels take another branch there. The tensors have random
elements, integer ones zeros, so an error of the CPU that may come from elements is a caveat only.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import torch

from archlint.ops.registry import RefusedCall
from archlint.ops.shapes.strides import unknown_strides
from archlint.runtime.environment_errors import is_environment_error
from archlint.runtime.user_frames import summary
from archlint.symbolic import Expr, evaluate, symbol
from archlint.symbolic.formula import holds
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.symbolic.rational import Ratio
from archlint.tracing.path import TracedPath
from archlint.tracing.signals import UnknownOutcome
from archlint.tracing.symint.node import SizeNode
from archlint.tracing.symint.numbers import value_at
from archlint.tracing.tensors.specs import map_tensors
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, learn, strides_of

_OF_DTYPES = re.compile("not implemented for '|can't be cast to the desired output type")
FEW = 1 << 20  # elements, for a call to be run_on_cpu on the CPU
_TRIED = range(1, 9)  # values of the sizes of a claim
_NEAR = range(1, 18)  # values of the sizes of a number, to find its edges
_MOST = 8  # numbers of a call whose edges are tried
_REFUSED = 2  # sizes that a claim refuses, of those that are tried


Sizes = Mapping[str, int]


def sample_sizes(path: TracedPath, call: Any) -> list[Sizes]:
    """The sizes to compare at: the path's own, some of the smallest of the box, and edges.

    At an edge a size or a number of ``call``, its arguments, is -1, 0 or 1: kernels may refuse that
    where meta kernels do not.
    """
    found: list[Sizes] = [path.env]
    for above in (0, 1, 2):
        sizes = {n: low + above for n, (low, _) in _ranges(path).items()}
        if _in_box(path, sizes):
            found.append(sizes)
    for number in _numbers(path, call):
        edges: dict[int, Sizes] = {}
        for near in _sizes_near(path, number.symbols(), _NEAR):
            with suppress(ZeroDivisionError):  # not sizes of this path
                edges.setdefault(number.evaluate(near), near)
        found += [edges[edge] for edge in (-1, 0, 1) if edge in edges]
    return [sizes for at, sizes in enumerate(found) if sizes not in found[:at]]


def _numbers(path: TracedPath, call: Any) -> list[Expr]:
    """The sizes of tensors and the numbers of a call that are computed from sizes."""
    plain = set(map(symbol, path.env))
    found: dict[Expr, None] = {}

    def size(value: Any) -> None:
        if isinstance(value, Ratio):
            size(value.num)
        elif isinstance(value, Expr) and value not in plain and not unknowns_in(value):
            found[value] = None

    def tensor(value: torch.Tensor) -> None:
        if type(value) is SymbolicTensor:
            for dim in value.spec.dims:
                size(dim)

    def number(value: Any) -> None:
        node = getattr(value, "node", None)
        if isinstance(node, SizeNode):
            size(node.value)

    map_tensors(call, tensor, number)
    return list(found)[:_MOST]


def _ranges(path: TracedPath) -> dict[str, tuple[int, int | None]]:
    ranges = {n: path.box.ranges.get(n, (None, None)) for n in path.env}
    return {n: (low or 1, high) for n, (low, high) in ranges.items()}


def _in_box(path: TracedPath, sizes: Sizes) -> bool:
    highs = [(sizes[n], high) for n, (_, high) in _ranges(path).items()]
    return all(high is None or size <= high for size, high in highs)


def takes_same_path(path: TracedPath, sizes: Sizes) -> bool:
    """Whether these sizes take the same branches, and meet the same claims, as the path so far."""
    try:
        return all(holds(e.formula, sizes) is e.held for e in path.events)
    except ZeroDivisionError:
        return False


def small_arguments(sizes: Sizes, args: Any, kwargs: Any) -> Any:
    """The arguments as CPU tensors at these sizes; ``None`` if too large or unsupported."""
    try:
        if element_count(sizes, (args, kwargs)) > FEW:
            return None
        return at_sizes(sizes, (args, kwargs), torch.device("cpu"))
    except Exception:
        return None  # a kind of tensor that cannot be made like this


def element_count(sizes: Sizes, value: Any) -> int:
    """How many elements the tensors have at these sizes."""
    counts = [0]
    map_tensors(value, lambda t: counts.append(math.prod(_dims(sizes, t))))
    return sum(counts)


def _dims(sizes: Sizes, tensor: torch.Tensor) -> list[int]:
    dims = tensor.spec.dims if type(tensor) is SymbolicTensor else tensor.shape
    return [evaluate(d, sizes) for d in dims]


def run_on_cpu(func: Any, arguments: Any) -> Any:
    """The result of the CPU kernel, or the exception that it raises."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        try:
            return func(*arguments[0], **arguments[1])
        except Exception as error:
            return error


def compare_with_cpu(path: TracedPath, sizes: Sizes, name: str, made: Any, real: Any) -> None:
    """Compare the result of a meta kernel with that of the CPU kernel, ``name``, at ``sizes``.

    Raises :class:`UnknownOutcome` if their sizes differ, and :class:`Refused` if the CPU refuses
    the dtypes, which do not depend on elements. Any other error may come from the elements, which
    are not the model's: a caveat.
    """
    if isinstance(real, Exception):
        if is_environment_error(real):
            return
        if _OF_DTYPES.search(str(real)):
            raise RefusedCall(f"{type(real).__name__}: {real}") from None
        text = summary(real)
        path.unproved(f"{name} has no rule, and the CPU may refuse ({text})")
    elif _shapes(sizes, made) != _shapes(sizes, real):
        raise UnknownOutcome(f"{name} has no rule, and meta and CPU kernels give different sizes")
    else:
        _compare_strides(sizes, name, made, real)


def _compare_strides(sizes: Sizes, name: str, made: Any, real: Any) -> None:
    """Forget how a result lies in memory if the CPU kernel lays it out otherwise."""
    if isinstance(made, (tuple, list)):
        for one, other in zip(made, real, strict=True):
            _compare_strides(sizes, name, one, other)
    elif type(made) is SymbolicTensor and real.numel():
        known = [evaluate(s, sizes) for s in strides_of(made.spec)]
        pairs = zip(real.shape, known, real.stride(), strict=True)
        if any(size > 1 and mine != own for size, mine, own in pairs):
            dims = made.spec.dims
            learn(made, spec=made.spec.like(dims, strides=unknown_strides(dims, name)))


def check_refusals(path: TracedPath, func: Any, call: Any, since: int, name: str) -> None:
    """Try the CPU kernel at small sizes that the claims of its meta kernel refuse.

    ``since``: the number of events before the call. Raises :class:`UnknownOutcome` if it accepts
    some of them.
    """
    for at in range(since, len(path.events)):
        event = path.events[at]
        if event.kind != "claim" or isinstance(event.formula, bool):
            continue
        tried = 0
        for sizes in _sizes_near(path, event.formula.symbols()):
            if tried == _REFUSED:
                break
            if not _is_refused_at(path, at, sizes):
                continue
            arguments = small_arguments(sizes, *call)
            if arguments is None:
                continue
            tried += 1
            if not isinstance(run_on_cpu(func, arguments), Exception):
                why = f"its meta kernel needs {event.needs()}, and the CPU kernel does not"
                raise UnknownOutcome(f"{name} has no rule, and {why}")


def _sizes_near(path: TracedPath, names: frozenset[str], tried: range = _TRIED) -> Iterator[Sizes]:
    """Small values for the sizes ``names``, within the box; the others as small as can be."""
    lows = {n: low for n, (low, _) in _ranges(path).items()}
    varied = sorted(n for n in names if n in lows)[:2]
    for values in itertools.product(tried, repeat=len(varied)):
        sizes = lows | {n: lows[n] + v - 1 for n, v in zip(varied, values, strict=True)}
        if _in_box(path, sizes):
            yield sizes


def _is_refused_at(path: TracedPath, at: int, sizes: Sizes) -> bool:
    """Whether sizes come to the event ``at`` on this path, and break it."""
    try:
        same = all(holds(e.formula, sizes) is e.held for e in path.events[:at])
        return same and not holds(path.events[at].formula, sizes)
    except (ZeroDivisionError, KeyError):
        return False


def _shapes(sizes: Sizes, value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_shapes(sizes, v) for v in value]
    return _dims(sizes, value) if isinstance(value, torch.Tensor) else None


def at_sizes(sizes: Sizes, call: Any, device: torch.device) -> Any:
    """The arguments at concrete sizes: new tensors on a device, and numbers."""

    def concrete(tensor: torch.Tensor) -> torch.Tensor:
        if type(tensor) is SymbolicTensor:
            dtype = tensor.spec.dtype
            dims = [evaluate(d, sizes) for d in tensor.spec.dims]
            strides = [evaluate(s, sizes) for s in strides_of(tensor.spec)]
        elif device.type == "meta":
            return tensor.to("meta") if tensor.ndim else tensor
        elif tensor.device.type == "cpu":
            return tensor.detach().clone()
        else:
            dtype, dims, strides = tensor.dtype, list(tensor.shape), list(tensor.stride())
        if device.type == "meta":
            return torch.empty_strided(dims, strides, dtype=dtype, device=device)
        last = sum((dim - 1) * stride for dim, stride in zip(dims, strides, strict=True))
        memory = torch.zeros(0 if 0 in dims else last + 1, dtype=dtype)
        if dtype.is_floating_point:
            memory.uniform_(0.1, 0.9, generator=torch.Generator().manual_seed(0))
        return memory.as_strided(dims, strides)  # expanded tensors share elements

    def number(value: Any) -> Any:
        node = getattr(value, "node", None)
        return value_at(node.value, sizes) if isinstance(node, SizeNode) else value

    return map_tensors(call, concrete, number)
