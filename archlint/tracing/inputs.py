"""The arguments of a traced model: symbolic tensors of the sizes that a contract names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from archlint.contracts.contract import Input, TensorInput
from archlint.contracts.nested import map_leaves
from archlint.models.signature import call_arguments
from archlint.ops.registry import IN_RANGE, TensorSpec
from archlint.symbolic import evaluate
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, symbolic_tensor


def arguments(
    model: nn.Module, input: Input, env: Mapping[str, int], symbolic: bool
) -> tuple[list[Any], dict[str, Any]]:
    """The positional and keyword arguments of the model for ``input``.

    Without ``symbolic`` every size is its number in ``env``.
    """

    def size(formula: Any) -> Any:
        return formula if symbolic else evaluate(formula, env)

    def tensor(part: TensorInput) -> SymbolicTensor:
        dtype = getattr(torch, part.dtype)
        values: Any = None
        if not dtype.is_floating_point and not dtype.is_complex and dtype is not torch.bool:
            values = IN_RANGE if part.below is None else (0, size(part.below) - 1)
        dims = tuple(map(size, part.dims))
        return symbolic_tensor(TensorSpec(dims, dtype, None, values, torch.device("cpu")))

    return call_arguments(model, map_leaves(input, tensor))
