"""Gives functions of the model's code another ``__code__`` while a model is traced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any

from archlint.runtime.live_functions import live_functions
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.uninterruptible import uninterrupted


def functions_with(code: CodeType) -> list[FunctionType]:
    """The functions that run this code, or that define the function that runs it."""
    file = code.co_filename
    return live_functions(lambda f: f.__code__.co_filename == file and contains(f.__code__, code))


def contains(outer: CodeType, inner: CodeType) -> bool:
    """Whether one code is the other, or is defined in it."""
    if outer is inner:
        return True
    return any(contains(c, inner) for c in outer.co_consts if isinstance(c, CodeType))


@contextmanager
def code_replaced(
    codes: Iterable[tuple[FunctionType, CodeType]], name: str, value: Any
) -> Iterator[None]:
    """Let functions run other code inside the block, with ``name`` among their globals."""
    replaced: list[tuple[FunctionType, CodeType]] = []
    added: list[dict[str, Any]] = []
    with PROCESS_LOCK:
        try:
            for function, code in codes:
                if name not in function.__globals__:
                    added.append(function.__globals__)  # first: a limit may ring at any line
                    function.__globals__[name] = value
                replaced.append((function, function.__code__))
                function.__code__ = code
            yield
        finally:
            with uninterrupted():
                for function, code in replaced:
                    function.__code__ = code
                for names in added:
                    names.pop(name, None)
