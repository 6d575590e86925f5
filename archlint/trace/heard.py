"""The CPU's kernels, heard on a call that has no rule: where meta kernels differ, the CPU is right.

The call is made once more, on CPU tensors of the path's own sizes, if these are small. Elements are
drawn, integers are 0: what the CPU says that may lie in them is a doubt and no answer.
"""

from __future__ import annotations

import math
import re
from typing import Any

import torch

from archlint.dims import evaluate
from archlint.frames import first_line
from archlint.ops.registry import Refused
from archlint.silence import says_nothing
from archlint.trace.ends import Undecided
from archlint.trace.path import WalkedPath
from archlint.trace.specs import map_tensors
from archlint.trace.standin import Standin, strides_of
from archlint.trace.symint import SizeNode

_OF_DTYPES = re.compile("not implemented for '|can't be cast to the desired output type")
FEW = 1 << 20  # elements, for a call to be tried on the CPU


def small(path: WalkedPath, args: Any, kwargs: Any) -> Any:
    """The arguments as CPU tensors at the path's own sizes; ``None`` if that is too much."""
    if elements(path, (args, kwargs)) > FEW:
        return None
    try:
        return at_hint(path, (args, kwargs), torch.device("cpu"))
    except Exception:
        return None  # a kind of tensor that cannot be made like this


def elements(path: WalkedPath, value: Any) -> int:
    """How many elements the tensors have at the path's own sizes."""
    counts = [0]
    map_tensors(value, lambda t: counts.append(math.prod(_dims(path, t))))
    return sum(counts)


def _dims(path: WalkedPath, tensor: torch.Tensor) -> list[int]:
    dims = tensor.spec.dims if type(tensor) is Standin else tensor.shape
    return [evaluate(d, path.env) for d in dims]


def tried(func: Any, given: Any) -> Any:
    """What the CPU's kernel gives, or the exception that it raises."""
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        try:
            return func(*given[0], **given[1])
        except Exception as error:
            return error


def hear(path: WalkedPath, name: str, made: Any, real: Any) -> None:
    """Hold what a meta kernel gave against the CPU, whose elements are not those of the model.

    Dtypes do not depend on elements: what the CPU says of them is so.
    """
    if isinstance(real, Exception):
        if says_nothing(real):
            return
        if _OF_DTYPES.search(str(real)):
            raise Refused(f"{type(real).__name__}: {real}") from None
        said = f"{type(real).__name__}: {first_line(real)}"
        path.unproved(f"{name} has no rule, and the CPU may refuse ({said})")
    elif _sizes(path, made) != _sizes(path, real):
        raise Undecided(f"{name} has no rule, and meta and CPU kernels give different sizes")


def _sizes(path: WalkedPath, value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_sizes(path, v) for v in value]
    return _dims(path, value) if isinstance(value, torch.Tensor) else None


def at_hint(path: WalkedPath, call: Any, device: torch.device) -> Any:
    """The arguments at the path's own sizes: new tensors on a device, and numbers."""

    def concrete(tensor: torch.Tensor) -> torch.Tensor:
        if type(tensor) is Standin:
            dtype = tensor.spec.dtype
            dims = [evaluate(d, path.env) for d in tensor.spec.dims]
            strides = [evaluate(s, path.env) for s in strides_of(tensor.spec)]
        elif device.type == "meta":
            return tensor.to("meta") if tensor.ndim else tensor
        elif tensor.device.type == "cpu":
            return tensor.detach().clone()
        else:
            dtype, dims, strides = tensor.dtype, list(tensor.shape), list(tensor.stride())
        made = torch.empty_strided(dims, strides, dtype=dtype, device=device)
        if device.type == "meta":
            return made
        if dtype.is_floating_point:
            return made.uniform_(0.1, 0.9, generator=torch.Generator().manual_seed(0))
        return made.zero_()

    def number(value: Any) -> Any:
        node = getattr(value, "node", None)
        return node.hinted() if isinstance(node, SizeNode) else value

    return map_tensors(call, concrete, number)
