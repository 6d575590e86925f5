"""``int``, ``float``, ``max``, ``min`` and ``len`` as user code calls them, with sizes kept.

Python's own ``int(size)``, ``float(size)`` and ``len(tensor)`` return a number, which pins the size
to one value, and ``max(a, b)`` branches on which is larger, even where both sides come to the same
(or where values decide it). A module that does so gets a *shadow* of these names for the time of a
trace: the same for everything but sizes. Where the module uses a name otherwise, too (``to=int``),
the calls in a function's code are replaced (:mod:`..identity.asking_code`).

A trace starts without shadows. The first time that user code pins or branches by such a call, the
trace ends with :class:`Retrace`; the caller starts it again with the shadows of that module.
"""

from __future__ import annotations

import builtins
import dis
import fractions
import statistics
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FrameType, ModuleType
from typing import Any

import torch
from torch import nn

from archlint.ops.rules import split
from archlint.runtime import stand_in_functions
from archlint.runtime.code_owner import is_user_code
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.stand_in_functions import StandIn, original_of
from archlint.runtime.uninterruptible import uninterrupted
from archlint.symbolic import maximum, minimum
from archlint.symbolic.formula import ge
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.tracing import path as path_module
from archlint.tracing import rule_calls
from archlint.tracing.python.builtin_calls import replaceable
from archlint.tracing.python.math_functions import EXACT, of_sizes
from archlint.tracing.symint import node as node_module
from archlint.tracing.symint import numbers, python_types, rounding
from archlint.tracing.symint.extremum_node import ExtremumNode
from archlint.tracing.symint.node import SizeNode
from archlint.tracing.symint.python_types import (
    NUMBER_TYPES,
    NUMPY_TYPES,
    SymbolicFloat,
    SymbolicInt,
    user_number,
)
from archlint.tracing.tensors import attributes
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor


class Retrace(BaseException):
    """The trace is to start again with the shadows of ``module``.

    Not an ``Exception``: a model that catches those must not swallow it.
    """

    def __init__(self, module: str) -> None:
        super().__init__(module)
        self.module = module


class _Shadow(type):
    """A name that stands for a type in calls and in ``isinstance``."""

    plain: type

    @property
    def dtype(cls) -> Any:
        """NumPy's type of elements, for ``x.astype(int)``."""
        if "numpy" not in sys.modules:
            raise AttributeError("dtype")
        return sys.modules["numpy"].dtype(cls.plain)

    def __instancecheck__(cls, value: object) -> bool:
        seen = NUMBER_TYPES.get(type(value))
        return isinstance(value, cls.plain) if seen is None else issubclass(seen, cls.plain)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, cls.plain)

    def __eq__(cls, other: object) -> bool:
        return stands_for(other) is cls.plain

    def __hash__(cls) -> int:
        return hash(cls.plain)

    @property  # type: ignore[misc]
    def __class__(cls) -> type:
        return type


class _Int(int, metaclass=_Shadow):
    plain = int

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            value = _number(args[0])
            if type(value) is Fraction:
                return value.__trunc__()
            node = _node(value, torch.SymInt, torch.SymFloat, torch.SymBool)
            if node is not None:
                return user_number(rounding.trunc(node.path, node.value), node.path)
        return int(*args, **kwargs)


class _Float(float, metaclass=_Shadow):
    plain = float

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            value = _number(args[0])
            if type(value) is Fraction:
                return value.numerator / value.denominator
            node = _node(value, torch.SymInt, torch.SymFloat, torch.SymBool)
            if node is not None:
                return user_number(rounding.as_float(node.path, node.value), node.path)
        return float(*args, **kwargs)


class _Type(metaclass=_Shadow):
    plain = type

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) != 1 or kwargs:
            return type(*args, **kwargs)
        return type if type(args[0]) is _Shadow else seen_type(args[0])


def stands_for(value: object) -> object:
    """The type or function that a shadow stands for; anything else as it is."""
    return value.plain if type(value) is _Shadow else original_of(value)


SEEN_AS: dict[type, type] = {SymbolicTensor: torch.Tensor, StandIn: BuiltinFunctionType}
"""The types of what stands for tensors, lists or tuples, as user code sees them."""


def seen_type(value: Any) -> type:
    """The type of a value as user code sees it."""
    kind = type(value)
    return SEEN_AS.get(kind) or NUMBER_TYPES.get(kind) or kind


def _hash(value: Any) -> Any:
    node = _node(value, torch.SymInt)
    if node is None or not node.path.known(ge(node.value, 0)):
        return hash(value)
    return value  # sizes are smaller than Python's modulus for the hash of a number


def _number(value: Any) -> Any:
    """A tensor of one element as the number in it; anything else as it is."""
    return value.item() if type(value) is SymbolicTensor else value


def _node(value: Any, *kinds: type) -> SizeNode | None:
    node: Any = getattr(value, "node", None) if isinstance(value, kinds) else None
    return node if isinstance(node, SizeNode) else None


_FEW = 4


def _max(*args: Any, **kwargs: Any) -> Any:
    found = None if kwargs else _extreme_of_all(args, 1)
    return max(*args, **kwargs) if found is None else found


def _min(*args: Any, **kwargs: Any) -> Any:
    found = None if kwargs else _extreme_of_all(args, 0)
    return min(*args, **kwargs) if found is None else found


def _extreme_of_all(args: tuple[Any, ...], larger: int) -> Any:
    """As :func:`_extreme`, of a few numbers, or of a list of them."""
    items = args[0] if len(args) == 1 and type(args[0]) in (list, tuple, torch.Size) else args
    found = items[0] if 2 <= len(items) <= _FEW else None
    for item in items[1:]:
        found = None if found is None else _extreme((found, item), larger)
    return found


def _extreme(args: tuple[Any, ...], larger: int) -> Any:
    """The larger or the smaller of two sizes or floats if that is known, or can be stated.

    ``None`` if it takes a branch.
    """
    if all(type(a) in (float, SymbolicFloat) for a in args):
        nodes = [_node(a, torch.SymFloat) for a in args]
        path = next((n.path for n in nodes if n is not None), None)
        values = [x if n is None else n.value for x, n in zip(args, nodes, strict=True)]
        choose = numbers.largest if larger else numbers.smallest
        return None if path is None else user_number(choose(path, *values), path)
    if any(type(a) is not int and not isinstance(a, torch.SymInt) for a in args):
        return None
    if any(type(a) in NUMPY_TYPES for a in args):
        return None  # which of them it is tells its type
    nodes = [_node(a, torch.SymInt) for a in args]
    path = next((n.path for n in nodes if n is not None), None)
    if path is None:
        return None
    a, b = (x if n is None else n.value for x, n in zip(args, nodes, strict=True))
    if path.known(ge(a, b)):
        return args[1 - larger]
    if path.known(ge(b, a)):
        return args[larger]
    if not unknowns_in(a) and not unknowns_in(b):
        return SymbolicInt(ExtremumNode((a, b), args, bool(larger), path))
    return user_number((maximum if larger else minimum)(a, b), path)


def _len(value: Any) -> Any:
    if type(value) is SymbolicTensor and value.spec.dims:
        return value.shape[0]
    return len(value)


SHADOWS: dict[str, Any] = {
    "int": _Int, "float": _Float, "type": _Type, "max": StandIn(max, _max),
    "min": StandIn(min, _min), "len": StandIn(len, _len), "hash": StandIn(hash, _hash),
}  # fmt: skip

SHADOW_OF: dict[Any, Any] = {getattr(builtins, name): shadow for name, shadow in SHADOWS.items()}
"""What replaces each of these types and functions of Python."""

for _shadow in (_Int, _Float, _Type):
    _shadow.__name__ = _shadow.__qualname__ = _shadow.plain.__name__
    _shadow.__module__ = "builtins"


@contextmanager
def shadowed(modules: Iterable[str]) -> Iterator[None]:
    """Make these modules call the shadows inside the block; ``statistics`` asks for types, too."""
    added: list[tuple[dict[str, Any], str]] = []
    replaced: list[tuple[dict[str, Any], str, Any]] = []
    with PROCESS_LOCK:
        try:
            if "type" not in vars(statistics):
                added.append((vars(statistics), "type"))
                vars(statistics)["type"] = SHADOWS["type"]
            for name in modules:
                names = vars(sys.modules[name])
                for shadow in replaceable(sys.modules[name]) - names.keys():
                    added.append((names, shadow))  # first: an interrupt may come at any line
                    names[shadow] = SHADOWS[shadow]
                for own, value in list(names.items()):
                    if type(value) is BuiltinFunctionType and value in EXACT:
                        replaced.append((names, own, value))
                        names[own] = of_sizes(value)
            yield
        finally:
            with uninterrupted():
                for names, shadow in added:
                    names.pop(shadow, None)
                for names, own, value in replaced:
                    names[own] = value


def caller_to_change(tracer: ModuleType) -> tuple[str, CodeType, frozenset[str]] | None:
    """The user code that calls a shadowable name which needs a number now.

    The name of its module if that can have shadows, else ``""``; its code; and the names that it
    uses and the module uses otherwise, too. ``tracer`` is the module of the tracer, which may be
    on the stack between the two.
    """
    between = *map(str, {tracer.__file__, *_BETWEEN}), _KEYS
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename.startswith(between):
        frame = frame.f_back
    if frame is None or not _may_shadow(frame.f_code.co_filename):
        return None
    code = frame.f_code
    own = {n for n in code.co_names if _is_exact(frame.f_globals.get(n))}
    used = SHADOWS.keys() & set(code.co_names)
    if not own and not used:
        return None
    calls = "CALL" in dis.opname[code.co_code[frame.f_lasti]]  # Python 3.11 has a PRECALL too
    if not calls and "map" not in code.co_names:  # h, w = map(int, x.shape[2:])
        return None
    name = frame.f_globals.get("__name__", "")
    module = sys.modules.get(name)
    if module is None or vars(module) is not frame.f_globals:
        return "", code, frozenset(used)
    shadows = replaceable(module)
    return name if own or shadows & used else "", code, frozenset(used - shadows)


def _may_shadow(file: str) -> bool:
    """Whether it is a file of user code, or of PyTorch's own layers."""
    return is_user_code(file) or file.startswith(_LAYERS)


def _is_exact(value: Any) -> bool:
    return type(value) is BuiltinFunctionType and value in EXACT


_KEYS = str(Path(__file__).parents[1] / "keys")
_LAYERS = nn.modules.__path__[0]
_BETWEEN = frozenset(
    module.__file__
    for module in (
        torch, torch._tensor, torch.overrides, node_module, python_types, fractions,
        attributes, path_module, rule_calls, split, stand_in_functions,
        sys.modules[__name__],
    )
)  # fmt: skip
"""Files of the functions that may run between the user's call and the request for a number."""
