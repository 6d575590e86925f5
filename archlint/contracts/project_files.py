"""The files of a project, without folders that hold no sources of its own, and in a copy."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from archlint.errors import Location


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


@dataclass(frozen=True)
class FolderCopy:
    """A folder, and another one with the same files: a copy of it, or a revision."""

    folder: Path
    copy: Path

    def path(self, path: Path) -> Path:
        """The path in the copy of a path in the folder; other paths as they are."""
        whole = path.resolve()
        inside = whole.is_relative_to(self.folder)
        return self.copy / whole.relative_to(self.folder) if inside else path

    def location(self, where: Location | None) -> Location | None:
        """The place in the copy of a place in a file of the folder."""
        return where and replace(where, file=str(self.path(Path(where.file))))
