"""Replaces ``__call__`` of modules and scripted functions while a trace runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any

import torch
from torch import nn

from archlint.runtime.process_lock import PROCESS_LOCK

ModuleCall = Callable[..., Any]
"""``nn.Module.__call__``: the module, then the arguments of its ``forward``."""


@contextmanager
def replaced_module_call(wrap: Callable[[ModuleCall], ModuleCall]) -> Iterator[None]:
    """Call every module through ``wrap(original)`` inside the block."""
    with _replaced(nn.Module, wrap):
        yield


@contextmanager
def replaced_script_call(wrap: Callable[[ModuleCall], ModuleCall]) -> Iterator[None]:
    """Call every function of ``torch.jit.script`` through ``wrap(original)`` inside the block."""
    with _replaced(torch.jit.ScriptFunction, wrap):
        yield


@contextmanager
def _replaced(owner: Any, wrap: Callable[[ModuleCall], ModuleCall]) -> Iterator[None]:
    """Replace ``owner.__call__`` inside the block.

    The replacement is seen by all threads: it must do nothing but call the original in threads that
    do not belong to the run.

    A Python function stays the same object and gets another ``__code__``. To set an attribute of a
    class with hundreds of subclasses makes Python forget what it knew of the attributes of each,
    and finding that again takes a tenth of the time of a trace.
    """
    with PROCESS_LOCK:
        original: Any = owner.__call__
        changed: tuple[Any, str, Any, Any]
        called = _Called()
        if type(original) is FunctionType and not original.__code__.co_freevars:
            before = FunctionType(
                original.__code__, original.__globals__, original.__name__, original.__defaults__
            )
            before.__kwdefaults__ = original.__kwdefaults__
            called.function = wrap(before)
            changed = original, "__code__", original.__code__, _code_calling(called)
        else:
            changed = owner, "__call__", original, wrap(original)
        home, name, was, instead = changed
        try:
            setattr(home, name, instead)
            yield
        finally:
            setattr(home, name, was)
            called.function = original
            if owner.__call__ is not original:  # the model's code replaced it
                owner.__call__ = original


class _Called:
    """The function that is called by a code of :func:`_code_calling`.

    A traceback may keep the code, and Python frees no cycle that a code is part of: after the run
    the function is another.
    """

    __slots__ = ("function",)
    function: ModuleCall


def _code_calling(called: _Called) -> CodeType:
    """The code of a function that calls another with the same arguments."""
    code = _calling.__code__
    constants = (called if isinstance(c, str) else c for c in code.co_consts)
    return code.replace(co_consts=tuple(constants))


def _calling(self: Any, *args: Any, **kwargs: Any) -> Any:
    called: Any = "is put here"
    return called.function(self, *args, **kwargs)
