"""Distinguishes what stops a run, such as Ctrl-C, from what user code raises itself."""

from __future__ import annotations

import dis
import signal
import traceback
from types import CodeType

_OTHERS = ("archlint", "_pytest")  # packages whose own exceptions pass through user code


def stops_run(error: BaseException) -> bool:
    """Whether an exception that user code let through must end more than the call of that code.

    That is Ctrl-C, an exception of a signal handler (a time limit, for one), a signal of archlint's
    own, and an outcome of pytest. User code that raises ``KeyboardInterrupt``, ``SystemExit`` or
    another ``BaseException`` itself has failed, like with any other exception. Python raises
    ``KeyboardInterrupt`` on Ctrl-C between two instructions, user code by a ``raise``.
    """
    if isinstance(error, Exception):
        return False
    if any(base.__module__.partition(".")[0] in _OTHERS for base in type(error).__mro__):
        return True
    frames = list(traceback.walk_tb(error.__traceback__))
    handlers = [getattr(signal.getsignal(n), "__code__", None) for n in signal.valid_signals()]
    if any(frame.f_code in handlers for frame, _ in frames):
        return True
    return isinstance(error, KeyboardInterrupt) and not raised_by_statement(error)


def raised_by_statement(error: BaseException) -> bool:
    """Whether a ``raise`` of Python code raised it: not compiled code, and not a signal."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and _is_raise(last.tb_frame.f_code, last.tb_lasti)


def _is_raise(code: CodeType, at: int) -> bool:
    return at >= 0 and "RAISE" in dis.opname[code.co_code[at]]
