"""``int``, ``float``, ``max``, ``min`` and ``len`` as user code calls them, with sizes kept.

Python's own ``int(size)``, ``float(size)`` and ``len(tensor)`` return a number, which pins the size
to one value, and ``max(a, b)`` branches on which is larger, even where both sides come to the same
(or where values decide it). A module that does so gets a *shadow* of these names for the time of a
trace: the same for everything but sizes.

A trace starts without shadows. The first time that user code pins or branches by such a call, the
trace ends with :class:`Retrace`; the caller starts it again with the shadows of that module.
"""

from __future__ import annotations

import ast
import dis
import fractions
import inspect
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import torch
from torch import nn

from archlint.models.code_places import classes_of
from archlint.ops.rules import split
from archlint.runtime.code_owner import file_of_module, is_user_code
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.uninterruptible import uninterrupted
from archlint.symbolic import maximum, minimum
from archlint.symbolic.formula import ge
from archlint.symbolic.quantify import unknowns_in
from archlint.tracing import path as path_module
from archlint.tracing.python.math_functions import EXACT, of_sizes
from archlint.tracing.symint import node as node_module
from archlint.tracing.symint import python_types, rounding
from archlint.tracing.symint.node import SizeNode
from archlint.tracing.symint.python_types import (
    SymbolicBool,
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
    symbolic: tuple[type, ...] = ()

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, (cls.plain, *cls.symbolic))

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, cls.plain)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is cls.plain

    def __hash__(cls) -> int:
        return hash(cls.plain)


class _Int(int, metaclass=_Shadow):
    plain = int
    symbolic = (SymbolicInt, SymbolicBool)

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
    symbolic = (SymbolicFloat,)

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
        kind = SEEN_AS.get(type(args[0]))
        if kind is None:
            kind = type(args[0])
        names = sys._getframe(1).f_globals  # where ``int`` is a shadow, so is the type of a number
        shadow = names.get(kind.__name__) if kind in (int, float) else None
        return shadow if type(shadow) is _Shadow else kind


SEEN_AS: dict[type, type] = {
    SymbolicInt: int,
    SymbolicFloat: float,
    SymbolicBool: bool,
    SymbolicTensor: torch.Tensor,
}
"""The types of what stands for a number or a tensor, as user code sees them."""


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


def _max(*args: Any, **kwargs: Any) -> Any:
    found = _extreme(args, 1) if len(args) == 2 and not kwargs else None
    return max(*args, **kwargs) if found is None else found


def _min(*args: Any, **kwargs: Any) -> Any:
    found = _extreme(args, 0) if len(args) == 2 and not kwargs else None
    return min(*args, **kwargs) if found is None else found


def _extreme(args: tuple[Any, ...], larger: int) -> Any:
    """The larger or the smaller of two sizes if that is known; ``None`` if it takes a branch."""
    if any(type(a) is not int and not isinstance(a, torch.SymInt) for a in args):
        return None
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
        return None
    return user_number((maximum if larger else minimum)(a, b), path)


def _len(value: Any) -> Any:
    if type(value) is SymbolicTensor and value.spec.dims:
        return value.shape[0]
    return len(value)


SHADOWS: dict[str, Any] = {
    "int": _Int, "float": _Float, "max": _max, "min": _min, "len": _len, "type": _Type,
    "hash": _hash,
}  # fmt: skip

for _shadow in (_Int, _Float, _Type):
    _shadow.__name__ = _shadow.__qualname__ = _shadow.plain.__name__
    _shadow.__module__ = "builtins"


@contextmanager
def shadowed(modules: Iterable[str]) -> Iterator[None]:
    """Make these modules call the shadows inside the block."""
    added: list[tuple[dict[str, Any], str]] = []
    replaced: list[tuple[dict[str, Any], str, Any]] = []
    with PROCESS_LOCK:
        try:
            for name in modules:
                names = vars(sys.modules[name])
                for shadow in _replaceable(sys.modules[name]) - names.keys():
                    added.append((names, shadow))  # first: an interrupt may come at any line
                    names[shadow] = SHADOWS[shadow]
                for own, value in list(names.items()):
                    if isinstance(value, BuiltinFunctionType) and value in EXACT:
                        replaced.append((names, own, value))
                        names[own] = of_sizes(value)
            yield
        finally:
            with uninterrupted():
                for names, shadow in added:
                    names.pop(shadow, None)
                for names, own, value in replaced:
                    names[own] = value


def calling_module(tracer: ModuleType) -> str | None:
    """The module of user code whose call of a shadowable name needs a number now.

    ``tracer`` is the module of the tracer, which may be on the stack between the two.
    """
    between = {tracer.__file__, *_BETWEEN}
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename in between:
        frame = frame.f_back
    if frame is None or not _may_shadow(frame.f_code.co_filename):
        return None
    code = frame.f_code
    own = {n for n in code.co_names if _is_exact(frame.f_globals.get(n))}
    if not own and not SHADOWS.keys() & set(code.co_names):
        return None
    if "CALL" not in dis.opname[code.co_code[frame.f_lasti]]:  # Python 3.11 has a PRECALL too
        return None
    name = frame.f_globals.get("__name__", "")
    module = sys.modules.get(name)
    if module is None or vars(module) is not frame.f_globals:
        return None
    return name if own or _replaceable(module) & set(code.co_names) else None


def _may_shadow(file: str) -> bool:
    """Whether it is a file of user code, or of PyTorch's own layers."""
    return is_user_code(file) or file.startswith(_LAYERS)


def _is_exact(value: Any) -> bool:
    return isinstance(value, BuiltinFunctionType) and value in EXACT


def modules_to_replace_type(model: nn.Module) -> list[str]:
    """The modules of user code that ask for ``type(x)``: those of the model, and those they use.

    Nothing shows at the call that it was asked, so that these are replaced from the start.
    """
    own = {kind.__module__ for kind in classes_of(model)}
    todo = set(own)
    seen: set[str] = set()
    asking = []
    while todo and len(seen) < _MAX_MODULES:
        name = min(todo)
        todo.discard(name)
        seen.add(name)
        module = sys.modules.get(name)
        if module is None or not is_user_code(file_of_module(module) or "<unknown>"):
            continue
        used, asks = _references(name, id(module), len(vars(module)))
        todo |= used - seen
        if (asks or name in own) and "type" in _replaceable(module):
            asking.append(name)
    return asking


_MAX_MODULES = 256


@lru_cache(maxsize=1024)
def _references(name: str, identity: int, size: int) -> tuple[frozenset[str], bool]:
    """The modules whose functions and classes a module names, and whether it names ``type``."""
    used: set[str] = set()
    asks = False
    for value in list(vars(sys.modules[name]).values()):
        if isinstance(value, ModuleType):
            used.add(value.__name__)
            continue
        home = getattr(value, "__module__", None)
        if isinstance(value, (type, FunctionType)) and isinstance(home, str):
            used.add(home)
            if home == name:
                asks = asks or any("type" in code.co_names for code in _codes(value))
    return frozenset(used), asks


def _codes(value: Any) -> Iterator[CodeType]:
    """The code of a function, or of the functions in a class."""
    if isinstance(value, type):
        for part in vars(value).values():
            inner = getattr(part, "__func__", getattr(part, "fget", part))
            if isinstance(inner, FunctionType):
                yield from _codes(inner)
    elif isinstance(value, FunctionType):
        todo = [value.__code__]
        while todo:
            code = todo.pop()
            yield code
            todo += [c for c in code.co_consts if isinstance(c, CodeType)]


_LAYERS = nn.modules.__path__[0]
_BETWEEN = frozenset(
    module.__file__
    for module in (
        torch, torch._tensor, torch.overrides, node_module, python_types, fractions,
        attributes, path_module, split,
        sys.modules[__name__],
    )
)  # fmt: skip
"""Files of the functions that may run between the user's call and the request for a number."""


@lru_cache(maxsize=512)
def _replaceable(module: ModuleType) -> frozenset[str]:
    """The names that the module's functions use only where a shadow can replace them."""
    try:
        source = inspect.getsource(module)
        if not any(name in source for name in SHADOWS):
            return frozenset()
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError):
        return frozenset()
    served = {id(n) for n in _served(tree)}
    used = [n for n in _in_functions(tree) if isinstance(n, ast.Name) and n.id in SHADOWS]
    return frozenset({n.id for n in used} - {n.id for n in used if id(n) not in served})


def _in_functions(tree: ast.AST) -> Iterator[ast.AST]:
    """All that is not evaluated as the module is imported, and more."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            for part in node.body if isinstance(node.body, list) else [node.body]:
                yield from ast.walk(part)


def _is_type(node: ast.expr) -> bool:
    """Whether it is a call of ``type``."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "type"


def _served(tree: ast.AST) -> Iterator[ast.AST]:
    """Names that are called, annotate something, or are the second argument of ``isinstance``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.func
            if isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "map"):
                for arg in node.args:
                    yield from (arg, *(arg.elts if isinstance(arg, ast.Tuple) else ()))
        elif isinstance(node, ast.Attribute):
            yield node.value
        elif isinstance(node, ast.MatchClass):
            yield node.cls
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(_is_type(side) for side in sides):
                for side in sides:
                    yield from (side, *(getattr(side, "elts", ())))
        elif isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation is not None:
            yield from ast.walk(node.annotation)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None:
            yield from ast.walk(node.returns)
