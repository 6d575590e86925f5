"""Files, folders and imports that a cached verdict depends on, and whether they have changed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from archlint.runner.cache.environment_key import importable, other_module_names
from archlint.runner.cache.store import NAME, digest

CHANGED = "changed"
"""In place of a digest: the file changed during the run, so the verdict cannot be cached."""

_ABSENT = "absent"
_IGNORED = ("__pycache__", NAME)


@dataclass
class Dependencies:
    """What a verdict depends on among the user's own files, by absolute path.

    ``files``: the digest of each file that was read. ``listed``: the digest of the names in each
    folder that was listed. ``searched``: for each folder that imports searched, the module names
    that they searched for. ``on_path``: those of the folders that were on ``sys.path``, where a
    new file can also hide an installed or standard module.
    """

    files: dict[str, str] = field(default_factory=dict)
    listed: dict[str, str] = field(default_factory=dict)
    searched: dict[str, set[str]] = field(default_factory=dict)
    on_path: set[str] = field(default_factory=set)

    def add_file(self, file: str, file_digest: str) -> None:
        """Record that a file with this digest was read."""
        if self.files.setdefault(file, file_digest) != file_digest:
            self.files[file] = CHANGED

    def add_folder(self, folder: str, names_digest: str) -> None:
        """Record that a folder with this digest of its names was listed."""
        if self.listed.setdefault(folder, names_digest) != names_digest:
            self.listed[folder] = CHANGED

    def add(self, other: Dependencies) -> None:
        """Add the files and listed folders of ``other``."""
        for file, file_digest in other.files.items():
            self.add_file(file, file_digest)
        for folder, names_digest in other.listed.items():
            self.add_folder(folder, names_digest)

    def changed(self) -> bool:
        """Whether something changed during the run."""
        return CHANGED in self.files.values() or CHANGED in self.listed.values()

    def to_json(self) -> dict[str, Any]:
        """The dependencies as JSON data, for :meth:`CurrentFiles.unchanged`."""
        return {
            "files": dict(sorted(self.files.items())),
            "listed": dict(sorted(self.listed.items())),
            "searched": {
                folder: {
                    "names": sorted(names),
                    "on_path": folder in self.on_path,
                    "present": _present(importable(folder), names, folder in self.on_path),
                }
                for folder, names in sorted(self.searched.items())
            },
        }


class CurrentFiles:
    """The user's files as they are now; each file and folder is read at most once."""

    def __init__(self) -> None:
        self._digest = lru_cache(None)(digest_of)
        self._listing = lru_cache(None)(digest_of_names)
        self._importable = lru_cache(None)(importable)

    def digests(self, files: Iterable[str]) -> dict[str, str]:
        """The digest of each file."""
        return {file: self._digest(file) for file in files}

    def unchanged(self, dependencies: Mapping[str, Any]) -> bool:
        """Whether nothing has changed since :meth:`Dependencies.to_json` was called."""
        return (
            self.digests(dependencies["files"]) == dependencies["files"]
            and all(self._listing(f) == before for f, before in dependencies["listed"].items())
            and all(
                _present(self._importable(folder), search["names"], search["on_path"])
                == search["present"]
                for folder, search in dependencies["searched"].items()
            )
        )


def digest_of(file: str) -> str:
    """The digest of a file's contents; a fixed word if it cannot be read."""
    try:
        with open(file, "rb") as opened:
            return digest(opened.read())
    except OSError:
        return _ABSENT


def digest_of_names(folder: str) -> str:
    """The digest of the names in a folder; a fixed word if it cannot be listed."""
    try:
        return digest("\0".join(sorted(set(os.listdir(folder)).difference(_IGNORED))))
    except OSError:
        return _ABSENT


def _present(names: frozenset[str], searched: Iterable[str], on_path: bool) -> list[str]:
    """Which of the ``searched`` modules, and of those that could be hidden, a folder contains."""
    wanted = set(searched).union(other_module_names()) if on_path else set(searched)
    return sorted(names & wanted)
