"""Runs the real model at chosen sizes."""

from __future__ import annotations

import contextvars
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from archlint.contracts.contract import Input
from archlint.contracts.nested import input_tensors
from archlint.engine.sampling.input_values import Values, build_input
from archlint.models.model_code import ModelCode
from archlint.models.signature import call_arguments
from archlint.models.snapshot import Snapshot, keep
from archlint.runtime.environment_errors import is_environment_error, is_overflow
from archlint.runtime.interruptions import stops_run
from archlint.runtime.process_state import (
    default_device,
    preserve_process_state,
    recursion_limit_kept,
    seed_generators,
)
from archlint.runtime.user_frames import summary, user_line
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
    of shapes, ``values`` those of the input. ``error`` is ``Type: first line``, ``source`` the
    user's ``file:line`` that raised.
    """

    sizes: Sizes
    accepted: bool | None
    output: Any = None
    error: str = ""
    source: str = ""
    printed: str = ""  # by the model
    values: Values = "drawn"  # of the input


def run_at(
    model: nn.Module,
    input: Input,
    sizes: Mapping[str, int],
    memory: int = 4 << 30,
    device: str = "cpu",
    seed: int = 0,
    values: Values = "drawn",
    snapshot: Snapshot | None = None,
) -> Outcome:
    """Run ``model`` once, and restore it and the state of the process.

    The input's values and what the model draws are the same for the same ``seed``; ``values`` are
    as in :mod:`.input_values`. ``memory`` bounds the bytes of the inputs (the caller
    estimates those of the activations). ``device`` may be "meta". ``snapshot``: what the model is
    restored to, by default as it is now.
    """
    where = dict(sizes)
    needed = _bytes(input, where)
    if needed > memory:
        return Outcome(where, None, error=f"the input alone takes {needed >> 20} MiB")
    with (
        preserve_process_state() as captured,
        keep(model, snapshot=snapshot),
        lru_caches_restored(ModelCode.of(model), {}),
    ):
        try:
            output = _run(model, input, where, device, seed, values)
        except (UnknownOutcome, CannotMerge, Retrace) as e:
            text = f"the model kept a symbolic tensor of an earlier trace ({e})"
            return Outcome(where, None, None, text, user_line(e) or "", captured.text)
        except BaseException as e:
            if stops_run(e):
                raise
            text = summary(e)
            # No machine has that much memory: the model refuses the sizes.
            reason = "" if is_overflow(e) else is_environment_error(e)
            accepted = None if reason else False
            text = f"{reason} ({text})" if reason else text
            line = user_line(e) or ""
            return Outcome(where, accepted, None, text, line, captured.text, values)
    return Outcome(where, True, output, printed=captured.text, values=values)


def _run(
    model: nn.Module, input: Input, sizes: Sizes, device: str, seed: int, values: Values
) -> Any:
    seed_generators(seed)
    args, kwargs = call_arguments(model, build_input(input, sizes, device, seed, values))
    # A default device is a TorchFunctionMode, which turns the fast path of attention layers off.
    elsewhere = device != "cpu" or default_device().type != "cpu"
    placed = torch.device(device) if elsewhere else nullcontext()
    with torch.no_grad(), placed, recursion_limit_kept():
        output = contextvars.copy_context().run(model, *args, **kwargs)
    return structure(output, lambda t: tuple(t.shape), lambda v: isinstance(v, Tensor))


def _bytes(input: Input, sizes: Mapping[str, int]) -> int:
    return sum(
        prod(evaluate(d, sizes) for d in tensor.dims) * int(getattr(torch, tensor.dtype).itemsize)
        for tensor in input_tensors(input)
    )
