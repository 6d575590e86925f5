"""Exceptions and source lines, written for the user."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

from archlint.runtime.code_owner import is_user_code


def user_line(error: BaseException) -> str | None:
    """``file:line`` of the innermost frame of user code that ``error`` passed through.

    A ``SyntaxError`` names the line that does not parse. ``None`` if only torch, archlint and
    Python were involved.
    """
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"{shown(error.filename)}:{error.lineno}"
    # A recursion of a thousand frames is walked without reading a single source line.
    lines = [(f.f_code.co_filename, n) for f, n in traceback.walk_tb(error.__traceback__)]
    for filename, line in reversed(lines):
        if is_user_code(filename):
            return f"{shown(filename)}:{line}"
    return None


def shown(filename: str) -> str:
    """The file as a person at the working directory would write it."""
    try:
        return str(Path(filename).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return filename


def first_line(error: BaseException) -> str:
    """The first line of an exception's text, without its type; empty if it has none."""
    try:
        text = str(error).strip()
    except Exception:
        return "(its text cannot be read)"
    return text.splitlines()[0].strip() if text else ""


def described(error: BaseException) -> str:
    """``Type: first line of its text (file:line)``."""
    text = first_line(error)
    line = user_line(error)
    return type(error).__name__ + (f": {text}" if text else "") + (f" ({line})" if line else "")


def shown_source(source: str) -> str:
    """``file:line`` as a person would write it: relative, or from its package on."""
    path, _, line = source.rpartition(":")
    _, installed, inside = path.rpartition(f"site-packages{os.sep}")
    return f"{inside if installed else shown(path)}:{line}"
