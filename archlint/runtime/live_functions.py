"""The Python functions that exist in the process."""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import CodeType, FunctionType


def live_functions(fits: Callable[[FunctionType], bool]) -> list[FunctionType]:
    """The functions of the process that fit.

    ``gc.get_objects`` leaves out what ``gc.freeze`` froze. That is looked at if nothing else fits.
    """
    return _also_frozen(
        lambda: [f for f in gc.get_objects() if type(f) is FunctionType and fits(f)]
    )


def functions_of_code(*codes: CodeType) -> list[FunctionType]:
    """The functions of the process whose own code is one of these, as :func:`live_functions`.

    Found from the code, which takes a third of the time of a look at every function.
    """
    return _also_frozen(
        lambda: [
            f
            for f in gc.get_referrers(*codes)
            if type(f) is FunctionType and any(f.__code__ is code for code in codes)
        ]
    )


def _also_frozen(fitting: Callable[[], list[FunctionType]]) -> list[FunctionType]:
    found = fitting()
    if not found and gc.get_freeze_count():
        gc.unfreeze()
        try:
            found = fitting()
        finally:
            gc.freeze()
    return found
