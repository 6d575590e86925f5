"""The files of a project, without folders that hold no sources of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path


def is_skipped(folder: Path) -> bool:
    """Whether a folder is hidden, a cache, of installed packages or a virtual environment."""
    name = folder.name
    hidden = name.startswith(".") or name in ("__pycache__", "node_modules")
    return hidden or (folder / "pyvenv.cfg").exists()


def files_below(folder: Path, skipped: Callable[[Path], bool] = is_skipped) -> Iterator[Path]:
    """The files under ``folder`` in a fixed order, except in folders that are ``skipped``."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not skipped(Path(place, name)))
        yield from (Path(place, name) for name in sorted(names))
