"""The parameters of a model, counted once each, also where layers share one."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from archlint.errors import ArchlintError


def parameters(model: nn.Module) -> dict[str, list[nn.Parameter]]:
    """The parameters by the dotted path of the module that has them first.

    Raises ``ArchlintError`` for a parameter whose size the first call decides.
    """
    seen: set[int] = set()
    result: dict[str, list[nn.Parameter]] = {}
    for path, module in model.named_modules():
        for name, parameter in module.named_parameters(recurse=False):
            if is_lazy(parameter):
                where = f"{path}.{name}" if path else name
                raise ArchlintError(f"{where} has no size before the model's first call")
            if id(parameter) not in seen:
                seen.add(id(parameter))
                result.setdefault(path, []).append(parameter)
    return result


def bytes_of(parameter: torch.Tensor, dtype: torch.dtype | None = None) -> int:
    """The memory of a weight; ``dtype`` is what floating-point ones would have."""
    own = dtype if dtype is not None and parameter.dtype.is_floating_point else parameter.dtype
    return parameter.numel() * own.itemsize
