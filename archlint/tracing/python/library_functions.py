"""Python functions of libraries that have a shape rule, since their bodies loop over values.

They do not ask ``__torch_function__``, as PyTorch's own do. For the time of a trace their modules
have others of the same names, which ask.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from archlint.ops.registry import NAMED
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor


@contextmanager
def asking() -> Iterator[None]:
    """Inside it these functions go to the tracer where they are given a stand-in."""
    put: list[tuple[Any, str, Any]] = []
    try:
        for name in NAMED:
            home, _, function = name.rpartition(":")
            module = sys.modules.get(home.rstrip(":"))
            own = getattr(module, function, None)
            if own is not None:
                setattr(module, function, _asks(own, name))
                put.append((module, function, own))
        yield
    finally:
        for module, function, own in put:
            setattr(module, function, own)


def _asks(own: Callable[..., Any], name: str) -> Callable[..., Any]:
    @functools.wraps(own)
    def ask(*args: Any, **kwargs: Any) -> Any:
        given = [a for a in _each((args, kwargs)) if type(a) is SymbolicTensor]
        if not given:
            return own(*args, **kwargs)
        return torch.overrides.handle_torch_function(ask, given, *args, **kwargs)

    ask._qualified_op_name = name  # type: ignore[attr-defined]
    return ask


def own_body(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """The library's function that such another stands for."""
    asked = isinstance(getattr(function, "_qualified_op_name", None), str)
    return getattr(function, "__wrapped__", None) if asked else None


def _each(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, (list, tuple)):
        for part in value:
            yield from _each(part)
    else:
        yield value
