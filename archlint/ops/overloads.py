"""Calls of ``torch.ops.aten``, of which programs of ``torch.export`` consist, as calls of Python.

An overload (``aten.cat.default``) computes what a function or method of Python computes
(``torch.cat``), from arguments with the names and in the order of its schema. Such a call is
followed as a call of the first function that has a shape rule with these arguments. An overload
that is not like any function stays as it is: a kernel, with the traits of its schema.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import torch
from torch._ops import OpOverload, OpOverloadPacket

from archlint.ops.registry import rule_for

Function = Callable[..., Any]
Call = tuple[Function, tuple[Any, ...], dict[str, Any]]

# In the order in which their signatures are like those of schemas.
_HOMES: tuple[Any, ...] = (
    torch,
    torch._C._nn,
    torch.Tensor,
    torch.special,
    torch.linalg,
    torch.nn.functional,
)
_PREFIXES = {
    "fft_": torch.fft,
    "linalg_": torch.linalg,
    "special_": torch.special,
    "sym_": torch.Tensor,
}
# Arguments that a schema and a rule name differently.
_NAMES = {
    "self": ("input", "tensor"),
    "exponent": ("other",),
    "mat1": ("left",),
    "mat2": ("right",),
    "batch1": ("left",),
    "batch2": ("right",),
    "split_size": ("split_size_or_sections",),
    "split_sizes": ("split_size_or_sections",),
}
_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_BY_NAME = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def as_python_call(
    function: Function,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    attributes: Mapping[Any, Any],
) -> Call:
    """The call of a function of Python that computes the same; the call itself if none is known.

    ``attributes`` has the functions that are answered without a rule, such as ``Tensor.size``.
    """
    if not isinstance(function, (OpOverload, OpOverloadPacket)):
        return function, args, kwargs
    if function is torch.ops.aten.slice.Tensor or function is torch.ops.aten.slice:
        return _sliced(*args, **kwargs)
    for candidate in functions_like(function):
        if candidate in attributes:
            return candidate, args, kwargs
        rule = rule_for(candidate)
        if rule is None:
            continue
        if isinstance(function, OpOverloadPacket):
            return candidate, args, kwargs
        adapted = adapt(function, rule, args, kwargs)
        if adapted is not None:
            return candidate, *adapted
    return function, args, kwargs


@lru_cache(maxsize=4096)
def functions_like(function: OpOverload | OpOverloadPacket) -> tuple[Function, ...]:
    """The functions and methods of Python that compute what an operator of ``aten`` computes."""
    packet = function.overloadpacket if isinstance(function, OpOverload) else function
    namespace, _, name = packet._qualified_op_name.partition("::")
    if namespace != "aten":  # the rules of a library are those of the packets
        return (packet,) if packet is not function else ()
    homes = _HOMES if isinstance(function, OpOverload) else _HOMES[:3]
    found = [getattr(home, name, None) for home in homes]
    for prefix, home in _PREFIXES.items():
        if name.startswith(prefix):
            found.append(getattr(home, name[len(prefix) :], None))
    return tuple(dict.fromkeys(f for f in found if callable(f)))


def adapt(
    overload: OpOverload, rule: Function, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """The arguments for a rule's signature; ``None`` if it does not have all of them.

    An argument that has its default value and that the signature lacks is left out.
    """
    places, names, more_places, more_names = _parameters(rule)
    defaults = _whole_defaults(rule)
    given: list[Any] = []
    named: dict[str, Any] = {}
    for at, argument in enumerate(overload._schema.arguments):
        name = argument.name
        if name in kwargs:
            value = kwargs[name]
        elif at < len(args) and not argument.kwarg_only:
            value = args[at]
        elif argument.has_default_value():
            value = argument.default_value
            if type(value) is int and defaults.get(name, value) != value:
                named[name] = value  # such as the reduction of ctc_loss
            continue
        else:
            return None
        own = places[at] if at < len(places) else None
        matches = own == name or own in _NAMES.get(name, ())
        if not argument.kwarg_only and len(given) == at and (matches or (not own and more_places)):
            given.append(value)
        elif name in names or more_names:
            named[name] = value
        elif not argument.has_default_value() or not _equal(value, argument.default_value):
            return None
    return tuple(given), named


@lru_cache(maxsize=4096)
def _parameters(rule: Function) -> tuple[tuple[str, ...], frozenset[str], bool, bool]:
    """Of a rule after ``path``: parameters by place, by name, and whether it takes any others."""
    parameters = list(inspect.signature(rule).parameters.values())[1:]
    kinds = {p.kind for p in parameters}
    return (
        tuple(p.name for p in parameters if p.kind in _BY_PLACE),
        frozenset(p.name for p in parameters if p.kind in _BY_NAME),
        inspect.Parameter.VAR_POSITIONAL in kinds,
        inspect.Parameter.VAR_KEYWORD in kinds,
    )


@lru_cache(maxsize=4096)
def _whole_defaults(rule: Function) -> dict[str, int]:
    """The defaults of a rule that are integers."""
    parameters = inspect.signature(rule).parameters.values()
    return {p.name: p.default for p in parameters if type(p.default) is int}


def _equal(value: Any, default: Any) -> bool:
    if isinstance(value, torch.Tensor):
        return False
    return value is default or bool(type(value) is type(default) and value == default)


def _sliced(input: Any, dim: int = 0, start: Any = None, end: Any = None, step: Any = 1) -> Call:
    """``aten.slice`` as the subscript that it stands for."""
    cut = slice(start, end, step)
    whole = slice(None)
    index = (*([whole] * dim), cut) if dim >= 0 else (..., cut, *([whole] * (-dim - 1)))
    return torch.Tensor.__getitem__, (input, index), {}
