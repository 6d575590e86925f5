"""What every verdict depends on besides the user's own files: Python, archlint, installed packages.

Nothing is imported for it: the name of a distribution's metadata folder contains its version, and
``direct_url.json`` in it says where it was installed from.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache
from pathlib import Path

from archlint.runner.cache.store import digest
from archlint.runtime.code_owner import installed_folder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_METADATA = (".dist-info", ".egg-info")
_CODE = (".py", ".pyc", ".so", ".pyd")
_RECORD = "torch_archlint-*.dist-info/RECORD"
_GPU = "nvidia"
_TIME_ZONE = "/etc/localtime"
_VARIABLES = (
    "LANG", "LC_", "TZ", "LD_", "CUDA", "NVIDIA_", "PYTHON", "PYTORCH", "TORCH", "NPY_", "ATEN_",
)  # fmt: skip
_NOT_COUNTED = ("PYTHONPATH", "PYTHONHASHSEED")  # sys.path is part of the key; archlint sets seeds


@lru_cache(None)
def signature() -> str:
    """One digest of Python, the platform, archlint's own files and all installed distributions."""
    machine = os.uname().machine if hasattr(os, "uname") else ""
    path = map(os.path.abspath, sys.path)
    parts = [
        sys.version,
        sys.platform,
        machine,
        sys.prefix,
        f"{sys.flags.optimize} {sys.flags.utf8_mode}",
        _contents(_TIME_ZONE),
        *path,
        *_devices(),
        *_variables(),
        *_distributions(),
        _archlint_files(),
    ]
    return digest("\0".join(parts))


@lru_cache(None)
def archlint_settings(root: Path) -> str:
    """``[tool.archlint]`` of the project's pyproject.toml; its text if it is not valid TOML."""
    if not (root / "pyproject.toml").is_file():
        return ""
    try:
        text = (root / "pyproject.toml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    try:
        return repr(tomllib.loads(text).get("tool", {}).get("archlint"))
    except (ValueError, RecursionError, AttributeError):
        return text


def importable(folder: str) -> dict[str, list[str]]:
    """The files and folders that an import can find in a folder, by module name.

    None if the folder cannot be listed.
    """
    found: dict[str, list[str]] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                stem, dot, _ = entry.name.partition(".")
                if not dot or entry.name.endswith(_CODE):
                    found.setdefault(stem, []).append(entry.name)
    except OSError:
        pass
    return found


@lru_cache(None)
def other_module_names() -> frozenset[str]:
    """The names of installed and standard modules, which a file of the user's could hide."""
    folders = filter(installed_folder, sys.path)
    return frozenset(sys.stdlib_module_names).union(*map(importable, folders))


def _variables() -> list[str]:
    """Environment variables that Python, PyTorch and the C library read by themselves."""
    chosen = (k for k in os.environ if k.startswith(_VARIABLES) and k not in _NOT_COUNTED)
    return sorted(f"{k}={os.environ[k]}" for k in chosen)


def _devices() -> list[str]:
    """The GPUs of NVIDIA's driver."""
    try:
        return sorted(name for name in os.listdir("/dev") if name.startswith(_GPU))
    except OSError:
        return []


def _distributions() -> list[str]:
    """The installed distributions, and what lies beside them: modules, and files of paths."""
    parts = []
    for folder in dict.fromkeys(sys.path):
        try:
            names = sorted(os.listdir(folder or os.curdir))
        except OSError:
            continue
        for name in names:
            path = os.path.join(folder, name)
            if name.endswith(_METADATA):
                parts += [name, _origin(path)]
            elif installed_folder(folder) and name.endswith((".pth", ".egg-link", ".py")):
                parts += [name, _contents(path)]
            elif installed_folder(folder) and name != "__pycache__":
                parts.append(name)
    return parts


def _origin(metadata: str) -> str:
    """Its entry points, and its commit or folder if it was not installed from an index."""
    names = ("entry_points.txt", "direct_url.json")
    return "".join(_contents(os.path.join(metadata, name)) for name in names)


def _contents(path: str) -> str:
    """The digest of a file; ``""`` if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return digest(file.read())
    except OSError:
        return ""


def _archlint_files() -> str:
    """The digest of archlint's own files: a checkout can change without its version changing.

    That of the record of what was installed, if it was: it has the digest of each file.
    """
    top = Path(__file__).parents[2]
    if installed_folder(str(top.parent)) and (records := sorted(top.parent.glob(_RECORD))):
        return "".join(_contents(str(record)) for record in records)
    parts = []
    for folder, _, names in os.walk(top):
        for name in sorted(names):
            if name.endswith((".py", ".yaml")):
                path = os.path.join(folder, name)
                parts.append(f"{path[len(str(top)) :]} {_contents(path)}")
    return digest("\0".join(sorted(parts)))
