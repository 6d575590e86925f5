"""The Python functions that exist in the process."""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import FunctionType


def live_functions(fits: Callable[[FunctionType], bool]) -> list[FunctionType]:
    """The functions of the process that fit.

    ``gc.get_objects`` leaves out what ``gc.freeze`` froze. That is looked at if nothing else fits.
    """

    def fitting() -> list[FunctionType]:
        return [f for f in gc.get_objects() if type(f) is FunctionType and fits(f)]

    found = fitting()
    if not found and gc.get_freeze_count():
        gc.unfreeze()
        try:
            found = fitting()
        finally:
            gc.freeze()
    return found
