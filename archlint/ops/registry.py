"""The table of shape rules, and the protocol that rules use.

A *shape rule* computes the shapes of one operator's results. It is a plain function with the
operator's own signature behind a first parameter ``path``; its tensors are :class:`TensorSpec`, its
sizes ``int`` or :class:`~archlint.symbolic.Expr`; it returns what the operator returns, tensors
again as specs. It works on integers and on formulas alike::

    @shape_rule(torch.nn.functional.pixel_shuffle)
    def pixel_shuffle(path, input, upscale_factor):
        *batch, c, h, w = input.dims
        r = upscale_factor
        path.claim(eq(c % (r * r), 0), "channels {} divisible by upscale_factor**2 = {}", c, r * r)
        return input.like((*batch, c // (r * r), h * r, w * r))

What an operator *requires* is a claim; what the result's shape *depends on* is a branch. For
arguments that it does not cover, a rule raises :class:`NoRule`; PyTorch's own kernel then runs.
``out=`` never reaches a rule: such a call is left to the kernel.

A rule has no other input than its arguments, the path and PyTorch's default dtype: what it asked of
the path and what it returned is remembered (:mod:`.rule_answers`). One that reads something else
states that as a trait.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol, TypeVar

import torch

from archlint.ops.traits import FIRST, declare_traits
from archlint.symbolic import Size, product
from archlint.symbolic.formula import Bool

Range = tuple["Size | None", "Size | None"]
"""Smallest and largest element, both included; ``None`` where unknown."""


class _InRange:
    """Values that are assumed to be valid wherever they are used (``ids`` as input)."""

    def __repr__(self) -> str:
        return "IN_RANGE"

    def __reduce__(self) -> str:
        return "IN_RANGE"


IN_RANGE = _InRange()


class NoRule(Exception):
    """The rule does not cover these arguments; the operator's kernel runs instead."""


class Refused(Exception):
    """A claim does not hold at the sizes of this path: the operator would raise here.

    Only its kinds are raised, which the model's own code may catch as what the operator raises.
    """


class RefusedCall(Refused, RuntimeError):
    """A :class:`Refused` where the operator would raise ``RuntimeError``, or one of several."""


class RefusedIndex(Refused, IndexError):
    """A :class:`Refused` where the operator would raise ``IndexError``, which ends an iteration."""


def refusal(error: type[Exception] | None) -> type[Refused]:
    """The kind of :class:`Refused` for an operator that raises ``error`` (``None``: not known)."""
    return RefusedIndex if error is IndexError else RefusedCall


class SizeTuple(tuple[Any, ...]):
    """What a rule receives for a ``torch.Size``, where a tuple of numbers would mean elements."""

    __slots__ = ()


@dataclass(frozen=True)
class ElementFacts:
    """What is known of a tensor's elements besides their range.

    ``numbers``: all of them, of a tensor of few integers. ``descending``: whether each is at most
    the one before. ``first``: the first one, of a tensor of one dimension. ``tensor``: that tensor
    itself, where it has one dimension and is made from no input. ``grid``: the bounds of its rows
    (:class:`~archlint.ops.values.grids.Grid`). ``ones``: how many are 1, where all others are 0.
    """

    numbers: tuple[int, ...] | None = None
    descending: bool = False
    first: Size | None = None
    grid: Any = None
    ones: Size | None = None
    tensor: torch.Tensor | None = field(default=None, compare=False, repr=False)


UNKNOWN_ELEMENTS = ElementFacts()


class TensorSpec:
    """A tensor's sizes, layout, dtype and device, and bounds of its elements.

    ``dims``: its sizes. ``strides``: in elements, ``None`` for row-major contiguous.
    ``values``: the range of its elements where that is known and matters (integers made from
    sizes), as a :data:`Range` or a type of :mod:`archlint.ops.values.float_ranges`,
    :data:`IN_RANGE`, or ``None`` for unknown. Never mutated: views make new specs.
    """

    __slots__ = (
        "conjugate", "device", "dims", "dtype", "elements", "loose", "origin", "strides", "values",
    )  # fmt: skip

    def __init__(
        self,
        dims: tuple[Size, ...],
        dtype: torch.dtype = torch.float32,
        strides: tuple[Size, ...] | None = None,
        values: Any = None,
        device: torch.device | None = None,
    ) -> None:
        self.dims = dims
        self.dtype = dtype
        self.strides = strides
        self.values = values
        self.device = device
        self.loose = False  # no element need reach the bounds: values/tight_bounds.py
        self.origin: Any = None  # the call that made it: values/conditional_ranges.py
        self.elements = UNKNOWN_ELEMENTS
        self.conjugate = False  # it may be a view of what it is the conjugate of

    @property
    def ndim(self) -> int:
        return len(self.dims)

    def numel(self) -> Size:
        return product(self.dims)

    def like(
        self,
        dims: tuple[Size, ...],
        dtype: torch.dtype | None = None,
        strides: tuple[Size, ...] | None = None,
        values: Any = None,
    ) -> TensorSpec:
        """A new tensor on the same device, by default of the same dtype and contiguous."""
        made = TensorSpec(dims, dtype or self.dtype, strides, values, self.device)
        made.conjugate = self.conjugate and made.dtype.is_complex
        return made

    def rewritten(self, dims: tuple[Size, ...], strides: Any) -> TensorSpec:
        """The same tensor, whose sizes and strides are written in another way."""
        made = self.like(dims, strides=strides, values=self.values)
        made.loose, made.elements = self.loose, self.elements
        return made

    def copy(self) -> TensorSpec:
        """Another tensor of which the same is known, but for the call that made it."""
        made = TensorSpec(self.dims, self.dtype, self.strides, self.values, self.device)
        made.loose, made.elements, made.conjugate = self.loose, self.elements, self.conjugate
        return made

    def __repr__(self) -> str:
        return f"{str(self.dtype)[6:]}[{' '.join(map(str, self.dims))}]"


class Path(Protocol):
    """The protocol between a rule and the path of the trace that the call is on."""

    def claim(
        self, formula: Bool, text: str, *sizes: Size, error: type[Exception] | None = None
    ) -> None:
        """The operator raises unless ``formula`` holds.

        ``text`` states the requirement in the operator's terms, with ``{}`` for each of ``sizes``;
        ``error`` is the type of the exception, if it is one of several that the operator raises.
        Raises :class:`Refused` if it does not hold at the sizes of this path.
        """

    def branch(self, formula: Bool) -> bool:
        """Whether ``formula`` holds on this path; recorded, so that the other side is explored."""

    def known(self, formula: Bool) -> bool | None:
        """Whether ``formula`` holds for every size of the path; ``None`` if that is not known."""

    def unknown(self, made_by: str, low: Size | None, *most: Size) -> Size:
        """A new size that depends on values: at least ``low``, at most each of ``most``.

        ``made_by`` names the operator, for messages. Later sizes can be computed from it.
        """

    def count(self, made_by: str, tensor: TensorSpec) -> Size:
        """The number of elements of ``tensor`` that are not 0, as :meth:`unknown` returns it."""

    def unknown_outcome(self, text: str) -> NoReturn:
        """End the trace: nothing can be known about what follows, because of ``text``."""

    def unproved(self, text: str) -> None:
        """The verdict cannot be ``proved``: ``text`` says what depends on unknown values."""


Rule = Callable[..., Any]
RULES: dict[Callable[..., Any], Rule] = {}
NAMED: dict[str, Rule] = {}
"""Rules for operators of libraries, which exist once the library is imported."""
INPLACE: set[Callable[..., Any]] = set()

R = TypeVar("R", bound=Rule)


def shape_rule(
    *functions: Callable[..., Any], inplace: tuple[Callable[..., Any], ...] = (), **traits: Any
) -> Callable[[R], R]:
    """Register a rule for operators, as ``__torch_function__`` receives them.

    ``inplace`` lists those that write to their first argument: the rule's result must have its
    shape, and the argument itself is returned. ``traits`` are fields of
    :class:`~archlint.ops.traits.Traits`: what else the engine needs to know of these operators.

    Raises ``ValueError`` if one of them has a rule, ``TypeError`` for an unknown trait.
    """

    def register(rule: R) -> R:
        for function in (*functions, *inplace):
            if function in RULES:
                raise ValueError(f"{function} has a shape rule already: {RULES[function]}")
            RULES[function] = rule
        INPLACE.update(inplace)
        declare_traits(*functions, **traits)
        if inplace:
            declare_traits(*inplace, **{"writes": FIRST, **traits})
        return rule

    return register


def named_rule(*names: str, **traits: Any) -> Callable[[R], R]:
    """Register a rule for operators of a library by their names, as in ``torchvision::nms``."""

    def register(rule: R) -> R:
        declare_traits(*names, **traits)
        NAMED.update(dict.fromkeys(names, rule))
        return rule

    return register


def rule_for(function: Callable[..., Any]) -> Rule | None:
    """The rule for an operator, if there is one."""
    found = RULES.get(function)
    if found is None and NAMED:
        name = getattr(function, "_qualified_op_name", None)
        found = NAMED.get(name) if isinstance(name, str) else None
    return found


def refuse(path: Path, text: str, *sizes: Size) -> None:
    """Claim the impossible: the operator raises for these arguments at every size."""
    path.claim(False, text, *sizes)
