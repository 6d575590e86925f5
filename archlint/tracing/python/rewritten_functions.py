"""Gives functions of the model's code another ``__code__`` while a model is traced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any

from archlint.runtime.live_functions import live_functions
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.uninterruptible import uninterrupted


def functions_with(*codes: CodeType) -> list[FunctionType]:
    """The functions that run one of these codes, or that define the function that runs it."""
    files = {code.co_filename for code in codes}
    return live_functions(
        lambda f: f.__code__.co_filename in files and any(contains(f.__code__, c) for c in codes)
    )


def contains(outer: CodeType, inner: CodeType) -> bool:
    """Whether one code is the other, or is defined in it."""
    if outer is inner:
        return True
    return any(contains(c, inner) for c in outer.co_consts if isinstance(c, CodeType))


@contextmanager
def code_replaced(
    codes: Iterable[tuple[FunctionType, CodeType]], helpers: Mapping[str, Any]
) -> Iterator[None]:
    """Let functions run other code inside the block, with ``helpers`` among their globals."""
    replaced: list[tuple[FunctionType, CodeType]] = []
    added: list[tuple[dict[str, Any], str]] = []
    with PROCESS_LOCK:
        try:
            for function, code in codes:
                names = function.__globals__
                for name in helpers.keys() - names.keys():
                    added.append((names, name))  # first: a limit may ring at any line
                    names[name] = helpers[name]
                replaced.append((function, function.__code__))
                function.__code__ = code
            yield
        finally:
            with uninterrupted():
                for function, code in replaced:
                    function.__code__ = code
                for names, name in added:
                    names.pop(name, None)
