"""Reading what ``faulthandler`` wrote about a process that hung or crashed."""

from __future__ import annotations

import re
from pathlib import Path

from archlint.runtime.code_owner import distance

_THREAD = re.compile(r"^(Current thread|Thread) 0x.*$", re.MULTILINE)
_FRAME = re.compile(r'^  File "(.+)", line (\d+) in (.+)$', re.MULTILINE)


def is_timeout(dump: str) -> bool:
    """Whether the dump was written because time was up."""
    return re.search(r"^Timeout \(", dump, re.MULTILINE) is not None


def last_seen(dump: str, here: Path | None = None) -> str:
    """``function, file:line`` of the innermost call in the user's own code, or ``""``.

    The file is told relative to ``here``, or to the current folder.
    Failing that, of the innermost call in a package other than torch, and at last of any.
    """
    threads = list(_THREAD.finditer(dump))
    if not threads:
        return ""
    # A crash marks its thread; a timeout lists all of them, and the main thread comes last.
    crashed = next((t for t in threads if t[1] == "Current thread"), threads[-1])
    later = next((t.start() for t in threads if t.start() > crashed.start()), len(dump))
    frames = _FRAME.findall(dump, crashed.end(), later)
    if not frames:
        return ""
    file, line, function = min(frames, key=lambda frame: distance(frame[0]))
    base = here or Path.cwd()
    shown = Path(file).relative_to(base) if Path(file).is_relative_to(base) else file
    return f"{function}, {shown}:{line}"
