"""The values of the inputs at which the real model runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from archlint.contracts.contract import Input, TensorInput
from archlint.contracts.nested import map_leaves
from archlint.symbolic import evaluate

Values = str
"""Which values: a key of :data:`KINDS`."""

KINDS: dict[Values, str] = {
    "drawn": "",
    "largest": "with the largest values: integers one below their bound, floats 1, masks true",
    "least": "with the least values: integers 0, floats -1, masks false",
    "equal": "with the same value everywhere",
    "different": "with as many different values as fit",
}
"""What the report adds for each kind of values. Values are drawn at random by default; the others
reach bounds that random values seldom reach: of counts, of sums, of indices that are computed."""


def values_of_round(number: int) -> Values:
    """The values for the runs of one round: random ones first and last, each other kind once."""
    return dict(enumerate(KINDS)).get(number, "drawn")


def build_input(
    input: Input,
    sizes: Mapping[str, int],
    device: str = "cpu",
    seed: int = 0,
    values: Values = "drawn",
) -> Any:
    """The tensors of ``input`` at ``sizes``: one, or nested lists and dicts of them.

    The same for the same ``seed``. Integers are below their bound, or 0 without one.
    """
    draw = torch.Generator().manual_seed(seed)
    return map_leaves(input, lambda part: _tensor(part, sizes, device, draw, values))


def _tensor(
    part: TensorInput,
    sizes: Mapping[str, int],
    device: str,
    draw: torch.Generator,
    values: Values,
) -> Tensor:
    shape = [evaluate(d, sizes) for d in part.dims]
    dtype: torch.dtype = getattr(torch, part.dtype)
    if device == "meta":
        return torch.empty(shape, dtype=dtype, device=device)
    if dtype.is_floating_point or dtype.is_complex:
        return _real(shape, dtype, draw, values).to(device)
    below = 2 if dtype is torch.bool else 1
    if part.below is not None:
        below = max(evaluate(part.below, sizes), 1)
    if dtype is not torch.bool:
        below = min(below, torch.iinfo(dtype).max)
    return _whole(shape, below, draw, values, ends=dtype is not torch.bool).to(device, dtype)


def _real(shape: list[int], dtype: torch.dtype, draw: torch.Generator, values: Values) -> Tensor:
    if dtype.is_complex:
        parts = _real([*shape, 2], torch.float32, draw, values)
        return torch.view_as_complex(parts).to(dtype)
    plain = dtype if dtype in (torch.float32, torch.float64) else torch.float32
    if values in ("largest", "least"):
        return torch.full(shape, 1.0 if values == "largest" else -1.0, dtype=dtype)
    if values == "equal":
        value = torch.randn((), generator=draw, dtype=plain)
        return torch.empty(shape, dtype=dtype).copy_(value)  # a clone keeps strides of 0
    scale = 0.1 if values == "drawn" else 10.0
    return torch.randn(shape, generator=draw, dtype=plain).mul_(scale).to(dtype)


def _whole(
    shape: list[int], below: int, draw: torch.Generator, values: Values, ends: bool
) -> Tensor:
    if values in ("largest", "least"):
        return torch.full(shape, below - 1 if values == "largest" else 0)
    if values == "equal":
        return torch.empty(shape, dtype=torch.int64).copy_(torch.randint(below, (), generator=draw))
    if values == "different":
        count = torch.Size(shape).numel()
        return (torch.randperm(count, generator=draw) % below).view(shape)
    drawn = torch.randint(0, below, shape, generator=draw)
    if ends and drawn.numel():
        drawn.view(-1)[-1] = below - 1  # the largest, which a table may not have
    return drawn
