"""Calls of shape rules, with numbers for tensors of one integer: ``x.view(n, lengths.max())``."""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache, partial
from types import FunctionType, MethodDescriptorType
from typing import Any, cast

import torch
from torch import Size, Tensor, strided
from torch.nn import Parameter

from archlint.ops.autocast import autocast
from archlint.ops.registry import NoRule, Path, Refused, TensorSpec
from archlint.ops.rule_answers import (
    NotRemembered,
    computed,
    key_of_spec,
    key_of_value,
    remembered,
)
from archlint.ops.torch_versions import TENSOR_AS_LIST
from archlint.tracing.converted_numbers import check_numbers, check_numpys
from archlint.tracing.operators import Operator
from archlint.tracing.path import TracedPath
from archlint.tracing.symint.python_types import NUMBER_TYPES, NUMPY_TYPES, user_number
from archlint.tracing.tensors.attributes import ATTRIBUTES
from archlint.tracing.tensors.specs import (
    has_known_elements,
    known_of,
    number_in,
    with_elements,
)
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor

_ITEM = ATTRIBUTES[torch.Tensor.item]
_SIZES = ("size", "output_size")  # of PyTorch's functions in Python, which have no schema
_NUMBERS = ("int", "number")
_LISTS = ("List[int]", "List[Optional[int]]")

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def call_rule(
    path: TracedPath, operator: Operator, func: Any, args: Any, kwargs: Any, in_place: bool = False
) -> Any:
    """The result of a rule, what it was given, and the arguments of the call that these are.

    What it was given is ``None`` where nothing is learned of it. A rule that fails is tried again
    with numbers for tensors of one integer. Raises what the rule raises.
    """
    rule: Any = operator.rule
    key = None
    if any(type(a) in NUMPY_TYPES for a in args) or kwargs:
        check_numpys(path, func, args, kwargs)
    if operator.remembered and not path.unknowns and not path.turns:
        key = _key(func, rule, args, kwargs)
        if key is not None:
            try:
                result = remembered(key, path)
            except NotRemembered:
                pass
            else:
                asked = in_place or operator.reads_operands
                if asked or _may_know_more(operator, result, args, kwargs):
                    settings = {name: known_of(value) for name, value in kwargs.items()}
                    return result, [known_of(a) for a in args], settings, args, kwargs
                return result, None, {}, args, kwargs
    known_as = with_elements if operator.reads_weights else known_of
    for last in (False, True):
        known = [known_as(a) for a in args]
        settings = {k: known_as(v) for k, v in kwargs.items()}
        known, settings = autocast(path, func, known, settings)
        if settings.pop("out", None) is not None:
            raise NoRule("out=")
        whole = rule
        if operator.converts_numbers:
            whole = partial(_with_numbers_checked, rule, func, args, kwargs)
        try:
            if key is not None:
                result = computed(key, whole, path, known, settings)
            else:
                result = whole(path, *known, **settings)
            return result, known, settings, args, kwargs
        except Refused:
            raise
        except Exception:
            numbers = None if last else as_numbers(path, func, args, kwargs, operands=True)
            if numbers is None:
                raise
            args, kwargs = numbers
            key = None
    raise AssertionError


def _with_numbers_checked(
    rule: Any, func: Any, args: Any, kwargs: Any, path: Path, /, *known: Any, **settings: Any
) -> Any:
    result = rule(path, *known, **settings)
    check_numbers(path, func, args, kwargs)
    return result


def _may_know_more(operator: Operator, result: Any, args: Any, kwargs: Any) -> bool:
    """Whether more than sizes may be known of a result, by what is known of its operands."""
    if type(result) is not TensorSpec or not result.dtype.is_floating_point:
        return True
    if result.values is not None:
        return True
    return operator.follows_values and any(
        type(a) is SymbolicTensor and a.spec.values is not None for a in (*args, *kwargs.values())
    )


def _key(func: Any, rule: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Hashable:
    """Equal for calls that mean the same to a rule; ``None`` for one that cannot be compared.

    Operators that share a rule need not convert the same numbers.
    """
    if "out" in kwargs or torch.is_autocast_enabled("cpu"):
        return None
    parts: list[Hashable] = [func, rule, torch.get_default_dtype(), len(args), *kwargs]
    for value in (*args, *kwargs.values()) if kwargs else args:
        kind = type(value)
        part: Hashable
        if kind is SymbolicTensor:
            part = key_of_spec(value.spec)
        elif kind is Parameter or kind is Tensor:
            part = _weight_key(value)
        else:
            part = _part(value)
        if part is None:
            return None
        parts.append(part)
    return tuple(parts)


_INTS = frozenset({int})


def _part(value: Any) -> Hashable:
    kind = type(value)
    if kind is tuple and _INTS.issuperset(map(type, value)):
        return cast(Hashable, value)
    if kind is tuple or kind is list or kind is Size:
        parts = [_part(v) for v in value]
        return None if None in parts else (kind, *parts)
    if kind is slice:
        bounds = _part((value.start, value.stop, value.step))
        return None if bounds is None else (slice, bounds)
    if kind is SymbolicTensor:
        return key_of_spec(value.spec)
    if kind is Parameter or kind is Tensor:
        return _weight_key(value)
    return key_of_value(known_of(value) if kind in NUMBER_TYPES else value)


def _weight_key(tensor: Tensor) -> Hashable:
    """The key of a real tensor of whose elements :func:`known_of` tells nothing."""
    dtype = tensor.dtype
    if tensor.layout is not strided or not tensor.is_contiguous():
        return None
    if not dtype.is_floating_point and has_known_elements(tensor):
        return None
    return Tensor, tensor.shape, dtype


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
