"""What every verdict rests on beside the user's own files: Python, archlint, installed packages.

Nothing is imported to find out: an installed distribution is known by the name of its metadata
folder, which has its version, and by where it was installed from.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path

from archlint.runner.cache.store import digest
from archlint.runtime.code_owner import installed_folder, is_users

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_METADATA = (".dist-info", ".egg-info")
_CODE = (".py", ".pyc", ".so", ".pyd")


def users_folders(path: list[str]) -> list[str]:
    """Of ``sys.path``, the folders that hold the user's own modules."""
    return [p for p in map(os.path.abspath, path) if is_users(p + os.sep)]


@lru_cache(None)
def signature() -> str:
    """Python, the platform, archlint's own files and all installed distributions, as one digest."""
    machine = os.uname().machine if hasattr(os, "uname") else ""
    path = map(os.path.abspath, sys.path)
    parts = [sys.version, sys.platform, machine, sys.prefix, *path, *_distributions(), _own()]
    return digest("\0".join(parts))


@lru_cache(None)
def said(root: Path) -> str:
    """What the project's pyproject.toml says about archlint; the whole of it if it is no TOML."""
    try:
        text = (root / "pyproject.toml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    try:
        return repr(tomllib.loads(text).get("tool", {}).get("archlint"))
    except (tomllib.TOMLDecodeError, AttributeError):
        return text


def importable(folder: str) -> frozenset[str]:
    """The names that an import finds in this folder; none if it cannot be read."""
    names = set()
    try:
        with os.scandir(folder) as found:
            for entry in found:
                stem, dot, _ = entry.name.partition(".")
                if not dot or entry.name.endswith(_CODE):
                    names.add(stem)
    except OSError:
        pass
    return frozenset(names)


@lru_cache(None)
def others_names() -> frozenset[str]:
    """The names of modules that are not the user's: a file of the user's could hide them."""
    folders = filter(installed_folder, sys.path)
    return frozenset(sys.stdlib_module_names).union(*map(importable, folders))


def _distributions() -> list[str]:
    found = []
    for folder in dict.fromkeys(sys.path):
        try:
            names = sorted(os.listdir(folder or os.curdir))
        except OSError:
            continue
        for name in names:
            if name.endswith(_METADATA):
                found += [name, _origin(os.path.join(folder, name))]
    return found


def _origin(metadata: str) -> str:
    """What it offers to others, and where it is from if not from an index: a commit, a folder."""
    text = ""
    for name in ("entry_points.txt", "direct_url.json"):
        try:
            with open(os.path.join(metadata, name), encoding="utf-8") as file:
                text += file.read()
        except (OSError, UnicodeDecodeError):
            pass
    return text


def _own() -> str:
    """archlint's own files: a checkout changes without changing its version."""
    top = Path(__file__).parents[2]
    files = sorted(p for p in top.rglob("*") if p.suffix in (".py", ".yaml") and p.is_file())
    return digest("".join(f"{p.relative_to(top)} {digest(p.read_bytes())}\n" for p in files))
