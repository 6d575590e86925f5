"""Properties of operators besides shapes: views, writes, randomness, costs, exceptions.

The traits of an operator stand with its shape rule (:func:`archlint.ops.registry.shape_rule`), or,
where it has no rule, next to the family that it belongs to (:func:`declare_traits`). They are
looked up by the function itself: a plugin's operator that is called ``add`` shares nothing with
``torch.add``.

What is not stated is taken from the operator's schema (``Tensor(a)`` is a view, ``Tensor(a!)`` is
written to). A function without a schema gets the careful answer: any of its results may be a view
of any of its tensors, and any of these may be written to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import Enum, auto
from functools import lru_cache
from inspect import signature
from types import (
    BuiltinFunctionType,
    FunctionType,
    MethodDescriptorType,
    MethodWrapperType,
    WrapperDescriptorType,
)
from typing import Any

import torch
from torch.nn import functional

Function = Callable[..., Any]
Argument = tuple[int, str]
"""An argument by its position and its name."""
FIRST: tuple[Argument, ...] = ((0, "input"),)
OUT: Argument = (-1, "out")
ERRORS: tuple[type[Exception], ...] = (RuntimeError, IndexError, ValueError, AssertionError)
"""What operators raise because of sizes: nearly all of them ``RuntimeError``, as a trace does."""


class View(Enum):
    """How a result lies in the memory of the tensor that it may be a view of.

    Each kind but ``NEVER`` may also be a copy.
    """

    NEVER = auto()  # a result has memory of its own
    SAME = auto()  # all elements at their places: ``detach``, ``to``
    WHOLE = auto()  # all elements, in other dimensions or another order: ``view``, ``permute``
    REPEATED = auto()  # all elements, one of them in many places: ``expand``
    PIECES = auto()  # the results are pieces that have no element in common: ``split``
    EACH = auto()  # the results belong to the tensors one by one: ``meshgrid``
    ALONE = auto()  # of a tensor that is the only one; otherwise a copy: ``einsum``
    SUBSCRIPT = auto()  # what a subscript leaves: ``x[1:]``
    SELECT = auto()  # one entry of a dimension: ``select(input, dim, index)``
    NARROW = auto()  # a stretch of a dimension: ``narrow(input, dim, start, length)``
    UNKNOWN = auto()  # some of the elements, in some order


class Bounds(Enum):
    """Whether a result reaches the bounds of its values if the operands reach theirs."""

    REACHED = auto()  # as they do: ``relu``, ``cat``
    FIRST = auto()  # as the first operand does, from which all elements come: ``expand_as``
    PART = auto()  # if it has all elements of the first operand: ``narrow``
    SUBSCRIPT = auto()  # as ``PART``, and as ``PICKED`` if the subscript has lists or tensors
    PICKED = auto()  # unknown: any element may be left out, or taken twice: ``gather``
    UNKNOWN = auto()  # a choice between elements, or rounded: ``where``, ``log``
    SUM = auto()  # if the operand has one value only: ``cumsum``
    PAIRS = auto()  # if every element of one operand meets every element of the other: ``add``
    PRODUCT = auto()  # as ``PAIRS``; of floats only if the bounds are exact
    QUOTIENT = auto()  # as ``PRODUCT``


class Unchecked(Enum):
    """What the kernel of an operator without a shape rule does not check on symbolic sizes."""

    NOTHING = auto()
    INDICES = auto()  # whether they are in range
    UNKNOWN = auto()  # indices, if one of its arguments is a tensor of integers


class Creates(Enum):
    """How the number of elements of a new tensor is read from the arguments."""

    SIZE = auto()  # ``zeros(*size)``
    LIKE = auto()  # ``zeros_like(input)``
    NEW = auto()  # ``input.new_zeros(*size)``
    FILLED = auto()  # ``full(size, fill_value)``
    NORMAL = auto()  # ``normal(mean, std, size)``


@dataclass(frozen=True)
class Saves:
    """What autograd keeps of a call until its gradients are computed.

    ``operands``: the arguments by position, or a function of the call's arguments that gives them.
    ``factors``: arguments of which each is kept if another of them requires gradients. ``result``:
    whether its first result is. ``extra``: the bytes of what the kernel makes besides, from the
    result and the arguments as specs. ``elements``: of the same, how many elements of the first
    floating operand's dtype. ``in_place``: a call in place keeps its result, not a copy of what it
    overwrites. ``laid_out``: operands may be copied into another order before.
    """

    operands: tuple[int, ...] | Callable[..., tuple[int, ...]] = ()
    factors: tuple[int, ...] = ()
    result: bool = False
    extra: Callable[..., Any] | None = None
    elements: Callable[..., Any] | None = None
    in_place: bool = False
    laid_out: bool = False


@dataclass(frozen=True)
class Traits:
    """The properties of an operator.

    ``view``: how its results lie in memory of ``view_of``, the arguments that they may be views of
    (``None``: any tensor among the arguments).
    ``writes``: the arguments that it writes to, besides ``out=`` (``None``: any tensor among them).
    ``may_read_target``: it may be called with the very tensor that it writes to as an operand; any
    other operator refuses that.
    ``allocates``: its result has memory of its own, whatever the arguments are.
    ``elementwise``: each element of the result depends on the elements at its place alone.
    ``comparison``: ``<``, ``<=``, ``>`` or ``>=`` where it compares its two operands so.
    ``bounds``: whether the values that its rule computes are tight.
    ``random``: its elements differ from call to call; ``draws_integers``: among few values, which a
    seed may fix. ``fills``: every element that it writes depends on no other tensor.
    ``raises``: the types of exceptions that it raises because of sizes.
    ``unchecked``: what remains unchecked if it runs as a kernel.
    ``reasons``: pairs of a text in one of its claims and why that claim exists, for messages.
    ``factors``: the positions of the two factors among the arguments of a product.
    ``slides``: it slides a weight, from whose third size on it is a window, over its input.
    ``creates``: how its arguments give the size of a new tensor.
    ``flops``: the floating-point operations of a call, from its result and its arguments, tensors
    as specs; as ``torch.utils.flop_counter`` counts them. ``None``: it counts none.
    ``reach``: from the result and the arguments as specs, the tensors that it reads and which
    positions of them; ``None``: not known. See :mod:`archlint.ops.rules.reach`.
    ``saves``: what autograd keeps of a call, at the least. ``None``: nothing, or not known.
    ``itself``: from the path and the arguments as specs, the one among these that a call returns as
    it is, not as a new tensor, or ``None``; for each result, if these are a list. Without the
    function, results are new.
    ``reads_settings``: its rule reads settings of PyTorch besides the default dtype.
    ``reads_weights``: its rule reads the elements of weights, as ``istft`` those of its window.
    """

    view: View = View.NEVER
    view_of: tuple[Argument, ...] | None = FIRST
    writes: tuple[Argument, ...] | None = ()
    may_read_target: bool = False
    allocates: bool = False
    elementwise: bool = False
    comparison: str = ""
    bounds: Bounds = Bounds.REACHED
    random: bool = False
    draws_integers: bool = False
    fills: bool = False
    raises: tuple[type[Exception], ...] = ERRORS
    unchecked: Unchecked = Unchecked.NOTHING
    reasons: tuple[tuple[str, str], ...] = ()
    factors: tuple[int, int] | None = None
    slides: bool = False
    creates: Creates | None = None
    flops: Callable[..., Any] | None = None
    saves: Saves | None = None
    reach: Callable[..., Any] | None = None
    itself: Callable[..., Any] | None = None
    reads_settings: bool = False
    reads_weights: bool = False


_CAREFUL = Traits(View.UNKNOWN, None, None, bounds=Bounds.UNKNOWN, unchecked=Unchecked.UNKNOWN)
_COMPILED = (BuiltinFunctionType, MethodDescriptorType, WrapperDescriptorType)
_WORDS = frozenset(f.name for f in fields(Traits))
_STATED: dict[Function | str, dict[str, Any]] = {}


def declare_traits(*functions: Function | str, **traits: Any) -> None:
    """State traits of operators, by the fields of :class:`Traits`.

    A string is the name of a library's operator, as in ``torchvision::nms``. Raises ``TypeError``
    for a word that is no field, and ``ValueError`` where a trait is stated a second time.
    """
    unknown = sorted(traits.keys() - _WORDS)
    if unknown:
        raise TypeError(f"found the traits {unknown}; expected some of {sorted(_WORDS)}")
    for function in functions:
        stated = _STATED.setdefault(function, {})
        twice = sorted(stated.keys() & traits.keys())
        if twice:
            raise ValueError(f"{function} has the traits {twice} already")
        stated.update(traits)
    traits_of.cache_clear()


@lru_cache(maxsize=8192)  # asked ten times for each call of an operator
def traits_of(function: Function) -> Traits:
    """The traits of an operator: those stated, then those of its schema."""
    name = getattr(function, "_qualified_op_name", None)
    if isinstance(name, str) and name in _STATED:
        return _named(name, function)
    return replace(_default(function), **_STATED.get(function, {}))


def is_inplace(function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call such as ``F.relu(x, inplace=True)`` writes to its first argument."""
    at = inplace_flag(function)
    return at is not None and bool(args[at] if at < len(args) else kwargs.get("inplace"))


@lru_cache(maxsize=8192)
def inplace_flag(function: Function) -> int | None:
    """The position of the argument ``inplace`` of one of PyTorch's own Python functions."""
    if not isinstance(function, FunctionType) or function.__module__ != functional.__name__:
        return None
    names = list(signature(function).parameters)
    return names.index("inplace") if "inplace" in names else None


def written_by(
    function: Function, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[Argument, ...] | None:
    """The arguments that a call writes to besides ``out=``, as :attr:`Traits.writes`."""
    return FIRST if is_inplace(function, args, kwargs) else traits_of(function).writes


def _named(name: str, function: Function) -> Traits:
    own = _STATED.get(function, {})
    return replace(Traits(), **{**_STATED[name], **own})


def _default(function: Function) -> Traits:
    """The traits of an operator before those stated for it."""
    if isinstance(function, torch._ops.OpOverload):
        return _by_schemas([function])
    if isinstance(function, torch._ops.OpOverloadPacket):
        return _by_schemas(_overloads(function))
    if isinstance(function, MethodWrapperType):  # an attribute of a tensor, read or set
        read = function.__name__ == "__get__"
        return Traits(View.UNKNOWN) if read else Traits(writes=FIRST)
    stated = function in _STATED
    if isinstance(function, _COMPILED):
        return _of_torch(function)
    if isinstance(function, FunctionType) and function.__module__.split(".")[0] == "torch":
        name = function.__name__
        writes = FIRST if name.endswith("_") and not name.endswith("__") else ()
        # A function in Python without a rule is entered; one that cannot be is a method.
        return Traits(View.NEVER if stated else View.UNKNOWN, writes=writes)
    return _CAREFUL


def _of_torch(function: Function) -> Traits:
    """A compiled function or method of torch; its name ends in ``_`` where it writes in place."""
    name = function.__name__
    packet = getattr(torch.ops.aten, name.strip("_") if name.startswith("__") else name, None)
    view = View.NEVER
    if packet is not None:
        view = _by_schemas(_overloads(packet)).view
    writes = FIRST if name.endswith("_") and not name.endswith("__") else ()
    return Traits(view, writes=writes)


def _overloads(packet: Any) -> list[Any]:
    return [getattr(packet, name) for name in packet.overloads()]


def _by_schemas(overloads: list[Any]) -> Traits:
    """Memory by the schemas of an operator's overloads, and randomness by its tags."""
    bases: dict[Argument, None] = {}
    writes: dict[Argument, None] = {}
    for overload in overloads:
        for argument, alias in _aliases(overload._schema):
            (writes if alias.is_write else bases)[argument] = None
    random = any(torch.Tag.nondeterministic_seeded in o.tags for o in overloads)
    return replace(
        _CAREFUL,
        view=View.UNKNOWN if bases else View.NEVER,
        view_of=tuple(bases),
        writes=tuple(writes),
        random=random,
    )


def _aliases(schema: Any) -> Iterator[tuple[Argument, Any]]:
    """The arguments that a schema marks as written to, or as memory that a result shares."""
    returned = [r.alias_info for r in schema.returns if r.alias_info is not None]
    shared = {name for alias in returned for name in (*alias.before_set, *alias.after_set)}
    for position, argument in enumerate(schema.arguments):
        alias = argument.alias_info
        if alias is None:
            continue
        at = -1 if argument.kwarg_only else position
        if alias.is_write or shared & {*alias.before_set, *alias.after_set}:
            yield (at, argument.name), alias


def selected(
    wanted: Sequence[Argument], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> list[Any]:
    """The values of the wanted arguments of a call."""
    inside = [args[at] for at, _ in wanted if 0 <= at < len(args)]
    if kwargs:
        named = (name for at, name in wanted if not 0 <= at < len(args))
        inside += [kwargs[name] for name in named if name in kwargs]
    return inside


def separated(
    wanted: Sequence[Argument], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[list[Any], list[Any]]:
    """The values of the wanted arguments of a call, and those of all others."""
    places = {at for at, _ in wanted if 0 <= at < len(args)}
    names = {name for at, name in wanted if at not in places}
    outside = [a for at, a in enumerate(args) if at not in places]
    outside += [value for name, value in kwargs.items() if name not in names]
    return selected(wanted, args, kwargs), outside
