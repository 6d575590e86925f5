"""Whether a call named ``print``, ``info`` or ``warn`` only shows something to people.

A class of the user may have a method ``error`` that raises, or ``log`` that keeps what it gets: the
name alone says little. So the function that the name stands for is looked up; nothing is called.
"""

from __future__ import annotations

import ast
import builtins
import io
import logging
import sys
from collections.abc import Callable
from functools import partial
from logging.handlers import BufferingHandler, QueueHandler
from types import BuiltinFunctionType, FrameType, FunctionType, MethodType
from typing import Any

from archlint.runtime.code_owner import Owner, file_of_module, owner_of
from archlint.tracing.exception_handling.meanings import UNKNOWN, named

_SHOWING = (Owner.LIBRARY, Owner.TORCH, Owner.PYTHON)


def shows(call: ast.Call, frame: FrameType, dropped: bool, users: Callable[[Any], bool]) -> bool:
    """Whether the called function only shows what it gets.

    ``dropped``: nobody reads the result, which is all that is known of a function that cannot be
    looked up. ``users`` answers for the user's own functions, and methods of an object.
    """
    function = named(call.func, frame)
    if function is UNKNOWN:
        return dropped
    if isinstance(function, partial):
        if function.keywords.keys() & {"file"}:
            return False
        function = function.func
    if function is builtins.print:
        return _prints(call, frame)
    plain = function.__func__ if isinstance(function, MethodType) else function
    if isinstance(plain, FunctionType):
        owner = owner_of(plain.__code__.co_filename)
        if plain.__code__.co_filename == logging.__file__:
            logger = getattr(function, "__self__", logging.getLogger())
            return not _is_kept(logger)
        return owner in _SHOWING or users(function)
    if isinstance(plain, BuiltinFunctionType):
        return str(plain.__module__).startswith(("torch", "_warnings"))
    return _owner_of_class(plain if isinstance(plain, type) else type(plain)) in _SHOWING


def always_shows(call: ast.Call, frame: FrameType) -> bool:
    """Whether a call used as a statement shows what it gets, and changes nothing else."""
    return shows(call, frame, True, lambda function: False)


def _prints(call: ast.Call, frame: FrameType) -> bool:
    """Whether a ``print`` is to the terminal, and not into a text."""
    target: Any = sys.stdout
    for keyword in call.keywords:
        if keyword.arg is None:
            return False
        if keyword.arg == "file":
            target = named(keyword.value, frame)
            if target is not None and target not in (sys.stdout, sys.stderr):
                return False
    return not isinstance(target, io.StringIO)


def _is_kept(logger: Any) -> bool:
    """Whether a handler of the logger, or of one above it, keeps records for later."""
    logger = getattr(logger, "logger", logger)  # of an adapter
    while isinstance(logger, logging.Logger):
        if logger.filters or any(map(_keeps, logger.handlers)):
            return True
        parent = logger.parent if logger.propagate else None
        if parent is None:
            return False
        logger = parent
    return logger is not None


def _keeps(handler: logging.Handler) -> bool:
    owner = _owner_of_class(type(handler))
    if owner is not Owner.PYTHON:
        return owner is not Owner.LIBRARY
    stream = getattr(handler, "stream", None)
    return isinstance(handler, (BufferingHandler, QueueHandler)) or isinstance(stream, io.StringIO)


def _owner_of_class(kind: type) -> Owner:
    return owner_of(file_of_module(sys.modules.get(kind.__module__)) or "<unknown>")
