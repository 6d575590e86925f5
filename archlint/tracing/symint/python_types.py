"""Sizes as user code holds them, which answer all that an ``int``, ``float`` or ``bool`` does.

The classes derive from torch's, so that torch takes them for symbolic sizes; their methods compute
with :class:`.SizeNode` directly. To code that is neither torch's nor archlint's, their class is
``int``, ``float`` or ``bool``: ``isinstance(x.shape[0], int)`` and ``case int(h)`` hold, as they do
for the real model. (``type(h)`` is replaced in :mod:`archlint.tracing.python.builtins`.)

Whatever no formula states pins the sizes that it is made of.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch

from archlint.runtime.code_owner import Owner, owner_of
from archlint.symbolic import Size
from archlint.symbolic.formula import Formula
from archlint.symbolic.rational import Opaque
from archlint.tracing.symint import comparisons, float_domains, integers, numbers, powers, rounding
from archlint.tracing.symint.float_sums import OPEN, in_sum
from archlint.tracing.symint.node import SizeNode, short
from archlint.tracing.symint.numbers import Binary, SizePath, pinned
from archlint.tracing.symint.text_uses import hash_of, index_of, number_in_text, text_of

_INTERNAL = (Owner.TORCH, Owner.ARCHLINT)


def user_number(value: Any, path: SizePath) -> Any:
    """A number of :mod:`.numbers` as user code sees it: plain where it depends on no size."""
    if isinstance(value, Formula) and path.eager:
        return path.branch(value)
    if isinstance(value, (bool, int, float)):
        return value
    node: Any = SizeNode(value, path)
    return {int: SymbolicInt, float: SymbolicFloat, bool: SymbolicBool}[node.pytype](node)


def sym_int(size: Size, path: SizePath) -> Any:
    """A size as user code sees it: a number, or a :class:`SymbolicInt`."""
    return size if isinstance(size, int) else user_number(size, path)


def operand(other: Any) -> Any:
    """The other operand as a number of :mod:`.numbers`; ``NotImplemented`` for other types."""
    if isinstance(other, (torch.SymInt, torch.SymFloat, torch.SymBool)):
        node: Any = other.node
        return node.value if isinstance(node, SizeNode) else NotImplemented
    if isinstance(other, float):
        return float(other)
    if isinstance(other, int):
        return other if isinstance(other, bool) else short(int(other))
    return _numpy_scalar(other)


def _numpy_scalar(other: Any) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(other, numpy.generic):
        plain = other.item()
        if isinstance(plain, (int, float)):
            return plain
    return NotImplemented


def _binary(operation: Binary, *, swapped: bool = False) -> Any:
    def method(self: Any, other: Any) -> Any:
        if type(other) in NUMPY_TYPES:
            return NotImplemented
        value = operand(other)
        if value is NotImplemented:
            return NotImplemented
        node = self.node
        a, b = (value, node.value) if swapped else (node.value, value)
        return user_number(operation(node.path, a, b), node.path)

    return method


def _comparison(operation: Binary) -> Any:
    def method(self: Any, other: Any) -> Any:
        if type(other) in NUMPY_TYPES:
            return NotImplemented
        node: Any = getattr(other, "node", None)
        b = node.compared if isinstance(node, SizeNode) else operand(other)
        if b is NotImplemented:
            return NotImplemented
        return user_number(operation(self.node.path, self.node.compared, b), self.node.path)

    return method


def _both(operation: Binary) -> tuple[Any, Any]:
    return _binary(operation), _binary(operation, swapped=True)


def _unary(operation: Callable[..., Any]) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        node = self.node
        plain = [node_value(a) for a in args]
        return user_number(operation(node.path, node.value, *plain, **kwargs), node.path)

    return method


def node_value(value: Any) -> Any:
    """A size of user code as a number of :mod:`.numbers`; any other value as it is."""
    inside = operand(value)
    return value if inside is NotImplemented else inside


def is_symbolic_number(value: Any) -> bool:
    """Whether the value is a number made from sizes."""
    return isinstance(value, _Number)


def _same(self: Any) -> Any:
    return self


def _without_dict(self: Any) -> Any:
    raise AttributeError("__dict__")  # no number has one


def _plain(method: Callable[..., Any]) -> Any:
    """A method of the plain number, which pins the sizes."""

    def of_plain(self: Any, *args: Any, **kwargs: Any) -> Any:
        return method(pinned(self.node.path, self.node.value), *args, **kwargs)

    return of_plain


def _divmod(path: SizePath, a: Any, b: Any) -> tuple[Any, Any]:
    return float_domains.floordiv(path, a, b), float_domains.mod(path, a, b)


def _pair(swapped: bool) -> Any:
    def method(self: Any, other: Any) -> Any:
        if type(other) in NUMPY_TYPES:
            return NotImplemented
        value = operand(other)
        if value is NotImplemented:
            return NotImplemented
        node = self.node
        a, b = (value, node.value) if swapped else (node.value, value)
        quotient, rest = _divmod(node.path, a, b)
        return user_number(quotient, node.path), user_number(rest, node.path)

    return method


def _power(self: Any, other: Any, modulus: Any = None) -> Any:
    power = NotImplemented if type(other) in NUMPY_TYPES else operand(other)
    if power is NotImplemented:
        return NotImplemented
    node = self.node
    if modulus is None:
        return user_number(powers.power(node.path, node.value, power), node.path)
    return user_number(
        integers.power_modulo(node.path, node.value, power, node_value(modulus)), node.path
    )


def _power_of(self: Any, other: Any) -> Any:
    base = NotImplemented if type(other) in NUMPY_TYPES else operand(other)
    if base is NotImplemented:
        return NotImplemented
    return user_number(powers.power(self.node.path, base, self.node.value), self.node.path)


def class_seen(plain: type, symbolic: type) -> Any:
    """The attribute ``__class__``: ``symbolic`` for code of torch and archlint, else ``plain``."""

    def of(self: Any) -> type:
        frame: Any = sys._getframe(1)
        return symbolic if owner_of(frame.f_code.co_filename) in _INTERNAL else plain

    return property(of)


def _str(self: Any) -> str:
    return text_of(self.node, "", self.node.str(), "__str__")


def _repr(self: Any) -> str:
    return text_of(self.node, "", self.node.str(), "__repr__")


def _format(self: Any, spec: str) -> str:
    return text_of(self.node, spec, self.node.str(), "__format__")


class _Number:
    """What all three classes answer alike."""

    __slots__ = ()
    node: Any  # a SizeNode

    __add__, __radd__ = _both(numbers.add)
    __sub__, __rsub__ = _both(numbers.sub)
    __mul__, __rmul__ = _both(numbers.mul)
    __truediv__, __rtruediv__ = _both(float_domains.truediv)
    __floordiv__, __rfloordiv__ = _both(float_domains.floordiv)
    __mod__, __rmod__ = _both(float_domains.mod)
    __divmod__, __rdivmod__ = _pair(False), _pair(True)
    __pow__, __rpow__ = _power, _power_of
    __eq__: Any = _comparison(comparisons.eq)
    __ne__: Any = _comparison(comparisons.ne)
    __lt__ = _comparison(comparisons.lt)
    __le__ = _comparison(comparisons.le)
    __gt__ = _comparison(comparisons.gt)
    __ge__ = _comparison(comparisons.ge)
    __neg__ = _unary(numbers.negative)
    __abs__ = _unary(numbers.absolute)
    __floor__ = _unary(rounding.floor)
    __ceil__ = _unary(rounding.ceil)
    __trunc__ = _unary(rounding.trunc)
    __round__ = _unary(rounding.rounded)
    __sym_max__ = _binary(numbers.largest)
    __sym_min__ = _binary(numbers.smallest)
    __sym_float__ = _unary(rounding.as_float)
    __str__: Any = _str
    __repr__: Any = _repr
    __format__: Any = _format
    __copy__ = __pos__ = conjugate = _same
    __complex__ = _plain(complex)
    real = property(_same)

    def __deepcopy__(self, memo: object) -> Any:
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        return pinned(self.node.path, self.node.value).__reduce_ex__(protocol)

    def __getnewargs__(self) -> Any:
        return pinned(self.node.path, self.node.value).__getnewargs__()

    def __sizeof__(self) -> int:
        return int(pinned(self.node.path, self.node.value).__sizeof__())

    def __bool__(self) -> bool:
        return bool(self.node.truth_in(sys._getframe(1)))

    def __float__(self) -> float:
        return float(self.node.guard_float())

    def __hash__(self) -> int:
        found = hash_of(self.node)
        if found is not None:
            return found
        if not self.node.path.eager:
            raise TypeError("unhashable type: non-nested SymInt")
        plain = hash(pinned(self.node.path, self.node.value))
        self.node.path.keys.hashes[id(self.node)] = self.node, plain
        return plain


class _Integer(_Number):
    """What ``int`` and ``bool`` answer alike."""

    __slots__ = ()

    __and__, __rand__ = _both(integers.both)
    __or__, __ror__ = _both(integers.either)
    __xor__, __rxor__ = _both(integers.one_of_two)
    __lshift__, __rlshift__ = _both(powers.shifted)
    __rshift__, __rrshift__ = _both(powers.shifted_back)
    __invert__ = _unary(integers.inverted)
    bit_length = _unary(integers.bit_length)
    bit_count = _unary(integers.bit_count)
    to_bytes = _plain(int.to_bytes)
    from_bytes = int.from_bytes
    imag = 0
    denominator = 1

    @property
    def numerator(self) -> Any:
        """The size itself."""
        return +self

    def as_integer_ratio(self) -> tuple[Any, int]:
        """The size and 1."""
        return +self, 1

    if sys.version_info >= (3, 12):

        def is_integer(self) -> bool:
            """True, as for every ``int``."""
            return True

    def __int__(self) -> int:
        in_text = number_in_text(self.node)
        return int(self.node.guard_int()) if in_text is None else in_text

    def __index__(self) -> int:
        bound = index_of(self.node)
        return int(self) if bound is None else bound


def _made_by_type(plain: type) -> Any:
    """``__new__`` of a class that code calls as the type of a number: ``type(h)(3)``."""

    def new(cls: type, value: Any = 0) -> Any:
        if isinstance(value, SizeNode):
            return object.__new__(cls)
        inside = operand(value)
        if inside is NotImplemented or not is_symbolic_number(value):
            return plain(value)
        path = value.node.path
        change = rounding.as_float if plain is float else rounding.trunc
        return user_number(change(path, inside), path)

    return new


class SymbolicInt(_Integer, torch.SymInt):
    """An ``int`` made from sizes."""

    __new__ = _made_by_type(int)

    __class__: Any = class_seen(int, torch.SymInt)
    __dict__: Any = property(_without_dict)
    __hash__ = _Number.__hash__


class SymbolicBool(_Integer, torch.SymBool):
    """A ``bool`` made from sizes."""

    __class__: Any = class_seen(bool, torch.SymBool)
    __dict__: Any = property(_without_dict)
    __hash__ = _Number.__hash__
    __pos__ = __abs__ = conjugate = _unary(numbers.settled)
    numerator = real = property(__pos__)
    __index__ = __int__ = lambda self: int(bool(self))


def _added(swapped: bool) -> Any:
    """A sum of two numbers; nothing is proved of floats that ``sum`` adds."""
    plain = _binary(numbers.add, swapped=swapped)

    def method(self: Any, other: Any) -> Any:
        result = plain(self, other)
        rounded = isinstance(node_value(result), Opaque) and type(other) is not int
        if rounded and in_sum(sys._getframe(1)):
            self.node.path.unproved(OPEN)
        return result

    return method


class SymbolicFloat(_Number, torch.SymFloat):
    """A ``float`` made from sizes."""

    __new__ = _made_by_type(float)
    __add__, __radd__ = _added(False), _added(True)

    __class__: Any = class_seen(float, torch.SymFloat)
    __dict__: Any = property(_without_dict)
    __hash__ = _Number.__hash__
    is_integer = _unary(rounding.is_whole)
    as_integer_ratio = _plain(float.as_integer_ratio)
    hex = _plain(float.hex)
    fromhex = float.fromhex
    imag = 0.0

    def __int__(self) -> int:
        node: Any = self.node
        return int(node.trunc().guard_int())


NUMBER_TYPES: dict[type, type] = {
    torch.SymInt: int,
    torch.SymFloat: float,
    torch.SymBool: bool,
    SymbolicInt: int,
    SymbolicFloat: float,
    SymbolicBool: bool,
}
"""The types of numbers made from sizes, each with the type that user code sees."""
NUMPY_TYPES: set[type] = set()
"""numpy's types of scalars, whose operators answer for a size and one of these."""
