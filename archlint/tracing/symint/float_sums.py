"""Where one function adds floats, and rounds their sum as a whole: ``sum``, and those of numpy."""

from __future__ import annotations

import sys
from dis import opname
from types import FrameType

OPEN = "the sum of floats made from sizes, which is rounded as a whole, determines the path"

_ONE_BY_ONE = ("add", "iadd", "reduce", "accumulate")


def in_sum(frame: FrameType) -> bool:
    """Whether a function in C that the frame calls adds now: ``sum`` does from Python 3.12 on.

    Not where the frame's code names functions that add two numbers at a time.
    """
    code = frame.f_code
    if "CALL" not in opname[code.co_code[frame.f_lasti]]:
        return False
    if frame.f_globals.get("__name__", "").startswith("numpy"):
        return True
    return sys.version_info >= (3, 12) and not set(_ONE_BY_ONE) & set(code.co_names)
