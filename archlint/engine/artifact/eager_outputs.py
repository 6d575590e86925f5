"""The model itself at some sizes: its inputs and the values of its outputs."""

from __future__ import annotations

import contextvars
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from archlint.contracts.contract import Input
from archlint.engine.sampling.input_values import build_input
from archlint.models.signature import call_arguments
from archlint.models.snapshot import keep
from archlint.runtime.process_state import preserve_process_state, seed_generators


def eager_outputs(
    model: nn.Module,
    input: Input,
    sizes: Mapping[str, int],
    seed: int,
    names: Sequence[str] = (),
) -> tuple[list[Any], list[Any] | str]:
    """The input arrays in order, and the output arrays or the model's error.

    ``names``: an order for the outputs of a model that returns a mapping with just these names.

    ``KeyboardInterrupt`` and lack of memory are not caught.
    """
    made = build_input(input, sizes, "cpu", seed)
    arrays = [t.numpy() for t in tensors_of(made)]
    with preserve_process_state(), keep(model), torch.no_grad():
        seed_generators(seed)
        args, kwargs = call_arguments(model, made)
        try:
            output = contextvars.copy_context().run(model, *args, **kwargs)
        except Exception as e:
            return arrays, f"{type(e).__name__}: {e}"
    if isinstance(output, Mapping) and len(names) == len(output) and set(names) == set(output):
        output = [output[name] for name in names]
    return arrays, [t.detach().numpy().copy() for t in tensors_of(output)]


def tensors_of(value: Any) -> list[Tensor]:
    """The tensors in nested lists, mappings and dataclasses, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [t for part in value.values() for t in tensors_of(part)]
    if isinstance(value, (list, tuple)):
        return [t for part in value for t in tensors_of(part)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [t for f in dataclasses.fields(value) for t in tensors_of(getattr(value, f.name))]
    return []
