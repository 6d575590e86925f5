"""Whether a model can be called with an input: its lazy layers are made, it has the arguments."""

from __future__ import annotations

import inspect

from torch import nn
from torch.nn.parameter import is_lazy

from archlint.contracts.contract import Input
from archlint.contracts.suggestions import did_you_mean
from archlint.errors import TargetError

_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def check_call(model: nn.Module, input: Input) -> None:
    """``TargetError`` naming the arguments that are missing, unknown or too many.

    A model whose signature cannot be read, or whose hooks may change the call, is let through. One
    whose layers are still to be made by its first call is not: which sizes it accepts would depend
    on those that it meets first.
    """
    for path, module in model.named_modules():
        if any(map(is_lazy, (*module._parameters.values(), *module._buffers.values()))):
            layer = f"{path or 'the model'} ({type(module).__name__})"
            raise TargetError(
                f"{layer} takes its sizes from the first input that it meets; "
                "call the model once where it is made"
            )
    if model._forward_pre_hooks or type(model).__call__ is not nn.Module.__call__:
        return
    try:
        parameters = list(inspect.signature(model.forward).parameters.values())
    except (TypeError, ValueError):
        return
    given = list(input) if isinstance(input, dict) else []
    name = f"{type(model).__name__}.forward"
    known = [p.name for p in parameters if p.kind in _NAMED]
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        for key in given:
            if key not in known:
                takes = ", ".join(known) or "none by name"
                near = did_you_mean(key, known) or f"; it takes {takes}"
                raise TargetError(f"{name} has no argument {key!r}{near}")
    needed = [p for p in parameters if p.default is p.empty and p.kind not in _VARIABLE]
    missing = [p.name for p in needed if p.name not in given]
    if not isinstance(input, dict):
        positional = [p for p in parameters if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]
        if not positional:
            raise TargetError(f"{name} takes no positional argument, but the input is one")
        missing = [n for n in missing if n != positional[0].name]
    if missing:
        gives = f"it gives {', '.join(given)}" if given else "it gives one tensor"
        gives = "it gives one list" if isinstance(input, list) else gives
        raise TargetError(
            f"{name} needs {' and '.join(missing)}, which the input does not give ({gives})"
        )
