"""Reads the stack dump that ``faulthandler`` wrote for a process that hung or crashed."""

from __future__ import annotations

import re
from pathlib import Path

from archlint.runtime.code_owner import distance

_THREAD = re.compile(r"^(Current thread|Thread) 0x.*$", re.MULTILINE)
_FRAME = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)


def last_frame(dump: str, here: Path | None = None) -> str:
    """``function, file:line`` of the innermost frame in the user's code; ``""`` if unknown.

    Without such a frame: the innermost frame in a package other than torch, else the innermost
    frame. The file is relative to ``here``, by default the current folder.
    """
    threads = list(_THREAD.finditer(dump))
    if not threads:
        return ""
    # The thread that crashed, or that got the signal to write, is marked.
    crashed = next((t for t in threads if t[1] == "Current thread"), threads[-1])
    later = next((t.start() for t in threads if t.start() > crashed.start()), len(dump))
    frames = _FRAME.findall(dump, crashed.end(), later)
    if not frames:
        return ""
    file, line, function = min(frames, key=lambda frame: distance(frame[0]))
    base = here or Path.cwd()
    shown = Path(file).relative_to(base) if Path(file).is_relative_to(base) else file
    return f"{function}, {shown}:{line}"
