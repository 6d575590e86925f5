"""What code can learn about a path without reading the file: its kind, size, times and names.

The answer to a question is a text; two equal answers mean that nothing relevant changed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from types import CodeType

from archlint.runner.cache.store import NAME, digest

_IGNORED = ("__pycache__", NAME)
UNKNOWABLE = frozenset((
    "st_atime", "st_atime_ns", "st_ctime", "st_ctime_ns", "st_ino", "st_dev", "st_nlink", "st_uid",
    "st_gid",
))  # fmt: skip
"""Parts of a status that change although nobody changed the file."""

TIMES = UNKNOWABLE | {"st_mtime", "st_mtime_ns"}

_KIND_ONLY = frozenset(
    ("genericpath", "posixpath", "os", "glob", "pathlib", "tempfile", "shutil", "site")
)
_SOURCE_ONLY = frozenset(("linecache", "inspect", "tokenize", "traceback", "importlib"))
_AS_IS = ("", "os", "pathlib")  # where a call returns the status itself
_OF_STATUS = {
    "stat": "status",
    "lstat": "status",
    "getmtime": "status",
    "getsize": "size",
    **dict.fromkeys(("getctime", "getatime", "samefile", "ismount", "owner", "group"), ""),
}


def question_of(library: str, function: str, caller: CodeType | None) -> str | None:
    """What a call of ``os.stat`` asks.

    ``library`` and ``function``: the function of the standard library through which the code
    called it, if any. ``caller``: that code. ``None``: nothing that a verdict depends on; ``""``:
    something that no later run can compare.
    """
    if library in _SOURCE_ONLY:
        return None  # times and sizes of sources, whose contents are recorded anyway
    question = _OF_STATUS.get(function, "kind") if library in _KIND_ONLY else "status"
    if question == "status" and caller:
        if UNKNOWABLE.intersection(caller.co_names):
            return ""
        if library in _AS_IS and not reads_status(caller):
            return ""
    return question


def reads_status(code: CodeType) -> bool:
    """Whether a function reads parts of a status by name: else it returns it, or takes indices."""
    return any(name.startswith("st_") for name in code.co_names)


def answer(question: str, path: str) -> str:
    """The answer to a question about a path now."""
    name, _, argument = question.partition(":")
    try:
        return _ANSWERS[name](path, argument)
    except (OSError, ValueError) as e:
        return f"error {getattr(e, 'errno', None)}"


def _kind(path: str, _argument: str) -> str:
    """What the path is, and where it leads if it is a link."""
    status = os.lstat(path)
    if not stat.S_ISLNK(status.st_mode):
        return f"{stat.S_IFMT(status.st_mode):o}"
    target = os.readlink(path)
    try:
        return f"{target} {stat.S_IFMT(os.stat(path).st_mode):o}"
    except OSError:
        return f"{target} broken"


def _target(path: str, _argument: str) -> str:
    """The folder that a path leads to."""
    return os.path.realpath(path)


def _size(path: str, _argument: str) -> str:
    return str(os.stat(path).st_size)


def _status(path: str, _argument: str) -> str:
    status = os.stat(path)
    return f"{status.st_mode:o} {status.st_size} {status.st_mtime_ns} {_kind(path, '')}"


def _access(path: str, mode: str) -> str:
    return str(os.access(path, int(mode)))


def _names(path: str, _argument: str) -> str:
    """The names in a folder in the system's order, and which of them are folders."""
    with os.scandir(path) as entries:
        names = (f"{e.name}{'/' * e.is_dir()}" for e in entries if e.name not in _IGNORED)
        return digest("\0".join(names))


def _entries(path: str, _argument: str) -> str:
    """The names in a folder with the status of each entry, as ``os.scandir`` gives them."""
    with os.scandir(path) as entries:
        lines = (f"{e.name} {answer('status', e.path)}" for e in entries if e.name not in _IGNORED)
        return digest("\0".join(lines))


_ANSWERS: dict[str, Callable[[str, str], str]] = {
    "kind": _kind,
    "target": _target,
    "size": _size,
    "status": _status,
    "access": _access,
    "names": _names,
    "entries": _entries,
}
