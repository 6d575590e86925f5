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
import inspect
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from types import FrameType, ModuleType
from typing import Any

import torch

from archlint.ops.rules import split
from archlint.runtime.code_owner import is_user_code
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.symbolic import maximum, minimum
from archlint.symbolic.formula import ge
from archlint.symbolic.quantify import unknowns_in
from archlint.tracing import path as path_module
from archlint.tracing.symint import node as node_module
from archlint.tracing.symint.node import SizeNode
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
    keeps: tuple[type, ...]

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, (cls.plain, cls.keeps[-1]))

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, cls.plain)


class _Int(metaclass=_Shadow):
    plain = int
    keeps = (torch.SymFloat, torch.SymInt)

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            if type(args[0]) is torch.SymInt:
                return args[0]
            node = _node(args[0], torch.SymFloat)
            if node is not None:
                return _made(node.trunc())
        return int(*args, **kwargs)


class _Float(metaclass=_Shadow):
    plain = float
    keeps = (torch.SymInt, torch.SymFloat)

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs:
            if type(args[0]) is torch.SymFloat:
                return args[0]
            node = _node(args[0], torch.SymInt)
            if node is not None:
                return _made(node.sym_float())
        return float(*args, **kwargs)


def _node(value: Any, kind: type) -> SizeNode | None:
    node: Any = getattr(value, "node", None) if type(value) is kind else None
    return node if isinstance(node, SizeNode) else None


def _made(node: SizeNode) -> Any:
    if not node.sizes():
        return node.hinted()
    made: Any = node
    return torch.SymInt(made) if node.is_int() else torch.SymFloat(made)


def _max(*args: Any, **kwargs: Any) -> Any:
    found = _extreme(args, 1) if len(args) == 2 and not kwargs else None
    return max(*args, **kwargs) if found is None else found


def _min(*args: Any, **kwargs: Any) -> Any:
    found = _extreme(args, 0) if len(args) == 2 and not kwargs else None
    return min(*args, **kwargs) if found is None else found


def _extreme(args: tuple[Any, ...], larger: int) -> Any:
    """The larger or the smaller of two sizes if that is known; ``None`` if it takes a branch."""
    if any(type(a) not in (int, torch.SymInt) for a in args):
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
    return _made(SizeNode((maximum if larger else minimum)(a, b), path))


def _len(value: Any) -> Any:
    if type(value) is SymbolicTensor and value.spec.dims and unknowns_in(value.spec.dims[0]):
        return value.shape[0]
    return len(value)


SHADOWS: dict[str, Any] = {"int": _Int, "float": _Float, "max": _max, "min": _min, "len": _len}


@contextmanager
def shadowed(modules: Iterable[str]) -> Iterator[None]:
    """Make these modules call the shadows inside the block."""
    added: list[tuple[dict[str, Any], str]] = []
    with PROCESS_LOCK:
        try:
            for name in modules:
                names = vars(sys.modules[name])
                for shadow in _replaceable(sys.modules[name]) - names.keys():
                    names[shadow] = SHADOWS[shadow]
                    added.append((names, shadow))
            yield
        finally:
            for names, shadow in added:
                names.pop(shadow, None)


def calling_module(tracer: ModuleType) -> str | None:
    """The module of user code whose call of a shadowable name needs a number now.

    ``tracer`` is the module of the tracer, which may be on the stack between the two.
    """
    between = {tracer.__file__, *_BETWEEN}
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and frame.f_code.co_filename in between:
        frame = frame.f_back
    if frame is None or not is_user_code(frame.f_code.co_filename):
        return None
    code = frame.f_code
    if not SHADOWS.keys() & set(code.co_names):
        return None
    if "CALL" not in dis.opname[code.co_code[frame.f_lasti]]:  # Python 3.11 has a PRECALL too
        return None
    name = frame.f_globals.get("__name__", "")
    module = sys.modules.get(name)
    if module is None or vars(module) is not frame.f_globals:
        return None
    return name if _replaceable(module) & set(code.co_names) else None


_BETWEEN = frozenset(
    module.__file__
    for module in (
        torch, torch._tensor, torch.overrides, node_module, path_module, split,
        sys.modules[__name__],
    )
)  # fmt: skip
"""Files of the functions that may run between the user's call and the request for a number."""


@lru_cache(maxsize=512)
def _replaceable(module: ModuleType) -> frozenset[str]:
    """The names that the module's functions use only where a shadow can replace them."""
    try:
        tree = ast.parse(inspect.getsource(module))
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


def _served(tree: ast.AST) -> Iterator[ast.AST]:
    """Names that are called, annotate something, or are the second argument of ``isinstance``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.func
            if isinstance(node.func, ast.Name) and node.func.id in ("isinstance", "map"):
                for arg in node.args:
                    yield from (arg, *(arg.elts if isinstance(arg, ast.Tuple) else ()))
        elif isinstance(node, (ast.arg, ast.AnnAssign)) and node.annotation is not None:
            yield from ast.walk(node.annotation)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None:
            yield from ast.walk(node.returns)
