"""Runs code of the user's: its output captured, its exceptions as ``TargetError``."""

from __future__ import annotations

import difflib
import inspect
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from archlint.errors import TargetError
from archlint.runtime.environment_errors import is_environment_error
from archlint.runtime.interruptions import stops_run
from archlint.runtime.offline import offline_refusal
from archlint.runtime.process_state import captured_output
from archlint.runtime.user_frames import described, summary


@contextmanager
def user_code(failed: str) -> Iterator[None]:
    """Run user code: output captured, exceptions as ``TargetError``."""
    try:
        with captured_output():
            yield
    except TargetError:
        raise
    except BaseException as e:
        if stops_run(e):
            raise
        if refusal := offline_refusal(e):
            place = described(e).removeprefix(summary(e))
            raise TargetError(f"{failed}: {refusal}{place}") from e
        reason = is_environment_error(e)
        text = f"{reason} ({described(e)})" if reason else described(e)
        raise TargetError(f"{failed}: {text}") from e


def article(type_name: str) -> str:
    """``a Linear``, ``an int``, ``None``: a value of a type, by the type's name."""
    if type_name == "NoneType":
        return "None"
    return f"{'an' if type_name[0].lower() in 'aeiou' else 'a'} {type_name}"


def near_names(name: str, names: Sequence[str]) -> str:
    """``; did you mean …?`` with up to three names like ``name``, or nothing."""
    near = difflib.get_close_matches(name, names, 3)
    return f"; did you mean {' or '.join(near)}?" if near else ""


_MISSING = re.compile(
    r"([\w.<>]+)\(\) missing \d+ required (?:positional|keyword-only) arguments?: (.*)"
)
_UNEXPECTED = re.compile(r"([\w.<>]+)\(\) got an unexpected keyword argument '(\w+)'")


def wrong_arguments(error: BaseException | None, maker: object) -> str:
    """What to write where ``maker`` was called without its arguments, or with others."""
    own = getattr(maker, "__name__", None)
    match = _MISSING.match(str(error)) or _UNEXPECTED.match(str(error))
    if isinstance(error, OSError):
        return _missing_file(error, maker)
    if not isinstance(error, TypeError) or match is None or own not in match[1].split("."):
        return ""
    if match.re is _MISSING:
        lines = ", ".join(f"{name}: ..." for name in re.findall(r"'(\w+)'", match[2]))
        return f"; pass kwargs: {{{lines}}} in a rule file, or --kwargs '{{{lines}}}'"
    if "Did you mean" in str(error):  # from Python 3.13 on, the error says so itself
        return ""
    try:
        known = list(inspect.signature(maker).parameters)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""
    return near_names(match[2], known) or (f"; it takes {', '.join(known)}" if known else "")


def _missing_file(error: OSError, maker: object) -> str:
    """Which argument to pass where the default of one names a file that cannot be opened."""
    try:
        parameters = inspect.signature(maker).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""
    file = str(error.filename or "")
    for parameter in parameters:
        if isinstance(parameter.default, (str, os.PathLike)) and str(parameter.default) == file:
            name = parameter.name
            return f"; pass kwargs: {{{name}: ...}} in a rule file, or --kwargs '{{{name}: ...}}'"
    return ""
