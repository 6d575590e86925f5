"""Runs the real model at chosen sizes."""

from __future__ import annotations

import contextvars
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from archlint.contracts.contract import Input, TensorInput
from archlint.models.snapshot import keep
from archlint.runtime.environment_errors import is_environment_error, is_overflow
from archlint.runtime.process_state import (
    default_device,
    preserve_process_state,
    seed_generators,
)
from archlint.runtime.user_frames import first_line, user_line
from archlint.symbolic import evaluate
from archlint.tracing.outputs import structure
from archlint.tracing.python.builtins import Retrace
from archlint.tracing.python.lru_caches import lru_caches_restored
from archlint.tracing.signals import CannotMerge, UnknownOutcome

Sizes = dict[str, int]


@dataclass(frozen=True)
class Outcome:
    """What the real model did at ``sizes``.

    ``accepted`` is ``None`` if the run was stopped by the machine (memory, device, a missing
    kernel), whatever the sizes; ``error`` is then the reason. ``output`` are nested lists and dicts
    of shapes. ``error`` is ``Type: first line``, ``source`` the user's ``file:line`` that raised.
    """

    sizes: Sizes
    accepted: bool | None
    output: Any = None
    error: str = ""
    source: str = ""
    printed: str = ""  # by the model


def run_at(
    model: nn.Module,
    input: Input,
    sizes: Mapping[str, int],
    memory: int = 4 << 30,
    device: str = "cpu",
    seed: int = 0,
) -> Outcome:
    """Run ``model`` once, and restore it and the state of the process.

    The input's values and what the model draws are random, the same for the same ``seed``; integers
    are below their bound, or 0 without one. ``memory`` bounds the bytes of the inputs (the caller
    estimates those of the activations). ``device`` may be "meta". ``KeyboardInterrupt`` is not
    caught.
    """
    where = dict(sizes)
    needed = _bytes(input, where)
    if needed > memory:
        return Outcome(where, None, error=f"the input alone takes {needed >> 20} MiB")
    with preserve_process_state() as captured, keep(model), lru_caches_restored(model):
        try:
            output = _run(model, input, where, device, seed)
        except (UnknownOutcome, CannotMerge, Retrace) as e:
            text = f"it uses what a traced run left behind ({e})"
            return Outcome(where, None, None, text, user_line(e) or "", captured.text)
        except (Exception, SystemExit) as e:
            text = type(e).__name__ + (f": {first_line(e)}" if first_line(e) else "")
            # No machine has that much memory: the model refuses the sizes.
            reason = "" if is_overflow(e) else is_environment_error(e)
            accepted = None if reason else False
            text = f"{reason} ({text})" if reason else text
            return Outcome(where, accepted, None, text, user_line(e) or "", captured.text)
    return Outcome(where, True, output, printed=captured.text)


def _run(model: nn.Module, input: Input, sizes: Sizes, device: str, seed: int) -> Any:
    seed_generators(seed)
    made = build_input(input, sizes, device, seed)
    # A default device is a TorchFunctionMode, which turns the fast path of attention layers off.
    elsewhere = device != "cpu" or default_device().type != "cpu"
    with torch.no_grad(), torch.device(device) if elsewhere else nullcontext():
        run = contextvars.copy_context().run
        output = run(model, **made) if isinstance(made, dict) else run(model, made)
    return structure(output, lambda t: tuple(t.shape), lambda v: isinstance(v, Tensor))


def build_input(input: Input, sizes: Mapping[str, int], device: str = "cpu", seed: int = 0) -> Any:
    """The tensors of ``input`` at ``sizes``: one, or nested lists and dicts of them."""
    draw = torch.Generator().manual_seed(seed)

    def build(part: Input) -> Any:
        if isinstance(part, list):
            return [build(p) for p in part]
        if isinstance(part, dict):
            return {name: build(p) for name, p in part.items()}
        return _tensor(part, sizes, device, draw)

    return build(input)


def _tensor(
    part: TensorInput, sizes: Mapping[str, int], device: str, draw: torch.Generator
) -> Tensor:
    shape = [evaluate(d, sizes) for d in part.dims]
    dtype: torch.dtype = getattr(torch, part.dtype)
    if device == "meta":
        return torch.empty(shape, dtype=dtype, device=device)
    if dtype.is_floating_point:
        plain = dtype if dtype in (torch.float32, torch.float64) else torch.float32
        return torch.randn(shape, generator=draw, dtype=plain).mul_(0.1).to(device, dtype)
    if dtype.is_complex:
        parts = torch.randn([*shape, 2], generator=draw).mul_(0.1)
        return torch.view_as_complex(parts).to(device, dtype)
    if dtype is torch.bool:
        return torch.randint(0, 2, shape, generator=draw).to(device, dtype)
    below = 1 if part.below is None else max(evaluate(part.below, sizes), 1)
    most = torch.iinfo(dtype).max
    drawn = torch.randint(0, min(below, most), shape, generator=draw)
    if drawn.numel():
        drawn.view(-1)[-1] = min(below, most) - 1  # the largest, which a table may not have
    return drawn.to(device, dtype)


def _bytes(input: Input, sizes: Mapping[str, int]) -> int:
    if isinstance(input, TensorInput):
        elements = 1
        for d in input.dims:
            elements *= evaluate(d, sizes)
        return elements * int(getattr(torch, input.dtype).itemsize)
    return sum(_bytes(p, sizes) for p in (input.values() if isinstance(input, dict) else input))
