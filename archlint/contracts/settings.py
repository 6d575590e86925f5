"""Finds rule files and projects, and reads ``[tool.archlint]`` of pyproject.toml."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from archlint.contracts.project_files import files_below
from archlint.contracts.suggestions import did_you_mean
from archlint.errors import ArchlintError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEFAULTS = ("archlint.yaml", "archlint.yml", "*.archlint.yaml", "*.archlint.yml", "contracts")
KEYS = ("paths", "unneeded_waivers", "plugins", "locators")
UNNEEDED_WAIVER_LEVELS = ("error", "warning", "off")
_PACK = re.compile(rb"^(?:\xef\xbb\xbf)?([\"']?)pack\1[ \t]*:", re.MULTILINE)
_RULE_FILE = re.compile(rb"^(?:\xef\xbb\xbf)?([\"']?)archlint\1[ \t]*:", re.MULTILINE)
_LARGEST = 1 << 24  # bytes of a pyproject.toml
_HEAD = 1 << 16  # bytes of a file in a folder that are searched for the key


class SettingsError(ArchlintError):
    """Invalid paths or settings."""


def version() -> str:
    """The version of the installed distribution."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("torch-archlint")
    except PackageNotFoundError:
        return "unknown (not installed)"


def project_root(start: Path) -> Path:
    """The nearest folder at or above ``start`` with a pyproject.toml; else ``start`` itself.

    Of a folder ``contracts`` with rule files only, which belongs to a project, it is the parent.
    """
    return _root(os.path.realpath(start))


def current_project() -> Path:
    """The :func:`project_root` of the working directory."""
    return _root(os.getcwd())  # there are no links in it


def _root(start: str) -> Path:
    folder, below = start, ""
    while folder != below:
        if os.path.isfile(os.path.join(folder, "pyproject.toml")):
            return Path(folder)
        folder, below = os.path.dirname(folder), folder
    path = Path(start)
    if path.name != DEFAULTS[-1] or (path / ".git").exists() or any(path.glob("*.py")):
        return path
    return path.parent


def rule_files(paths: Sequence[str], packs: bool = False) -> list[Path]:
    """The rule files at ``paths``, without repetition, in a fixed order.

    A file is taken as it is. A folder is searched for rule files, and with ``packs`` for packs too.
    Without ``paths``, those of ``[tool.archlint]`` or of the default places are used.

    Raises:
        SettingsError: a path does not exist, or a folder contains no rule file.
    """
    found = [file for path in paths for file in _expand(Path(path), packs)] or default_files()
    unique: dict[Path, Path] = {}
    for file in found:
        unique.setdefault(file.resolve(), file)
    return list(unique.values())


def default_files() -> list[Path]:
    """The rule files of the current project. Raises SettingsError if there are none."""
    root = current_project()
    paths = configured_paths(root / "pyproject.toml")
    if paths:
        return [file for path in paths for file in _expand(shorten(root / path))]
    places = sorted({place for pattern in DEFAULTS for place in root.glob(pattern)})
    files = [
        file for place in places for file in (_in_folder(place) if place.is_dir() else [place])
    ]
    if not files:
        raise SettingsError(
            f"no rule file found in {root}: looked for paths in [tool.archlint] of "
            "pyproject.toml, archlint.yaml, *.archlint.yaml and contracts/; pass a path, as in "
            "archlint check PATH, or write a first rule file with archlint init"
        )
    return [shorten(file) for file in files]


def configured_paths(pyproject: Path) -> list[str]:
    """``paths`` of ``[tool.archlint]``; empty if it is not set."""
    return _strings(pyproject, "paths")


def configured_plugins(pyproject: Path) -> list[str]:
    """``plugins`` of ``[tool.archlint]``: modules that implement hooks."""
    return _strings(pyproject, "plugins")


def configured_prefixes(pyproject: Path) -> list[str]:
    """``locators`` of ``[tool.archlint]``: prefixes of targets that its plugins locate."""
    return _strings(pyproject, "locators")


def unneeded_waivers(pyproject: Path) -> str:
    """How an unused waiver counts: one of ``UNNEEDED_WAIVER_LEVELS``, by default ``error``."""
    value = _settings(pyproject).get("unneeded_waivers", UNNEEDED_WAIVER_LEVELS[0])
    if value not in UNNEEDED_WAIVER_LEVELS:
        raise SettingsError(
            f"{pyproject}: found unneeded_waivers = {value!r} in [tool.archlint]; "
            f"expected one of {', '.join(UNNEEDED_WAIVER_LEVELS)}"
        )
    return str(value)


def _strings(pyproject: Path, key: str) -> list[str]:
    value = _settings(pyproject).get(key, [])
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise SettingsError(f"{pyproject}: {key} in [tool.archlint] must be a list of strings")
    return value


def _settings(pyproject: Path) -> dict[str, object]:
    """The table ``[tool.archlint]``; empty if there is none. Raises SettingsError if invalid."""
    if not pyproject.is_file():
        return {}
    try:
        at = pyproject.stat()
        if at.st_size > _LARGEST:
            raise SettingsError(f"{pyproject}: found a file of more than {_LARGEST >> 20} MiB")
        table = _tools(pyproject, at.st_mtime_ns, at.st_size)
    except RecursionError as e:
        raise SettingsError(f"{pyproject}: found a value that is nested too deeply") from e
    except (ValueError, OSError) as e:  # no TOML, no UTF-8, or a number of too many digits
        raise SettingsError(f"{pyproject}: {e}") from e
    table = table.get("archlint", {}) if isinstance(table, dict) else {}
    if not isinstance(table, dict):
        raise SettingsError(f"{pyproject}: [tool.archlint] must be a table")
    for key in table:
        if key not in KEYS:
            raise SettingsError(
                f"{pyproject}: unknown key {key!r} in [tool.archlint]{did_you_mean(key, KEYS)}"
            )
    return table


@lru_cache(maxsize=4)
def _tools(pyproject: Path, changed: int, size: int) -> object:
    """The table ``[tool]``, cached by modification time (ns) and size of the file."""
    return tomllib.loads(pyproject.read_text(encoding="utf-8")).get("tool", {})


def _expand(path: Path, packs: bool = False) -> list[Path]:
    if path.is_dir():
        files = list(_in_folder(path, packs))
        if not files:
            raise SettingsError(
                f"{path}: no rule file in this folder (a YAML file with the key archlint)"
            )
        return files
    if not path.exists():
        names = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise SettingsError(f"{path}: no such file or folder{did_you_mean(path.name, names)}")
    if path.suffix == ".py":
        raise SettingsError(
            f"{path} is a Python file; expected a rule file, which archlint init {path} writes, or "
            f"a model with jaxtyping annotations, {path}:NAME"
        )
    return [path]


def _in_folder(folder: Path, packs: bool = False) -> Iterator[Path]:
    """The rule files under ``folder``, except in hidden folders and virtual environments."""
    for file in files_below(folder):
        if file.suffix in (".yaml", ".yml") and _is_rule_file(file, packs):
            yield file


def _is_rule_file(file: Path, packs: bool) -> bool:
    """Whether the file has the key ``archlint`` and, unless ``packs``, not the key ``pack``."""
    head = _head(file)
    return _RULE_FILE.search(head) is not None and (packs or _PACK.search(head) is None)


def is_pack(file: Path) -> bool:
    """Whether the file has the key ``pack``."""
    return _PACK.search(_head(file)) is not None


def _head(file: Path) -> bytes:
    if not file.is_file():
        return b""  # reading a FIFO or a device might never end
    try:
        with file.open("rb") as opened:
            return opened.read(_HEAD)
    except OSError:
        return b""


def shorten(path: Path) -> Path:
    """The path relative to the current folder if it is inside it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
