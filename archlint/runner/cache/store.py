"""Cache entries on disk, under ``.archlint_cache`` in the project's root.

Each entry is one JSON file, replaced atomically, with a checksum over its contents. An entry that
is damaged, edited or under another entry's name is ignored. Where the folder cannot be written,
nothing is cached.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAME = ".archlint_cache"
MAX_AGE = 30 * 86400.0  # seconds since an entry was last used
_DAY = 86400.0
_HOUR = 3600.0
_SUFFIX = ".json"
_HEAD, _MIDDLE, _TAIL = '{"sha256": "', '", "entry": ', "}\n"
_START = len(_HEAD) + 64 + len(_MIDDLE)
_TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This folder caches the verdicts of archlint. It can be deleted at any time.\n"
)


def digest(text: str | bytes) -> str:
    """The SHA-256 of the text, in hexadecimal."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def read(root: Path, kind: str, key: str) -> Any | None:
    """The entry of this kind and key, as JSON data; ``None`` if there is no valid one."""
    path = _path(root, kind, key)
    try:
        text = path.read_bytes().decode()
        age = time.time() - path.stat().st_mtime
    except (OSError, ValueError):
        return None
    entry = text[_START : -len(_TAIL)]
    if text != _framed(entry):
        return None
    try:
        data = json.loads(entry)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or (data.get("kind"), data.get("key")) != (kind, key):
        return None
    if age > _DAY:
        with contextlib.suppress(OSError):
            os.utime(path)
    return data.get("body")


def write(root: Path, kind: str, key: str, body: object) -> None:
    """Write an entry atomically, replacing an older one."""
    data = {"kind": kind, "key": key, "body": body}
    path = _path(root, kind, key)
    with contextlib.suppress(OSError):
        _prepare(root)
        path.parent.mkdir(exist_ok=True)
        _replace(path, _framed(json.dumps(data)))


def prune(root: Path) -> None:
    """Remove entries unused for ``MAX_AGE``, and temporary files of killed processes."""
    now = time.time()
    for path in _files(root):
        with contextlib.suppress(OSError):
            limit = MAX_AGE if path.suffix == _SUFFIX else _HOUR
            if now - path.stat().st_mtime > limit:
                path.unlink()


def clear(root: Path) -> int:
    """Remove the cache folder. Returns the number of entries removed."""
    import shutil

    count = sum(path.suffix == _SUFFIX for path in _files(root))
    shutil.rmtree(root / NAME, ignore_errors=True)
    return count


def entries(root: Path) -> dict[str, tuple[int, int]]:
    """The number of entries of each kind, and their size in bytes."""
    sizes: dict[str, tuple[int, int]] = {}
    for path in _files(root):
        if path.suffix == _SUFFIX:
            count, size = sizes.get(path.parent.name, (0, 0))
            with contextlib.suppress(OSError):
                sizes[path.parent.name] = count + 1, size + path.stat().st_size
    return sizes


def _framed(entry: str) -> str:
    return f"{_HEAD}{digest(entry)}{_MIDDLE}{entry}{_TAIL}"


def _path(root: Path, kind: str, key: str) -> Path:
    return root / NAME / kind / (key + _SUFFIX)


def _files(root: Path) -> Iterator[Path]:
    """All files in the folders of the kinds."""
    with contextlib.suppress(OSError):
        for kind in sorted((root / NAME).iterdir()):
            if kind.is_dir() and not kind.is_symlink():
                yield from kind.iterdir()


def _prepare(root: Path) -> None:
    """Create the folder, marked so that backups and version control skip it."""
    folder = root / NAME
    if (folder / "CACHEDIR.TAG").exists():
        return
    folder.mkdir(exist_ok=True)
    _replace(folder / ".gitignore", "# Made by archlint.\n*\n")
    _replace(folder / "CACHEDIR.TAG", _TAG)


def _replace(path: Path, text: str) -> None:
    import tempfile

    number, name = tempfile.mkstemp(prefix=path.stem[:16] + ".", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(text.encode())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
