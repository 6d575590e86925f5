"""The frame of the code that asks a size for its text or its hash."""

from __future__ import annotations

import logging
import sys
from types import CodeType, FrameType

from torch import nn

from archlint.runtime import user_frames
from archlint.runtime.code_owner import Owner, owner_of
from archlint.tracing.symint.code_uses import use_of


def user_frame(*passed_by: str, root: CodeType | None = None) -> FrameType | None:
    """The frame of user code that formats or hashes; ``None`` if torch or Python does.

    ``passed_by``: files that only pass the question on. ``root``: the code that calls the model;
    what Python formats below it for user code is formatted by user code, unless Python raises it.
    """
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and (
        owner_of(frame.f_code.co_filename) is Owner.ARCHLINT
        or frame.f_code.co_filename in passed_by
    ):
        if frame.f_code.co_filename == user_frames.__file__:
            return None  # the text of an error, whoever runs archlint
        frame = frame.f_back
    while frame is not None and root is not None and _passes_on(frame):
        frame = (_logging_call(frame, root) or frame).f_back
        if frame is None or frame.f_code is root:
            return None
    if frame is None or owner_of(frame.f_code.co_filename) in (Owner.TORCH, Owner.PYTHON):
        return None
    return frame


def _logging_call(frame: FrameType, root: CodeType) -> FrameType | None:
    """The call of a logger that makes the text, if there is one: handlers may be a library's."""
    if frame.f_code.co_filename != logging.__file__:
        return None
    call, around = frame, frame.f_back
    while around is not None and around.f_code is not root:
        call = around if around.f_code.co_filename == logging.__file__ else call
        around = around.f_back
    return call


def _passes_on(frame: FrameType) -> bool:
    """Whether code of Python makes a text for its caller."""
    code = frame.f_code
    owner = owner_of(code.co_filename)
    if owner is Owner.TEXT and code.co_name == "__repr__":
        return True  # of a dataclass
    if owner is not Owner.PYTHON:
        return False
    use = use_of(frame, of_text=True)
    return use is None or not use.harmless


def asked_by(file: str) -> bool:
    """Whether code of this file makes a text of the number."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and owner_of(frame.f_code.co_filename) is Owner.ARCHLINT:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename == file


def names_a_module() -> bool:
    """Whether ``ModuleList`` makes the name of a module from its index."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and owner_of(frame.f_code.co_filename) is Owner.ARCHLINT:
        frame = frame.f_back
    return frame is not None and frame.f_code.co_filename == nn.modules.container.__file__
