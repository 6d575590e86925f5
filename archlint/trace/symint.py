"""The one room that knows torch's SymNode protocol.

``torch.SymInt(node)`` takes any object that answers the protocol. :class:`SizeNode` answers it
with archlint's own sizes: user code that asks ``x.shape[2] // 2`` gets an exact formula, and
``if h % 7:`` asks the node for a ``bool``, which the path answers and records. PyTorch's own meta
kernels run on such sizes too.

The protocol is not documented; what is used of it is here and nowhere else, and
``tests/test_symint.py`` says for a new torch exactly which part changed.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import torch

from archlint.dims import Expr, Size, evaluate, floordiv, maximum, minimum, mod
from archlint.formula import Bool, Formula, conj, disj, eq, ge, gt, holds, le, lt, ne, negate
from archlint.ratio import Ratio, ratio_add, ratio_div, ratio_mul, ratio_of
from archlint.trace.layouts import LAYOUTS

Text = str  # inside SizeNode, ``str`` is a method of the protocol


class SizePath(Protocol):
    """What a node needs of the path it lives on."""

    env: dict[str, int]
    eager: bool
    on_ask: Callable[[], None] | None

    def known(self, formula: Bool) -> bool | None: ...
    def branch(self, formula: Bool) -> bool: ...
    def check(self, formula: Bool) -> bool: ...
    def pin(self, size: Size) -> int: ...


class Opaque:
    """A float made from sizes that no exact ratio stands for, known at the path's sizes only.

    Whoever asks for its value pins the sizes it was made from.
    """

    __slots__ = ("sizes", "value")

    def __init__(self, value: float, sizes: tuple[Size, ...]) -> None:
        self.value = value
        self.sizes = sizes


def _compare(build: Callable[[Size, Size], Bool], op: Callable[[Any, Any], bool]) -> Any:
    def method(self: SizeNode, other: SizeNode) -> SizeNode:
        a, b = self.value, other.value
        if isinstance(a, (int, Expr)) and isinstance(b, (int, Expr)):
            return self.make(build(a, b))
        if isinstance(a, (bool, Formula)) and isinstance(b, (bool, Formula)):
            same = disj(conj(a, b), conj(negate(a), negate(b)))
            return self.make(same if build is eq else negate(same))
        x, y = self.ratio(), other.ratio()
        if x is not None and y is not None and not x.rounded and not y.rounded:
            dens = (x.den, y.den)
            if all(isinstance(d, int) and d > 0 for d in dens):
                return self.make(build(x.num * y.den, y.num * x.den))
        return self.make(op(self.number(), other.number()))

    return method


def _arith(
    exact: Callable[[Size, Size], Size],
    ratio: Callable[[Ratio, Ratio], Ratio | None] | None,
    op: Callable[[Any, Any], Any],
) -> Any:
    def method(self: SizeNode, other: SizeNode) -> SizeNode:
        a, b = self.value, other.value
        if isinstance(a, (int, Expr)) and isinstance(b, (int, Expr)):
            return self.make(exact(a, b))
        x, y = self.ratio(), other.ratio()
        result = ratio(x, y) if ratio and x is not None and y is not None else None
        if result is not None:
            return self.make(result)
        return self.make(Opaque(op(self.hinted(), other.hinted()), self.sizes() + other.sizes()))

    return method


def _no_zero(
    exact: Callable[[Size, Size], Size],
    ratio: Callable[[Ratio, Ratio], Ratio | None],
    op: Callable[[Any, Any], Any],
) -> Any:
    divide = _arith(exact, ratio, op)

    def method(self: SizeNode, other: SizeNode) -> SizeNode:
        divisor = other.ratio()
        if divisor is not None and self.path.branch(eq(divisor.num, 0)):
            raise ZeroDivisionError("division or modulo by zero")
        return divide(self, other)  # type: ignore[no-any-return]

    return method


def _ratio_mod(a: Ratio, b: Ratio) -> Ratio | None:
    """``a % b`` of floats, which is exact; ``None`` where the ratios are not."""
    dens = (a.den, b.den)
    if a.rounded or b.rounded or not all(isinstance(d, int) and d > 0 for d in dens):
        return None
    rest = Ratio(mod(a.num * b.den, b.num * a.den), a.den * b.den)
    return ratio_add(rest, Ratio(0))  # in lowest terms


def _ratio_floordiv(a: Ratio, b: Ratio) -> Ratio | None:
    quotient = ratio_div(a, b)
    return None if quotient is None else Ratio(quotient.floor())


def _function(op: Callable[[float], float]) -> Any:
    """A function of floats: known at the path's own sizes only."""

    def method(self: SizeNode) -> SizeNode:
        return self.make(Opaque(op(self.hinted()), self.sizes()))

    return method


class SizeNode:
    """A size, an exact ratio or a formula, as torch's SymInt, SymFloat and SymBool carry it."""

    __slots__ = ("_made_hint", "path", "pytype", "value")

    shape_env = None  # torch then takes the branch it keeps for nodes that are not its own

    def __init__(self, value: Any, path: SizePath) -> None:
        self.value = value
        self.path = path
        if isinstance(value, (bool, Formula)):
            self.pytype: type = bool
        elif isinstance(value, (int, Expr)):
            self.pytype = int
        else:
            self.pytype = float

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
        value = self.value
        return f"{value.value}" if isinstance(value, Opaque) else f"{value}"

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
        value = self.value
        if isinstance(value, Expr):
            return value.evaluate(self.path.env)
        if isinstance(value, Formula):
            return value.evaluate(self.path.env)
        if isinstance(value, Ratio):
            return float(value.evaluate(self.path.env))
        return value.value if isinstance(value, Opaque) else value

    def ratio(self) -> Ratio | None:
        return ratio_of(self.value)

    def sizes(self) -> tuple[Size, ...]:
        value = self.value
        if isinstance(value, Opaque):
            return value.sizes
        if isinstance(value, Ratio):
            return value.num, value.den
        return (value,) if isinstance(value, Expr) else ()

    def number(self) -> float:
        """The value as a plain number: pins every size that it was made from."""
        for size in self.sizes():
            self.path.pin(size)
        return self.hinted()  # type: ignore[no-any-return]

    # -- arithmetic ---------------------------------------------------------------------------

    def wrap_int(self, number: int) -> SizeNode:
        return self.make(number)

    def wrap_float(self, number: float) -> SizeNode:
        return self.make(float(number))

    def wrap_bool(self, truth: bool) -> SizeNode:
        return self.make(bool(truth))

    add = _arith(operator.add, ratio_add, operator.add)
    sub = _arith(
        operator.sub, lambda a, b: ratio_add(a, Ratio(-b.num, b.den, b.rounded)), operator.sub
    )
    mul = _arith(operator.mul, ratio_mul, operator.mul)
    _min = _arith(minimum, None, min)
    _max = _arith(maximum, None, max)

    def sym_min(self, other: SizeNode) -> SizeNode:
        return self._extremum(other, False)

    def sym_max(self, other: SizeNode) -> SizeNode:
        return self._extremum(other, True)

    def _extremum(self, other: SizeNode, largest: bool) -> SizeNode:
        if self.pytype is int and other.pytype is int:
            at_least = self.path.known(ge(self.value, other.value))
            if at_least is not None:
                return self if at_least == largest else other
        result: SizeNode = self._max(other) if largest else self._min(other)
        return result

    mod = _no_zero(mod, _ratio_mod, operator.mod)
    floordiv = int_floordiv = _no_zero(floordiv, _ratio_floordiv, operator.floordiv)

    def truediv(self, other: SizeNode) -> SizeNode:
        x, y = self.ratio(), other.ratio()
        if y is not None and isinstance(y.num, Expr) and self.path.branch(eq(y.num, 0)):
            raise ZeroDivisionError("division by zero")
        exact = ratio_div(x, y) if x is not None and y is not None else None
        if exact is not None:
            return self.make(exact)
        value = self.hinted() / other.hinted()
        return self.make(Opaque(value, self.sizes() + other.sizes()))

    int_truediv = float_truediv = truediv

    def pow(self, other: SizeNode) -> SizeNode:
        if self.pytype is int and other.pytype is int:
            power = other.path.pin(other.value)
            if power >= 0:
                return self.make(self.value**power)
        value = self.hinted() ** other.hinted()
        return self.make(Opaque(float(value), self.sizes() + other.sizes()))

    pow_by_natural = float_pow = pow

    def neg(self) -> SizeNode:
        if isinstance(self.value, (int, Expr)):
            return self.make(-self.value)
        result: SizeNode = self.make(0).sub(self)
        return result

    def abs(self) -> SizeNode:
        return self.sym_max(self.neg())

    def pos(self) -> SizeNode:
        return self

    def sym_float(self) -> SizeNode:
        if self.pytype is float:
            return self
        return self.make(float(self.value) if isinstance(self.value, int) else Ratio(self.value))

    def floor(self) -> SizeNode:
        return self._whole(lambda r: r.floor(), math.floor)

    def ceil(self) -> SizeNode:
        return self._whole(lambda r: r.ceil(), math.ceil)

    def trunc(self) -> SizeNode:
        exact = self.ratio()
        if self.pytype is int:
            return self
        if exact is None:
            return self.make(math.trunc(self.number()))
        positive = conj(ge(exact.num, 0), gt(exact.den, 0))
        return self.floor() if self.path.branch(positive) else self._whole(_trunc, math.trunc)

    sym_int = trunc

    def round(self, ndigits: int | None = None) -> SizeNode:
        exact = self.ratio()
        if ndigits is None and exact is not None and isinstance(exact.den, int) and exact.den % 2:
            return self.make(floordiv(exact.num * 2 + exact.den, 2 * exact.den))
        number = round(self.number(), ndigits)
        return self.make(number)

    def _whole(self, exact: Callable[[Ratio], Size], plain: Callable[[float], int]) -> SizeNode:
        if self.pytype is int:
            return self
        ratio = self.ratio()
        return self.make(plain(self.number()) if ratio is None else exact(ratio))

    def is_integer(self) -> SizeNode:
        exact = self.ratio()
        if exact is None or exact.rounded:
            return self.make(float(self.number()).is_integer())
        return self.make(eq(mod(exact.num, exact.den), 0))

    sym_sqrt = _function(math.sqrt)
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

    eq = _compare(eq, operator.eq)
    ne = _compare(ne, operator.ne)
    lt = _compare(lt, operator.lt)
    le = _compare(le, operator.le)
    gt = _compare(gt, operator.gt)
    ge = _compare(ge, operator.ge)

    def _logic(self, other: SizeNode, join: Callable[..., Bool], bits: Any) -> SizeNode:
        if self.pytype is bool and other.pytype is bool:
            return self.make(join(self.value, other.value))
        return self.make(bits(self.number(), other.number()))

    def sym_and(self, other: SizeNode) -> SizeNode:
        return self._logic(other, conj, operator.and_)

    and_ = bitwise_and = sym_and

    def sym_or(self, other: SizeNode) -> SizeNode:
        return self._logic(other, disj, operator.or_)

    or_ = bitwise_or = sym_or

    def sym_xor(self, other: SizeNode) -> SizeNode:
        if self.pytype is bool and other.pytype is bool:
            return self.ne(other)  # type: ignore[no-any-return]
        return self.make(operator.xor(int(self.number()), int(other.number())))

    xor = bitwise_xor = sym_xor

    def lshift(self, other: SizeNode) -> SizeNode:
        result: SizeNode = self.mul(self.make(1 << int(other.number())))
        return result

    def rshift(self, other: SizeNode) -> SizeNode:
        result: SizeNode = self.floordiv(self.make(1 << int(other.number())))
        return result

    def sym_not(self) -> SizeNode:
        return self.make(negate(self.value))

    def guard_bool(self, file: Text = "", line: int = 0) -> bool:
        if self.path.on_ask is not None and self.path.known(self.value) is None:
            self.path.on_ask()
        return self.path.branch(self.value)

    bool_ = guard_or_false = guard_or_true = guard_size_oblivious = guard_bool

    def expect_true(self, file: Text = "", line: int = 0) -> bool:
        """``torch._check``: what a kernel *needs*, where a guard is what it branched on."""
        return self.path.check(self.value)

    def expect_size(self, file: Text = "", line: int = 0) -> bool:
        return self.path.check(ge(self.value, 0))

    def statically_known_true(self, file: Text = "", line: int = 0) -> bool:
        return self.value is True

    def guard_int(self, file: Text = "", line: int = 0) -> int:
        if self.path.on_ask is not None and not isinstance(self.value, int):
            self.path.on_ask()
        return self.path.pin(self.value)

    def guard_float(self, file: Text = "", line: int = 0) -> float:
        if self.path.on_ask is not None and self.sizes():
            self.path.on_ask()
        return float(self.number())

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


def _trunc(ratio: Ratio) -> Size:
    """Towards zero, for a ratio that is not positive on this path."""
    if isinstance(ratio.den, int) and ratio.den > 0:
        return ratio.ceil()
    return -Ratio(-ratio.num, ratio.den).floor()


def _plain(node: Any) -> int:
    return int(node.hinted()) if isinstance(node, SizeNode) else int(node)


def sym_int(size: Size, path: SizePath) -> int | torch.SymInt:
    """A size as user code sees it: a number, or a ``torch.SymInt``."""
    if isinstance(size, int):
        return size
    node: Any = SizeNode(size, path)
    return torch.SymInt(node)


@contextmanager
def hashable() -> Iterator[None]:
    """Inside it a size may be the key of a cache or a dict, which pins it."""
    own = torch.SymInt.__hash__

    def pinned(size: torch.SymInt) -> int:
        node: Any = size.node
        return hash(int(node.number())) if isinstance(node, SizeNode) else own(size)

    torch.SymInt.__hash__ = pinned  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        torch.SymInt.__hash__ = own  # type: ignore[method-assign]


def size_of(value: Any) -> Any:
    """What archlint knows of an argument that user code passes: the opposite of :func:`sym_int`.

    SymInt -> size, SymFloat -> float or :class:`~archlint.ratio.Ratio` or :class:`Opaque`,
    SymBool -> bool or formula; anything else as it is.
    """
    if isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
        node: Any = value.node
        return node.value if isinstance(node, SizeNode) else value
    return value


def value_at(value: Any, env: dict[str, int]) -> Any:
    """A size, ratio or formula at concrete sizes."""
    if isinstance(value, Ratio):
        return float(value.evaluate(env))
    if isinstance(value, Opaque):
        return value.value
    return holds(value, env) if isinstance(value, Formula) else evaluate(value, env)
