"""Finds pack files: those of installed packages, and those at a path.

A package provides packs with an entry point in the group ``archlint.packs``. The entry point's
name is the owner in ``owner/name``; its value is an import package whose folder contains
``NAME/pack.yaml`` or ``NAME.yaml``. The package is not imported, so that a search runs no code.
"""

from __future__ import annotations

import os.path
import re
import sys
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from archlint.contracts.suggestions import did_you_mean
from archlint.errors import ArchlintError

GROUP = "archlint.packs"
FILE = "pack.yaml"
_INSTALLED = re.compile(r"([A-Za-z0-9][\w.-]*)/([A-Za-z0-9][\w.-]*)")
_FORMS = "owner/name of an installed pack, or a path such as ./packs/photo.yaml"


class PackNotFoundError(ArchlintError):
    """There is no such pack. ``found`` and ``expected`` are the two parts of the message."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"{found}; expected {expected}")
        self.found = found
        self.expected = expected


def locate_pack(word: str, base: Path) -> tuple[str, Path]:
    """The name and file of a pack.

    ``word`` is ``owner/name`` or a path relative to ``base``; a pack at a path has an empty name.

    Raises:
        PackNotFoundError: there is no such pack.
    """
    is_file = word.endswith((".yaml", ".yml"))
    installed = None if is_file else _INSTALLED.fullmatch(word)
    if installed:
        return word, _installed_file(installed[1], installed[2])
    if not is_file and not word.startswith((".", "/")):
        raise PackNotFoundError(f"found the pack {word!r}", _FORMS)
    path = Path(os.path.normpath(base / word))
    if path.is_dir():
        path /= FILE
    if not path.is_file():
        raise PackNotFoundError(
            f"found {word!r}, but the file {path} does not exist", "the path of a pack"
        )
    return "", path


def _installed_file(owner: str, name: str) -> Path:
    owners = installed()
    if owner not in owners:
        found = f"found the pack {owner + '/' + name!r}, but no package provides packs of {owner!r}"
        raise PackNotFoundError(found + did_you_mean(owner, list(owners)), _owners(list(owners)))
    files = files_in(owners[owner])
    if name not in files:
        found = f"found the pack {name!r}, which {owner!r} does not provide"
        raise PackNotFoundError(
            found + did_you_mean(name, list(files)), f"one of {', '.join(files)}"
        )
    return files[name]


def _owners(names: list[str]) -> str:
    return f"a pack of {' or '.join(names)}" if names else f"an entry point in {GROUP}"


def installed() -> dict[str, tuple[Path, ...]]:
    """The pack folders of installed packages, by owner."""
    return _installed(tuple(sys.path))


@lru_cache(maxsize=4)
def _installed(_path: tuple[str, ...]) -> dict[str, tuple[Path, ...]]:
    from importlib.metadata import entry_points

    found: dict[str, list[Path]] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda p: (p.name, p.value)):
        folders = found.setdefault(point.name, [])
        folders += [f for f in _folders(point.module) if f not in folders]
    return {owner: tuple(folders) for owner, folders in found.items()}


def _folders(module: str) -> list[Path]:
    """The folders of an import package, found without running its code."""
    top, *rest = module.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return []
    places = (spec and spec.submodule_search_locations) or []
    return [folder for p in places if (folder := Path(p, *rest)).is_dir()]


def files_in(folders: tuple[Path, ...]) -> dict[str, Path]:
    """The pack files in ``folders``, sorted by name; the first folder wins for a name."""
    files: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.iterdir()):
            if path.suffix in (".yaml", ".yml") and path.is_file():
                files.setdefault(path.stem, path)
            elif (path / FILE).is_file():
                files.setdefault(path.name, path / FILE)
    return dict(sorted(files.items()))
