"""Exceptions and source lines, written for the user."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import TYPE_CHECKING

from archlint.runtime.code_owner import Owner, owner_of
from archlint.runtime.interruptions import stops_run

if TYPE_CHECKING:
    from torch import nn

_SUPPOSED = re.compile(r"(?<=\.) (?=This could be because|You may have run into)")

MOST = 1 << 14  # characters of an exception's text that are read
LONGEST = 1000  # characters of one line of it


def user_line(error: BaseException) -> str | None:
    """``file:line`` of the code that ``error`` came from, as :func:`users_frame` chooses it.

    A ``SyntaxError`` names the line that does not parse. ``None`` if only torch, archlint and
    Python were involved.
    """
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"{shown(error.filename)}:{error.lineno}"
    # A recursion of a thousand frames is walked without reading a single source line.
    frames = list(traceback.walk_tb(error.__traceback__))[::-1]
    chosen = users_frame(frame for frame, _ in frames)
    if chosen is None:
        return None
    line = next(line for frame, line in frames if frame is chosen)
    return f"{shown(chosen.f_code.co_filename)}:{line}"


def users_frame(frames: Iterable[FrameType]) -> FrameType | None:
    """Of frames, innermost first, the one that means most to the user.

    It is the innermost of the user's own code, or of a package that has a module with submodules
    there: a line of a library that this code only calls, such as einops, says less than the line
    that calls it. Else it is the innermost of a library's module, or of any library; ``None`` if
    there is none.
    """
    innermost: dict[str, FrameType] = {}
    layer: FrameType | None = None
    for frame in frames:  # for each call that is traced: a fifth of a check, if done carelessly
        owner = owner_of(frame.f_code.co_filename)
        if owner is Owner.USER:
            return frame
        if owner is not Owner.LIBRARY:
            continue
        module = _module(frame)
        has_parts = module is not None and _has_parts(module)
        if has_parts and not innermost:
            return frame
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        innermost.setdefault(package, frame)
        if has_parts:
            return innermost[package]
        if module is not None:
            layer = layer or frame
    return layer or next(iter(innermost.values()), None)


def is_chosen_first(frame: FrameType) -> bool:
    """Whether :func:`users_frame` chooses the frame if it comes first, whatever is around it."""
    owner = owner_of(frame.f_code.co_filename)
    if owner is not Owner.LIBRARY:
        return owner is Owner.USER
    module = _module(frame)
    return module is not None and _has_parts(module)


def _module(frame: FrameType) -> nn.Module | None:
    """The ``torch.nn.Module`` whose method a frame runs."""
    torch = sys.modules.get("torch")
    if torch is None or not _is_method(frame.f_code):
        return None
    found = frame.f_locals.get("self")
    return found if isinstance(found, torch.nn.Module) else None


def _has_parts(module: nn.Module) -> bool:
    for part in module._modules.values():  # noqa: SIM110 - at each frame, and a generator takes longer
        if part is not None:
            return True
    return False


@lru_cache(maxsize=1 << 12)
def _is_method(code: CodeType) -> bool:
    return code.co_varnames[:1] == ("self",)


def shown(filename: str) -> str:
    """The file as a person at the working directory would write it."""
    try:
        return str(Path(filename).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return filename


def text_of(error: BaseException) -> str:
    """An exception's text, or its start; user code computes it, and may raise while it does."""
    try:
        return str.strip(str(error))[:MOST]
    except BaseException as e:
        if stops_run(e):
            raise
        return "(its text cannot be read)"


def first_line(error: BaseException) -> str:
    """The first line of an exception's text, without its type; empty if it has none.

    What PyTorch supposes about the causes is left out.
    """
    lines = text_of(error).splitlines()
    return shortened(_SUPPOSED.split(lines[0])[0].strip()) if lines else ""


def shortened(text: str) -> str:
    """The text, or its first ``LONGEST`` characters."""
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def summary(error: BaseException) -> str:
    """``Type: first line of its text``, or the type alone."""
    name, text = shortened(type(error).__name__), first_line(error)
    return f"{name}: {text}" if text else name


def described(error: BaseException) -> str:
    """``Type: first line of its text (file:line)``."""
    line = user_line(error)
    return summary(error) + (f" ({line})" if line else "")


def shown_source(source: str) -> str:
    """``file:line`` as a person would write it: relative, or from its package on."""
    path, _, line = source.rpartition(":")
    _, installed, inside = path.rpartition(f"site-packages{os.sep}")
    return f"{inside if installed else shown(path)}:{line}"
