"""Errors that end a run and are not of the model: of the machine, of compiled code, of archlint."""

from __future__ import annotations

import traceback

from archlint.runtime.code_owner import is_own
from archlint.runtime.environment_errors import is_environment_error
from archlint.runtime.interruptions import raised_by_statement
from archlint.runtime.user_frames import summary
from archlint.tracing.symint.key_texts import looked_up, passed, readable

MISTAKE = "an internal error in archlint"


def reason_to_ignore(error: BaseException) -> str:
    """Why an error of a run is not one of the model's; empty if it may be."""
    own = is_environment_error(error) or _own_mistake(error)
    return own or _of_compilers(error) or _compiled(error)


def shown_error(error: BaseException) -> str:
    """An exception of the model for people: its type, and its text as of real sizes and tensors."""
    return readable(summary(error)).replace("'SymbolicTensor'", "'Tensor'")


def _own_mistake(error: BaseException) -> str:
    """A reason if archlint's own code raised an error that only a mistake in it explains."""
    if not isinstance(error, (AttributeError, NameError, AssertionError, LookupError)):
        return ""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if frames and frames[-1].f_code in (passed.__code__, looked_up.__code__):
        return ""
    own = bool(frames) and is_own(frames[-1].f_code.co_filename)
    return MISTAKE if own and type(error) is not IndexError else ""


_COMPILERS = ("_dynamo", "_inductor", "_subclasses", "_export", "export", "fx")


def _of_compilers(error: BaseException) -> str:
    """A reason if ``torch.compile`` or its kin met a tensor or a size that it cannot follow.

    They have exceptions of their own: ``torch.cond`` and other operators that take functions
    compile these first.
    """
    package, _, rest = type(error).__module__.partition(".")
    of_compilers = package == "torch" and rest.split(".")[0] in _COMPILERS
    return "a compiler of PyTorch raised, which cannot be followed" if of_compilers else ""


def _compiled(error: BaseException) -> str:
    """A reason if compiled code raised a ``RuntimeError`` where the tracer did not call it.

    Calls of PyTorch's operators go through the tracer. What does not, such as TorchScript, an
    extension or autograd's engine, may raise because of symbolic sizes or symbolic tensors.
    """
    if not isinstance(error, RuntimeError) or isinstance(error, RecursionError):
        return ""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if not frames or is_own(frames[-1].f_code.co_filename) or raised_by_statement(error):
        return ""
    return "compiled code raised, which cannot be followed"
