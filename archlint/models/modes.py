"""Training and evaluation mode of modules, set where no code of the model's would run."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

import torch
from torch import nn

_OF_MODES = ("train", "children", "named_children", "modules", "named_modules", "__setattr__")


def have_plain_modes(modules: Collection[nn.Module]) -> bool:
    """Whether ``train()`` only sets ``training`` of these modules: no code of the user's runs."""
    kinds: set[Any] = set(map(type, modules))
    return all(map(_is_plain, kinds)) and not any("train" in vars(m) for m in modules)


def set_plainly(modules: Collection[nn.Module], training: bool) -> bool:
    """Set the mode of a model that has these modules; whether that could be done so."""
    if not have_plain_modes(modules):
        return False
    for module in modules:
        if module.training is not training:
            module.training = training
    return True


@cache
def _is_plain(kind: Any) -> bool:
    own = (getattr(kind, name) is getattr(nn.Module, name) for name in _OF_MODES)
    return all(own) and not issubclass(kind, torch.jit.ScriptModule)
