"""Calls of shape rules, with numbers for tensors of one integer: ``x.view(n, lengths.max())``."""

from __future__ import annotations

from functools import lru_cache
from types import FunctionType, MethodDescriptorType
from typing import Any

import torch

from archlint.ops.autocast import autocast
from archlint.ops.registry import NoRule, Refused
from archlint.ops.torch_versions import TENSOR_AS_LIST
from archlint.tracing.converted_numbers import check_numbers
from archlint.tracing.path import TracedPath
from archlint.tracing.symint.python_types import user_number
from archlint.tracing.tensors.attributes import ATTRIBUTES
from archlint.tracing.tensors.specs import known_of, number_in
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor

_ITEM = ATTRIBUTES[torch.Tensor.item]
_SIZES = ("size", "output_size")  # of PyTorch's functions in Python, which have no schema
_NUMBERS = ("int", "number")
_LISTS = ("List[int]", "List[Optional[int]]")

PRODUCTS = frozenset(
    (
        torch.mm, torch.mv, torch.matmul, torch.spmm, torch.sparse.mm, torch.Tensor.mm,
        torch.Tensor.mv, torch.Tensor.matmul, torch.Tensor.__matmul__,
    )
)  # fmt: skip
"""Operators that multiply a sparse matrix with a dense one as if both were dense."""

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def call_rule(path: TracedPath, rule: Any, func: Any, args: Any, kwargs: Any) -> Any:
    """The result of a rule, what it was given, and the arguments of the call that these are.

    A rule that fails is tried again with numbers for tensors of one integer. Raises what the rule
    raises.
    """
    for last in (False, True):
        known = [known_of(a) for a in args]
        settings = {k: known_of(v) for k, v in kwargs.items()}
        known, settings = autocast(path, func, known, settings)
        if settings.pop("out", None) is not None:
            raise NoRule("out=")
        try:
            result = rule(path, *known, **settings)
            check_numbers(path, func, args, kwargs)
            return result, known, settings, args, kwargs
        except Refused:
            raise
        except Exception:
            numbers = None if last else as_numbers(path, func, args, kwargs, operands=True)
            if numbers is None:
                raise
            args, kwargs = numbers
    raise AssertionError


def with_dense(func: Any, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
    """One of :data:`PRODUCTS` and its arguments, with a dense matrix for a sparse weight."""
    left, right = (*args, None, None)[:2]
    if not isinstance(left, torch.Tensor) or type(left) is SymbolicTensor or left.ndim != 2:
        return func, args
    if left.layout is torch.strided or type(right) is not SymbolicTensor or right.spec.ndim > 2:
        return func, args
    dense = torch.empty(left.shape, dtype=left.dtype, device="meta")
    return (torch.mm if func is torch.sparse.mm else func), (dense, *args[1:])


def as_numbers(
    path: TracedPath, func: Any, args: Any, kwargs: Any, operands: bool = False
) -> Arguments | None:
    """The arguments of a call with numbers for tensors of one integer; ``None`` if there are none.

    PyTorch reads such a tensor where the operator's schema has a number. Elsewhere it is an
    operand, whose number means the same to most rules: with ``operands`` a known number replaces
    it.
    """
    wanted, lists, variadic = _wanted(func)
    changed: list[Any] = []

    def one(value: Any, read: bool, whole: bool = False) -> Any:
        if type(value) is not SymbolicTensor or value.spec.dims:
            return value
        spec = value.spec
        if spec.dtype.is_floating_point or spec.dtype.is_complex or spec.dtype is torch.bool:
            return value
        number = number_in(spec)
        if not read and (number is spec or not operands):
            return value
        if whole:
            path.unknown_outcome("a tensor is passed where a list of integers is expected")
        changed.append(value)
        return _ITEM(path, spec) if number is spec else user_number(number, path)

    def argument(place: int | str, value: Any) -> Any:
        at = variadic if isinstance(place, int) and place > variadic >= 0 else place
        kind = wanted.get(at)
        if isinstance(value, (tuple, list)):
            sizes = kind in _LISTS or place in _SIZES
            return type(value)([one(v, kind in _LISTS) for v in value]) if sizes else value
        if at == 0 and kind is None:
            return value
        python = isinstance(func, FunctionType)  # and may ask the tensor how long it is
        if at in lists:
            whole = python or not TENSOR_AS_LIST
        else:
            whole = python and not (wanted or TENSOR_AS_LIST or place in _SIZES)
        return one(value, kind is not None, whole)

    positional = tuple(argument(i, a) for i, a in enumerate(args))
    named = {name: argument(name, a) for name, a in kwargs.items()}
    return (positional, named) if changed else None


@lru_cache(maxsize=1024)
def _wanted(func: Any) -> tuple[dict[int | str, str], frozenset[int | str], int]:
    """Arguments that are numbers in every overload, by place and name, with their types.

    Also the arguments that are a whole list of integers in one overload and a number in none, and
    the place of sizes that may be passed one by one, ``x.view(2, 3)``; -1 if there is none.
    """
    packet: Any = getattr(torch.ops.aten, getattr(func, "__name__", ""), None)
    types: dict[int | str, set[str]] = {}
    last = 0
    names = packet.overloads() if hasattr(packet, "overloads") else ()
    for overload in names:
        for place, argument in enumerate(getattr(packet, overload)._schema.arguments):
            if argument.name == "dtype":  # as in the overloads of view
                continue
            type_ = argument.type
            kind = str(type_.getElementType() if type_.kind() == "OptionalType" else type_)
            last = last if argument.kwarg_only else max(last, place)
            for key in (argument.name, *(() if argument.kwarg_only else (place,))):
                types.setdefault(key, set()).add(kind)
    numbers = {
        key: kinds.copy().pop() for key, kinds in types.items()
        if len(kinds) == 1 and kinds <= {*_NUMBERS, *_LISTS}
    }  # fmt: skip
    lists = {k for k, kinds in types.items() if kinds & {*_LISTS} and not kinds & {*_NUMBERS}}
    first = [place for place in (0, 1) if numbers.get(place) in _LISTS]
    variadic = first[0] if first else -1
    if variadic == last == int(isinstance(func, MethodDescriptorType)):
        lists.remove(variadic)
    return numbers, frozenset(lists), variadic
