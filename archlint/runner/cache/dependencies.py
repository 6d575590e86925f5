"""What a verdict rests on among the user's own files, and whether that is still as it was."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from archlint.runner.cache.environment_key import importable, others_names
from archlint.runner.cache.store import NAME, digest

CHANGED = "changed"
"""In the place of a digest: the file changed while it was in use, so nothing can rest on it."""

_ABSENT = "absent"
_NOT_COUNTED = ("__pycache__", NAME)


@dataclass
class Dependencies:
    """What was used, by absolute path.

    ``files``: the digest of each file as it was read. ``listed``: the digest of the names in each
    folder that was listed. ``asked``: for each folder that imports looked into, the names that
    they looked for. ``tops``: those of the folders that were on ``sys.path``, where a new file can
    also hide a module that is not the user's.
    """

    files: dict[str, str] = field(default_factory=dict)
    listed: dict[str, str] = field(default_factory=dict)
    asked: dict[str, set[str]] = field(default_factory=dict)
    tops: set[str] = field(default_factory=set)

    def read(self, file: str, found: str) -> None:
        """The file was used; ``found`` is the digest of what it held."""
        if self.files.setdefault(file, found) != found:
            self.files[file] = CHANGED

    def list(self, folder: str, found: str) -> None:
        """The folder was listed; ``found`` is the digest of its names."""
        if self.listed.setdefault(folder, found) != found:
            self.listed[folder] = CHANGED

    def add(self, other: Dependencies) -> None:
        """All that the other rests on as well."""
        for file, found in other.files.items():
            self.read(file, found)
        for folder, found in other.listed.items():
            self.list(folder, found)

    def changed(self) -> bool:
        """Whether something changed while it was in use."""
        return CHANGED in self.files.values() or CHANGED in self.listed.values()

    def to_json(self) -> dict[str, Any]:
        """As :func:`stands` reads it."""
        return {
            "files": dict(sorted(self.files.items())),
            "listed": dict(sorted(self.listed.items())),
            "asked": {
                folder: {
                    "names": sorted(names),
                    "top": folder in self.tops,
                    "there": _there(importable(folder), names, folder in self.tops),
                }
                for folder, names in sorted(self.asked.items())
            },
        }


class CurrentFiles:
    """The user's files as they are now; each is looked at once."""

    def __init__(self) -> None:
        self._digest = lru_cache(None)(digest_of)
        self._listing = lru_cache(None)(digest_of_names)
        self._importable = lru_cache(None)(importable)

    def digests(self, files: Iterable[str]) -> dict[str, str]:
        """The digest of each file."""
        return {file: self._digest(file) for file in files}

    def stands(self, rests: Mapping[str, Any]) -> bool:
        """Whether everything is as it was. ``rests`` as :meth:`Rests.to_json` gives it."""
        return (
            self.digests(rests["files"]) == rests["files"]
            and all(self._listing(folder) == was for folder, was in rests["listed"].items())
            and all(
                _there(self._importable(folder), asked["names"], asked["top"]) == asked["there"]
                for folder, asked in rests["asked"].items()
            )
        )


def digest_of(file: str) -> str:
    """The digest of a file's contents, or a word for a file that is not there."""
    try:
        with open(file, "rb") as opened:
            return digest(opened.read())
    except OSError:
        return _ABSENT


def digest_of_names(folder: str) -> str:
    """The digest of the names in a folder."""
    try:
        return digest("\0".join(sorted(set(os.listdir(folder)).difference(_NOT_COUNTED))))
    except OSError:
        return _ABSENT


def _there(found: frozenset[str], asked: Iterable[str], top: bool) -> list[str]:
    looked_for = set(asked).union(others_names()) if top else set(asked)
    return sorted(found & looked_for)
