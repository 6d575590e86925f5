"""A deep copy of a module tree, as ``copy.deepcopy`` makes it and several times faster.

Most of a model are modules and containers that need none of the copy protocol; whatever is not
plainly so (tensors, other objects, modules that say how they are copied) is left to ``deepcopy``.
"""

from __future__ import annotations

import copy
import copyreg
from collections import OrderedDict
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType
from typing import Any

import torch
from torch import nn

_ATOMS = frozenset(
    {bool, int, float, complex, str, bytes, type(None), type, torch.dtype, torch.device}
    | {FunctionType, BuiltinFunctionType, range}
)
_PROTOCOL = (
    "__deepcopy__", "__getnewargs__", "__getnewargs_ex__", "__new__", "__reduce__",
    "__reduce_ex__",
)  # fmt: skip


def deep_copy(model: nn.Module, memo: dict[int, Any]) -> nn.Module:
    """A copy that shares nothing with ``model`` that could change.

    ``memo``: what stands for objects of the model, by their ``id``, as for ``deepcopy``; it also
    raises what that raises.
    """
    copied: nn.Module = _copy(model, memo)
    return copied


def _copy(value: Any, memo: dict[int, Any]) -> Any:
    kind: Any = type(value)
    if kind in _ATOMS:
        return value
    known = memo.get(id(value))
    if known is not None:
        return known
    new: Any
    if kind is dict or kind is OrderedDict:
        new = memo[id(value)] = kind()
        for key, item in value.items():
            new[_copy(key, memo)] = _copy(item, memo)
    elif kind is list:
        new = memo[id(value)] = []
        new.extend([_copy(item, memo) for item in value])
    elif kind is set:
        new = memo[id(value)] = {_copy(item, memo) for item in value}
    elif issubclass(kind, nn.Module) and _is_plain(kind):
        new = memo[id(value)] = object.__new__(kind)
        attributes = new.__dict__
        for name, item in value.__getstate__().items():
            attributes[name] = item if type(item) in _ATOMS else _copy(item, memo)
    else:
        new = copy.deepcopy(value, memo)
    return new


@lru_cache(maxsize=1024)
def _is_plain(kind: Any) -> bool:
    """Whether nothing but torch's own ``Module`` says how the class is copied or pickled.

    The ``__setstate__`` of torch's layers only fills in what old files lack.
    """
    return (
        kind.__getstate__ is nn.Module.__getstate__
        and kind.__setstate__.__module__.startswith("torch.nn.")
        and not any(c.__dict__.get(name) for c in kind.__mro__[:-1] for name in _PROTOCOL)
        and kind not in copyreg.dispatch_table
        and type(kind) is type
    )
