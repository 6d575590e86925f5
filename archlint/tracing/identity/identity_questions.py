"""Questions of identity and type of rewritten functions, answered as the real model would.

A comparison of sizes is ``True`` or ``False`` itself in the real model, small sizes are objects
that Python makes once, and a stand-in may be one of several tensors (:mod:`.same_tensors`).
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable
from functools import partial
from types import CodeType
from typing import Any

import torch

from archlint.symbolic import Size
from archlint.symbolic.formula import Bool, conj, eq, ge, le
from archlint.tracing.identity.asking_code import text_asks
from archlint.tracing.identity.same_tensors import resolved, same_tensor
from archlint.tracing.path import TracedPath
from archlint.tracing.python.builtins import SHADOW_OF, seen_type, stands_for
from archlint.tracing.run import TraceRun
from archlint.tracing.symint.extremum_node import ExtremumNode
from archlint.tracing.symint.node import size_of
from archlint.tracing.symint.python_types import SymbolicInt, is_symbolic_number
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor

OPEN = "code that is not followed asks if two objects are one, or for a type"


class Questions:
    """What rewritten functions find as the global ``HELPER``."""

    def __init__(self) -> None:
        self.path: TracedPath | None = None
        self._run: TraceRun | None = None

    def begin(self, path: TracedPath, run: TraceRun) -> None:
        """Answer the questions of this run."""
        self.path, self._run = path, run

    def same(self, one: Any, other: Any) -> bool:
        """``one is other``."""
        path, run = self.path, self._run
        one, other = _real(one), _real(other)
        if one is other:
            return True
        if path is None or run is None or not run.in_thread():
            return False
        if isinstance(one, torch.SymBool) or isinstance(other, torch.SymBool):
            return _truth(one) is _truth(other)
        kinds = {type(one), type(other)}
        if kinds <= {int, SymbolicInt} and SymbolicInt in kinds:
            a, b = size_of(one), size_of(other)
            return path.branch(conj(eq(a, b), *_small(a)))
        if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
            return same_tensor(path, one, other)
        return False

    def different(self, one: Any, other: Any) -> bool:
        """``one is not other``."""
        return not self.same(one, other)

    def id_of(self, value: Any) -> int:
        """``id(value)``."""
        value = _real(value)
        if self.path is not None and type(value) is SymbolicTensor:
            value = resolved(self.path, value)
        if isinstance(value, torch.SymBool):
            value = bool(value)
        if (
            self.path is not None
            and type(value) is SymbolicInt
            and self.path.branch(conj(*_small(size_of(value))))
        ):
            value = int(value)  # an object of which all code has the same
        return id(value)

    def instance(self, value: Any, kinds: Any) -> bool:
        """``isinstance(value, kinds)`` where the kinds may be torch's symbolic numbers."""
        if is_symbolic_number(value):
            return issubclass(seen_type(value), kinds)
        return isinstance(value, kinds)

    def has(self, value: Any, name: Any) -> bool:
        """``hasattr(value, name)``."""
        return hasattr(value, name) and not _is_own(value, name)

    def attribute(self, value: Any, name: Any, *default: Any) -> Any:
        """``getattr(value, name)``."""
        if not _is_own(value, name):
            return getattr(value, name, *default)
        if default:
            return default[0]
        kind = seen_type(value).__name__
        raise AttributeError(f"{kind!r} object has no attribute {name!r}", name=name, obj=value)

    def text(self, source: Any) -> Any:
        """What ``eval`` or ``exec`` is called with: its questions are not followed."""
        path, run = self.path, self._run
        if path is not None and run is not None and run.in_thread() and _asks(source):
            path.unproved(OPEN)
        return source

    def function(self, function: Any) -> Any:
        """The function that answers in the place of one of Python's."""
        try:
            method = _METHODS.get(function)
            if method is None:
                return SHADOW_OF.get(function, function)
        except TypeError:  # it has no hash
            return function
        return partial(method, self)

    def settled(self, subject: Any) -> Any:
        """What ``match`` compares with ``True`` and ``False``."""
        if type(subject) is tuple:
            return tuple(map(_truth, subject))
        return _truth(subject)


_METHODS: dict[Any, Callable[..., Any]] = {  # in a Questions they would make it a cycle
    builtins.id: Questions.id_of,
    operator.is_: Questions.same,
    operator.is_not: Questions.different,
    builtins.isinstance: Questions.instance,
    builtins.hasattr: Questions.has,
    builtins.getattr: Questions.attribute,
}


_ANSWERED = {method: function for function, method in _METHODS.items()}


def _is_own(value: Any, name: Any) -> bool:
    """Whether only what stands for a number, a tensor or a list has the attribute."""
    seen = seen_type(value)
    if seen is type(value) or hasattr(seen, name):
        return False
    return seen is not torch.Tensor or hasattr(type(value), name) or name in _OF_TENSOR


_OF_TENSOR = frozenset(SymbolicTensor.__annotations__)


def _real(value: Any) -> Any:
    """What a name of Python stands for, and what ``max`` or ``min`` returned of its arguments."""
    value = stands_for(value)
    if type(value) is partial:
        return _ANSWERED.get(value.func, value)
    while type(value) is SymbolicInt and isinstance(value.node, ExtremumNode):
        value = value.node.chosen()
    return value


def _small(size: Size) -> tuple[Bool, Bool]:
    """Where CPython has one object for the number."""
    return ge(size, -5), le(size, 256)


def _asks(source: Any) -> bool:
    """Whether code, or the text of code, may ask for identity or a type."""
    if isinstance(source, CodeType):
        return text_asks(source)
    try:
        text = source.lstrip(" \t") if isinstance(source, str) else source
        return text_asks(compile(text, "<string>", "exec", dont_inherit=True))
    except Exception:  # which the call raises, too
        return False


def _truth(value: Any) -> Any:
    return bool(value) if isinstance(value, torch.SymBool) else value
