"""Values for the weights of a lean build, where any values do.

Most of the time that building a model takes goes into its random weights. Those here are numbers
between -0.05 and 0.05, and not below 0 for buffers, which may be variances. Parameters share one
memory: what matters is that each has its sizes, its strides and its dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from archlint.models.meta_weights import NeedsValues, build_lean
from archlint.models.module_walk import modules_of
from archlint.runtime.gc_pause import gc_paused
from archlint.runtime.interruptions import stops_run
from archlint.runtime.process_state import captured_output, preserve_random_state

_DRAWN = 65_521  # numbers that are drawn and then repeated; a prime, so that rows differ
_LARGEST = 0.05


def quickly_built(build: Callable[[], nn.Module]) -> nn.Module | None:
    """What ``build()`` returns, its large weights with any values; ``None`` if that fails."""
    try:
        with captured_output(), preserve_random_state(), gc_paused():
            model, _ = build_lean(build)
            give_values(model)
    except BaseException as e:
        if stops_run(e):
            raise
        return None
    return model


@torch.no_grad()
def give_values(model: nn.Module) -> None:
    """Move each parameter, buffer and other attribute on the meta device to the CPU, in place.

    Raises :class:`.meta_weights.NeedsValues` where one is not a plain tensor.
    """
    left_out = list({id(t): t for t in _left_out(model)}.values())
    lengths: dict[torch.dtype, int] = {}
    for tensor in left_out:
        if type(tensor) not in (Tensor, nn.Parameter) or tensor.layout is not torch.strided:
            raise NeedsValues(f"a weight is a {type(tensor).__name__}")
        lengths[tensor.dtype] = max(lengths.get(tensor.dtype, 0), _length(tensor))
    memory = {dtype: _numbers(length, dtype) for dtype, length in lengths.items()}
    for tensor in left_out:
        storage = memory[tensor.dtype].untyped_storage()
        given = torch.empty(0, dtype=tensor.dtype, device="cpu")
        given.set_(storage, 0, tensor.shape, tensor.stride())
        if type(tensor) is nn.Parameter:
            given = nn.Parameter(given, tensor.requires_grad)
        else:
            given = given.abs().requires_grad_(tensor.requires_grad)
        torch.utils.swap_tensors(tensor, given)  # type: ignore[no-untyped-call]


def _left_out(model: nn.Module) -> Iterator[Tensor]:
    for module in modules_of(model):
        held = module.__dict__
        for values in (held["_parameters"].values(), held["_buffers"].values(), held.values()):
            yield from (v for v in values if isinstance(v, Tensor) and v.is_meta)


def _length(tensor: Tensor) -> int:
    """How many elements its memory has from its first to its last."""
    steps = zip(tensor.shape, tensor.stride(), strict=True)
    return 1 + sum((n - 1) * stride for n, stride in steps if n)


def _numbers(length: int, dtype: torch.dtype) -> Tensor:
    seeded = torch.Generator().manual_seed(0)
    drawn = torch.rand(_DRAWN, dtype=dtype, device="cpu", generator=seeded)
    drawn = drawn.sub_(0.5).mul_(2 * _LARGEST)
    return drawn.repeat(-(-length // _DRAWN))
