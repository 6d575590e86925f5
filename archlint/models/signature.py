"""How a model is called with an input, and whether it can be: its arguments, its lazy layers."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Union, get_args, get_origin

from torch import nn
from torch.nn.parameter import is_lazy

from archlint.contracts.contract import Input
from archlint.contracts.suggestions import did_you_mean
from archlint.errors import TargetError
from archlint.models.deepcopy import CopyParts
from archlint.models.module_walk import modules_of

_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
_OPTIONAL = re.compile(r"""
    \s*(?:\w+\.)*Optional\[.*\] \s* | \s*(?:\w+\.)*Union\[(?:.*\W)?None(?:\W.*)?\] \s*
    | (?:.*\|)? \s*None\s* (?:\|.*)?""", re.VERBOSE | re.DOTALL)  # fmt: skip
"""The text of an annotation that allows ``None``."""
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def check_call(model: nn.Module, input: Input, parts: CopyParts | None = None) -> None:
    """``TargetError`` naming the arguments that are missing, unknown or too many.

    A model whose signature cannot be read, or whose hooks may change the call, is let through. One
    whose layers are still to be made by its first call is not: which sizes it accepts would depend
    on those that it meets first.

    ``parts``: what the model is made of, if it is a copy.
    """
    if parts is not None and parts.complete():
        one_of_each: Iterable[Any] = parts.held  # its ``tensors`` are plain ones
    else:
        one_of_each = {type(p): p for module in modules_of(model) for p in _of(module)}.values()
    some_lazy = any(map(is_lazy, one_of_each))
    for path, module in model.named_modules() if some_lazy else ():
        if any(map(is_lazy, _of(module))):
            layer = f"{path or 'the model'} ({type(module).__name__})"
            raise TargetError(
                f"{layer} is a lazy layer, which takes its sizes from the first input; "
                "call the model once where it is made"
            )
    parameters = _parameters(model)
    if parameters is None:
        return
    given = list(input) if isinstance(input, dict) else []
    name = f"{type(model).__name__}.forward"
    known = [p.name for p in parameters if p.kind in (*_NAMED, p.VAR_POSITIONAL)]
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        for key in given:
            if key not in known:
                takes = ", ".join(known) or "none by name: write the input as one shape"
                near = did_you_mean(key, known) or f"; it takes {takes}"
                if len(known) == 1 and not known[0].startswith(key):
                    near += f"; for a mapping: {{{known[0]}: {{{key}: ...}}}}"
                raise TargetError(f"{name} has no argument {key!r}{near}")
    missing = [p.name for p in _missing(parameters, given) if not none_if_omitted(p)]
    star = _star(parameters)
    if isinstance(input, dict) and star in given and not isinstance(input[star], list):
        raise TargetError(f"{name} takes *{star}: write {{{star}: [SHAPE, SHAPE]}}")
    if not isinstance(input, dict):
        positional = [p for p in parameters if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]
        if not positional:
            raise TargetError(
                f"{name} takes its arguments by name only: write the input as {{NAME: SHAPE}}"
            )
        missing = [n for n in missing if n != positional[0].name]
    if missing:
        gives = f"it gives {', '.join(given)}" if given else "it gives one tensor"
        gives = "it gives one list" if isinstance(input, list) else gives
        raise TargetError(
            f"{name} needs {' and '.join(missing)}, which the input does not give ({gives})"
        )


def _of(module: nn.Module) -> Iterator[Any]:
    """The parameters and buffers of the module's own."""
    return chain(module._parameters.values(), module._buffers.values())


def call_arguments(model: nn.Module, made: Any) -> tuple[list[Any], dict[str, Any]]:
    """The positional and keyword arguments for ``made``: one value, or a mapping by name.

    Required arguments that it lacks are ``None`` where their annotation allows that, such as
    ``mask`` in ``forward(self, x: Tensor, mask: Optional[Tensor])``. A list for ``*images`` is
    passed item by item, after the arguments before it.
    """
    args, kwargs = ([], made) if isinstance(made, dict) else ([made], {})
    parameters = (_parameters(model) or [])[len(args) :]
    absent = [p.name for p in _missing(parameters, kwargs) if none_if_omitted(p)]
    kwargs = {**kwargs, **dict.fromkeys(absent)}
    star = _star(parameters)
    if star not in kwargs:
        return args, kwargs
    for p in parameters[: [p.name for p in parameters].index(star)]:
        args.append(kwargs.pop(p.name, p.default))
    return [*args, *kwargs.pop(star)], kwargs


def _star(parameters: Sequence[inspect.Parameter]) -> str:
    """The name of a parameter such as ``*images``; empty if there is none."""
    return next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "")


def none_if_omitted(parameter: inspect.Parameter) -> bool:
    """Whether an argument may be passed by name, and its annotation has ``None`` among its types.

    The annotation is ``Optional[Tensor]``, ``Union[Tensor, None]``, ``Tensor | None``, or the text
    of one of these.
    """
    annotation = parameter.annotation
    if parameter.kind not in _NAMED:
        return False
    if isinstance(annotation, str):
        return bool(_OPTIONAL.fullmatch(annotation))
    union = get_origin(annotation) in (Union, getattr(types, "UnionType", Union))
    return union and type(None) in get_args(annotation)


def _parameters(model: nn.Module) -> list[inspect.Parameter] | None:
    """The parameters of ``forward``; ``None`` if they are unknown, or a hook changes the call."""
    if model._forward_pre_hooks or type(model).__call__ is not nn.Module.__call__:
        return None
    try:
        return list(inspect.signature(model.forward).parameters.values())
    except (TypeError, ValueError):
        return None


def _missing(
    parameters: Sequence[inspect.Parameter], given: Container[str]
) -> list[inspect.Parameter]:
    """The required parameters that are not ``given`` by name."""
    needed = [p for p in parameters if p.default is p.empty and p.kind not in _VARIABLE]
    return [p for p in needed if p.name not in given]
