"""The model before a fix: its weights, and its outputs at some sizes, to compare the fixed one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from archlint.contracts.contract import Input
from archlint.engine.sampling.input_values import build_input
from archlint.models.signature import call_arguments
from archlint.models.snapshot import keep
from archlint.runtime.process_state import preserve_process_state
from archlint.tracing.outputs import structure


@dataclass(frozen=True)
class _Leaf:
    value: Any


@dataclass(frozen=True)
class ModelBefore:
    """What a broken model did. ``refused`` are the sizes of the violation.

    ``outputs`` are its outputs at the sizes ``accepted``, with the weights ``state``, in eval mode;
    ``None`` where it raised, or where the output has parts that cannot be compared.
    """

    refused: Mapping[str, int]
    accepted: tuple[dict[str, int], ...]
    state: dict[str, Any]
    outputs: tuple[Any, ...]

    @classmethod
    def of(
        cls,
        model: nn.Module,
        input: Input,
        refused: Mapping[str, int],
        accepted: Sequence[Mapping[str, int]],
    ) -> ModelBefore:
        """Run ``model`` at the accepted sizes."""
        state = {k: v.clone() if torch.is_tensor(v) else v for k, v in model.state_dict().items()}
        outputs = tuple(_output(model, input, sizes) for sizes in accepted)
        return cls(dict(refused), tuple(map(dict, accepted)), state, outputs)

    def load_into(self, fixed: nn.Module) -> str:
        """Give ``fixed`` the old weights; in words, whether it takes them."""
        for target, words in (
            (fixed, "fit"),
            (getattr(fixed, "model", None), "fit, with `model.` before their names"),
        ):
            if isinstance(target, nn.Module):
                try:
                    target.load_state_dict(self.state)
                except (RuntimeError, KeyError):
                    continue
                return words
        wanted = fixed.state_dict()
        misfits = [
            k for k, v in self.state.items() if k not in wanted or _shape(wanted[k]) != _shape(v)
        ]
        misfits += [k for k in wanted if k not in self.state]
        return f"no longer fit: {', '.join(misfits[:3])}"

    def same_outputs(self, fixed: nn.Module, input: Input) -> tuple[dict[str, int], ...]:
        """The sizes at which ``fixed`` returns the same values; empty if it does not at one."""
        for sizes, before in zip(self.accepted, self.outputs, strict=True):
            if before is None or not same_values(before, _output(fixed, input, sizes)):
                return ()
        return self.accepted


def _shape(value: Any) -> Any:
    return value.shape if torch.is_tensor(value) else None


def _output(model: nn.Module, input: Input, sizes: Mapping[str, int]) -> Any:
    """The output as nested lists and mappings of values; ``None`` if it raises."""
    args, kwargs = call_arguments(model, build_input(input, sizes))
    with preserve_process_state(), keep(model), torch.no_grad():
        torch.manual_seed(0)
        try:
            made = model.eval()(*args, **kwargs)
        except Exception:
            return None
    return structure(made, _Leaf, lambda v: isinstance(v, (torch.Tensor, bool, int, float, str)))


def same_values(one: Any, other: Any) -> bool:
    """Whether two outputs are equal in every part, and have a tensor to compare."""
    parts: list[_Leaf] = []
    return _same(one, other, parts) and any(torch.is_tensor(p.value) for p in parts)


def _same(one: Any, other: Any, parts: list[_Leaf]) -> bool:
    if isinstance(one, _Leaf) and isinstance(other, _Leaf):
        parts.append(one)
        a, b = one.value, other.value
        if not (torch.is_tensor(a) and torch.is_tensor(b)):
            return type(a) is type(b) and bool(a == b)
        if a.shape != b.shape or a.dtype != b.dtype:
            return False
        return torch.allclose(a, b, atol=1e-5, equal_nan=True)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(
            _same(a, b, parts) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(_same(one[k], other[k], parts) for k in one)
    return one is None and other is None
