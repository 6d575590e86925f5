"""Torch's SymNode protocol, over archlint's sizes.

``torch.SymInt(node)`` takes any object that implements the protocol. :class:`SizeNode` implements
it with archlint's sizes: ``x.shape[2] // 2`` in user code is an exact formula, and ``if h % 7:``
requests a ``bool`` from the node, which the path decides and records. PyTorch's own meta kernels
run on such sizes too. :mod:`.numbers`, :mod:`.rounding` and :mod:`.comparisons` compute the
results and know nothing of torch; this file maps the names of the protocol to them.

The protocol is not documented. This is the only file that uses it, and
``tests/tracing/symint/test_node_torch.py`` shows for a new torch exactly which part changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import FrameType
from typing import Any

import torch

from archlint.symbolic import Expr, Size
from archlint.symbolic.formula import ge
from archlint.tracing.signals import UnknownOutcome
from archlint.tracing.symint import comparisons as comparing
from archlint.tracing.symint import float_domains, integers, numbers, powers, rounding
from archlint.tracing.symint.float_kinds import FloatExtremum
from archlint.tracing.symint.idle_branches import changes_nothing
from archlint.tracing.symint.memory_format import LAYOUTS
from archlint.tracing.symint.numbers import (
    Binary,
    SizePath,
    Unary,
    kind_of,
    pinned,
    settled,
    sizes_in,
    value_at,
)

Text = str  # inside SizeNode, ``str`` is a method of the protocol


def _unary(operation: Unary) -> Any:
    def method(self: SizeNode) -> SizeNode:
        return SizeNode(operation(self.path, self.value), self.path)

    return method


def _binary(operation: Binary) -> Any:
    def method(self: SizeNode, other: SizeNode) -> SizeNode:
        return SizeNode(operation(self.path, self.value, other.value), self.path)

    return method


def _function(plain: Any) -> Any:
    return _unary(numbers.function(plain))


_MOST_BITS = 4096
"""Of a number in a formula: Python does not print numbers of more than 4,300 digits."""


def short(number: int) -> int:
    """The number itself. Raises :class:`UnknownOutcome` for one of more than 1,200 digits."""
    if number.bit_length() > _MOST_BITS:
        raise UnknownOutcome("numbers of more than 1,200 digits are not followed")
    return number


class SizeNode:
    """A number made from sizes, as torch's SymInt, SymFloat and SymBool carry it."""

    __slots__ = ("path", "pytype", "value")

    shape_env = None  # torch then takes the branch it keeps for nodes that are not its own

    def __init__(self, value: Any, path: SizePath) -> None:
        if type(value) is Expr:
            short(value.const)
            for _, coefficient in value.terms:
                short(coefficient)
        self.value = value
        self.path = path
        self.pytype = kind_of(value)

    def make(self, value: Any) -> SizeNode:
        """Another node on the same path."""
        return SizeNode(value, self.path)

    # -- what it is ---------------------------------------------------------------------------

    def is_int(self) -> bool:
        return self.pytype is int

    def is_float(self) -> bool:
        return self.pytype is float

    def is_bool(self) -> bool:
        return self.pytype is bool

    def is_nested_int(self) -> bool:
        return False

    def nested_int(self) -> None:
        return None

    def is_symbolic(self) -> bool:
        return True

    def is_constant(self) -> bool:
        return self.pytype is bool and self.path.eager  # torch then asks for the bool at once

    def has_hint(self) -> bool:
        return True

    @property
    def constant(self) -> int | bool | None:
        return self.value if isinstance(self.value, int) else None

    def maybe_as_int(self) -> int | None:
        value = self.value
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def maybe_as_bool(self) -> bool | None:
        return self.value if isinstance(self.value, bool) else None

    def maybe_as_float(self) -> float | None:
        return self.value if isinstance(self.value, float) else None

    def clone(self) -> SizeNode:
        return self

    def str(self) -> Text:
        return f"{self.value}"

    __str__ = __repr__ = _graph_repr = str

    @property
    def hint(self) -> Any:
        return self.hinted()

    _hint = hint

    @property
    def expr(self) -> Any:
        """As sympy, which some of torch's helpers look at: a number, or a name of its own."""
        import sympy

        if isinstance(self.value, (bool, int, float)):
            return sympy.sympify(self.value)
        return sympy.Symbol(self.str(), integer=self.pytype is int or None)

    # -- its parts ----------------------------------------------------------------------------

    def hinted(self) -> Any:
        """The value at the path's own sizes; asking records nothing."""
        return value_at(self.value, self.path.env)

    def sizes(self) -> tuple[Size, ...]:
        """The sizes it was made from."""
        return sizes_in(self.value)

    @property
    def compared(self) -> Any:
        """The number as comparisons take it."""
        return self.value

    # -- arithmetic ---------------------------------------------------------------------------

    def wrap_int(self, number: int) -> SizeNode:
        return self.make(number)

    def wrap_float(self, number: float) -> SizeNode:
        return self.make(float(number))

    def wrap_bool(self, truth: bool) -> SizeNode:
        return self.make(bool(truth))

    add = _binary(numbers.add)
    sub = _binary(numbers.sub)
    mul = _binary(numbers.mul)
    mod = _binary(float_domains.mod)
    floordiv = int_floordiv = _binary(float_domains.floordiv)
    truediv = int_truediv = float_truediv = _binary(float_domains.truediv)
    pow = pow_by_natural = float_pow = _binary(powers.power)
    lshift = _binary(powers.shifted)
    rshift = _binary(powers.shifted_back)
    sym_min = _binary(numbers.smallest)
    sym_max = _binary(numbers.largest)
    neg = _unary(numbers.negative)
    abs = _unary(numbers.absolute)

    def pos(self) -> SizeNode:
        return self

    sym_float = _unary(rounding.as_float)
    floor = _unary(rounding.floor)
    ceil = _unary(rounding.ceil)
    trunc = sym_int = _unary(rounding.trunc)
    is_integer = _unary(rounding.is_whole)

    def round(self, ndigits: int | None = None) -> SizeNode:
        return self.make(rounding.rounded(self.path, self.value, ndigits))

    sym_sqrt = _unary(float_domains.square_root)
    sym_log2 = _function(math.log2)
    sym_sin = _function(math.sin)
    sym_cos = _function(math.cos)
    sym_tan = _function(math.tan)
    sym_asin = _function(math.asin)
    sym_acos = _function(math.acos)
    sym_atan = _function(math.atan)
    sym_sinh = _function(math.sinh)
    sym_cosh = _function(math.cosh)
    sym_tanh = _function(math.tanh)

    def sym_sum(self, args: Sequence[SizeNode]) -> SizeNode:
        total = self.make(0)
        for arg in args:
            total = total.add(arg)
        return total

    def sym_ite(self, then: SizeNode, otherwise: SizeNode) -> SizeNode:
        return then if self.guard_bool("", 0) else otherwise

    # -- comparisons and truth ----------------------------------------------------------------

    eq = _binary(comparing.eq)
    ne = _binary(comparing.ne)
    lt = _binary(comparing.lt)
    le = _binary(comparing.le)
    gt = _binary(comparing.gt)
    ge = _binary(comparing.ge)
    sym_and = and_ = bitwise_and = _binary(integers.both)
    sym_or = or_ = bitwise_or = _binary(integers.either)
    sym_xor = xor = bitwise_xor = _binary(integers.one_of_two)
    sym_not = _unary(comparing.opposite)

    def guard_bool(self, file: Text = "", line: int = 0) -> bool:
        truth = comparing.truth(self.path, self.value)
        if self.path.before_number is not None and self.path.known(truth) is None:
            self.path.before_number()
        return self.path.branch(truth)

    def truth_in(self, frame: FrameType) -> bool:
        """The truth that code of the frame asks for; either one where that changes nothing."""
        known = self.path.known(comparing.truth(self.path, self.value))
        if known is None:
            return not changes_nothing(frame) and self.guard_bool()
        return known

    bool_ = guard_or_false = guard_or_true = guard_size_oblivious = guard_bool

    def expect_true(self, file: Text = "", line: int = 0) -> bool:
        """``torch._check``: what a kernel *needs*, where a guard is what it branched on."""
        return self.path.check(self.value)

    def expect_size(self, file: Text = "", line: int = 0) -> bool:
        return self.path.check(ge(self.value, 0))

    def statically_known_true(self, file: Text = "", line: int = 0) -> bool:
        return self.value is True

    def guard_int(self, file: Text = "", line: int = 0) -> int:
        if self.path.before_number is not None and not isinstance(self.value, int):
            self.path.before_number()
        return self.path.pin(self.value)

    def guard_float(self, file: Text = "", line: int = 0) -> float:
        if self.path.before_number is not None and self.sizes():
            self.path.before_number()
        return float(pinned(self.path, self.value))

    def int_(self) -> int:
        return self.guard_int()

    def evaluate(self, size_oblivious: bool = False) -> Any:
        return self.guard_bool() if self.pytype is bool else self.guard_int()

    # -- layout: an implementation's choice, answered from the hints without a condition --------

    def _layout(self, name: Text, sizes: Sequence[Any], strides: Sequence[Any]) -> SizeNode:
        plain = [[_plain(n) for n in ns] for ns in (sizes, strides)]
        return self.make(LAYOUTS[name](*plain))

    def is_contiguous(self, sizes: Any, strides: Any) -> SizeNode:
        return self._layout("contiguous", sizes, strides)

    def is_channels_last_contiguous_2d(self, sizes: Any, strides: Any) -> SizeNode:
        return self._layout("channels_last_contiguous_2d", sizes, strides)

    def is_channels_last_contiguous_3d(self, sizes: Any, strides: Any) -> SizeNode:
        return self._layout("channels_last_contiguous_3d", sizes, strides)

    def is_channels_last_strides_2d(self, sizes: Any, strides: Any) -> SizeNode:
        return self._layout("channels_last_strides_2d", sizes, strides)

    def is_channels_last_strides_3d(self, sizes: Any, strides: Any) -> SizeNode:
        return self._layout("channels_last_strides_3d", sizes, strides)

    def is_non_overlapping_and_dense(self, sizes: Any, strides: Any) -> SizeNode:
        return self._layout("non_overlapping_and_dense", sizes, strides)

    def is_non_overlapping_and_dense_indicator(self, *args: Any) -> SizeNode:
        half = len(args) // 2
        dense = self.is_non_overlapping_and_dense(args[:half], args[half:])
        return self.make(int(dense.value))


def _plain(node: Any) -> int:
    return int(node.hinted()) if isinstance(node, SizeNode) else int(node)


def size_of(value: Any) -> Any:
    """What archlint knows of an argument that user code passes: the opposite of :func:`.sym_int`.

    SymInt -> size, SymFloat -> float or :class:`~archlint.symbolic.rational.Ratio` or
    :class:`~.numbers.Opaque`,
    SymBool -> bool or formula; anything else as it is.
    """
    if isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
        node: Any = value.node
        if not isinstance(node, SizeNode):
            return value
        if isinstance(node.value, FloatExtremum):
            node.value = _chosen(node.path, node.value)
        return node.value
    return value


def _chosen(path: SizePath, extremum: FloatExtremum) -> Any:
    """The largest or smallest of some numbers on this path, which branches on which it is."""
    better = comparing.gt if extremum.larger else comparing.lt
    best, *others = extremum.items
    for number in others:
        if settled(path, better(path, number, best)):
            best = number
    return best
