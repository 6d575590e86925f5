"""Errors that end a run and yet say nothing about the model."""

from __future__ import annotations

import dis
import traceback
from types import CodeType

from archlint.runtime.code_owner import is_own
from archlint.runtime.environment_errors import is_environment_error

MISTAKE = "a mistake of archlint"


def reason_to_ignore(error: BaseException) -> str:
    """Why an error of a run is not one of the model's; empty if it may be."""
    return is_environment_error(error) or _own_mistake(error) or _compiled(error)


def _own_mistake(error: BaseException) -> str:
    """A reason if archlint's own code raised an error that only a mistake in it explains."""
    if not isinstance(error, (AttributeError, NameError, AssertionError, LookupError)):
        return ""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    own = bool(frames) and is_own(frames[-1].f_code.co_filename)
    return MISTAKE if own and type(error) is not IndexError else ""


def _compiled(error: BaseException) -> str:
    """A reason if compiled code raised a ``RuntimeError`` where the tracer did not call it.

    Calls of PyTorch's operators go through the tracer. What does not, such as TorchScript, an
    extension or autograd's engine, may raise because of symbolic sizes or symbolic tensors.
    """
    last = error.__traceback__
    if last is None or not isinstance(error, RuntimeError) or isinstance(error, RecursionError):
        return ""
    while last.tb_next is not None:
        last = last.tb_next
    code = last.tb_frame.f_code
    if is_own(code.co_filename) or _raises(code, last.tb_lasti):
        return ""
    return "compiled code raised, which cannot be followed"


def _raises(code: CodeType, at: int) -> bool:
    """Whether the instruction is Python's own ``raise``."""
    return at >= 0 and "RAISE" in dis.opname[code.co_code[at]]
