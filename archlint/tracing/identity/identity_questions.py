"""Questions of identity of rewritten functions, answered as the real model would.

A comparison of sizes is ``True`` or ``False`` itself in the real model, small sizes are objects
that Python makes once, and a stand-in may be one of several tensors (:mod:`.same_tensors`).
"""

from __future__ import annotations

import builtins
import operator
from typing import Any

import torch

from archlint.symbolic.formula import conj, eq, ge, le
from archlint.tracing.identity.same_tensors import resolved, same_tensor
from archlint.tracing.path import TracedPath
from archlint.tracing.run import TraceRun
from archlint.tracing.symint.node import size_of
from archlint.tracing.symint.python_types import SymbolicInt
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor

_SMALL = (-5, 256)  # integers of which CPython has one object each


class Questions:
    """What rewritten functions find as the global ``HELPER``."""

    def __init__(self) -> None:
        self.path: TracedPath | None = None
        self._run: TraceRun | None = None
        self._functions = {
            builtins.id: self.id_of,
            operator.is_: self.same,
            operator.is_not: lambda one, other: not self.same(one, other),
        }

    def begin(self, path: TracedPath, run: TraceRun) -> None:
        """Answer the questions of this run."""
        self.path, self._run = path, run

    def same(self, one: Any, other: Any) -> bool:
        """``one is other``."""
        path, run = self.path, self._run
        if one is other:
            return True
        if path is None or run is None or not run.in_thread():
            return False
        if isinstance(one, torch.SymBool) or isinstance(other, torch.SymBool):
            return _truth(one) is _truth(other)
        kinds = {type(one), type(other)}
        if kinds <= {int, SymbolicInt} and SymbolicInt in kinds:
            a, b = size_of(one), size_of(other)
            low, high = _SMALL
            return path.branch(conj(eq(a, b), ge(a, low), le(a, high)))
        if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
            return same_tensor(path, one, other)
        return False

    def id_of(self, value: Any) -> int:
        """``id(value)``."""
        if self.path is not None and type(value) is SymbolicTensor:
            value = resolved(self.path, value)
        return id(value)

    def function(self, function: Any) -> Any:
        """The function that answers in the place of one of Python's."""
        try:
            return self._functions.get(function, function)
        except TypeError:  # it has no hash
            return function

    def settled(self, subject: Any) -> Any:
        """What ``match`` compares with ``True`` and ``False``."""
        if type(subject) is tuple:
            return tuple(map(_truth, subject))
        return _truth(subject)


def _truth(value: Any) -> Any:
    return bool(value) if isinstance(value, torch.SymBool) else value
