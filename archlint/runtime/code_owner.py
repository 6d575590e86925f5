"""Whose code a file is: the user's, a library's, PyTorch's, Python's or archlint's.

Nothing is imported to find out, PyTorch least of all.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from enum import Enum
from functools import cache, lru_cache
from pathlib import Path
from typing import Any


class Owner(Enum):
    """Who maintains a file."""

    USER = "the user's own code: everything that is not one of the others"
    LIBRARY = "an installed package"
    TORCH = "PyTorch"
    PYTHON = "Python and its standard library"
    ARCHLINT = "archlint, and the solver that only archlint calls"
    TEXT = "no file: code compiled from a text, such as a dataclass's ``__init__``"


_INSTALLED = ("site-packages", "dist-packages")
_OWN = str(Path(__file__).parents[1]) + os.sep
_PACKAGES = {"torch": Owner.TORCH, "archlint": Owner.ARCHLINT, "z3": Owner.ARCHLINT}
_PSEUDO_FILES = ("/proc/", "/sys/")


@lru_cache(maxsize=1 << 14)
def owner_of(file: str) -> Owner:
    """The owner of a file by its absolute name, which need not exist (a folder ends in ``/``)."""
    if file.startswith("<"):
        return Owner.PYTHON if file.startswith("<frozen") else Owner.TEXT
    if file.startswith(_OWN):
        return Owner.ARCHLINT
    if file.startswith(_torch_folder()):
        return Owner.TORCH
    package = _installed_package(file)
    if package is not None:  # which may lie below the folder of the standard library
        return _PACKAGES.get(package, Owner.LIBRARY)
    return Owner.PYTHON if file.startswith(_python_folders()) else Owner.USER


@lru_cache(maxsize=1 << 14)
def is_user_code(file: str) -> bool:
    """Whether a frame of this file means something to the user: their code, or a library's."""
    return owner_of(file) in (Owner.USER, Owner.LIBRARY)


def is_users(path: str) -> bool:
    """Whether a file, or a folder with a final separator, is the user's own."""
    return bool(path) and not path.startswith(_PSEUDO_FILES) and owner_of(path) is Owner.USER


def namespace_of(module: object) -> dict[str, Any]:
    """The names of a module. ``getattr`` on a lazy module could import it."""
    namespace = getattr(module, "__dict__", None)  # not every entry of ``sys.modules`` is a module
    return namespace if isinstance(namespace, dict) else {}


def file_of_module(module: object) -> str | None:
    """The file of a module."""
    file = namespace_of(module).get("__file__")
    return file if isinstance(file, str) else None


def is_python(file: str) -> bool:
    """Whether the code is Python's own, or compiled from a text."""
    return owner_of(file) in (Owner.PYTHON, Owner.TEXT)


def library_of(file: str) -> str:
    """The module or package of the standard library that a file is of, as ``genericpath``."""
    folder, name = os.path.split(file.removeprefix("<frozen ").rstrip(">"))
    package = os.path.basename(folder)
    return package if package in ("pathlib", "importlib") else name.partition(".")[0]


def is_own(file: str) -> bool:
    """Whether the file is archlint's."""
    return file.startswith(_OWN)


def distance(file: str) -> int:
    """How far a file is from the user's own code: 0 is theirs, 1 a library's, 2 any other."""
    return {Owner.USER: 0, Owner.LIBRARY: 1}.get(owner_of(file), 2)


def installed_folder(folder: str) -> bool:
    """Whether packages are installed into this folder of ``sys.path``."""
    return os.path.basename(folder) in _INSTALLED


def inside_installed(path: str) -> bool:
    """Whether a part of the path is a folder that packages are installed into."""
    return _installed_package(path) is not None


def _installed_package(file: str) -> str | None:
    """The name of the installed package that the file belongs to; ``None`` if it is not in one."""
    for name in _INSTALLED:
        _, folder, inside = file.rpartition(f"{os.sep}{name}{os.sep}")
        if folder:
            return inside.split(os.sep)[0].partition(".")[0]
    return None


@cache
def _python_folders() -> tuple[str, ...]:
    """The folders of Python's own code; installed packages may lie below them."""
    paths = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
    return tuple({place + os.sep for p in paths for place in (p, os.path.realpath(p))})


@cache
def _torch_folder() -> str:
    """PyTorch's folder; a name that no file has if it is not installed."""
    module = sys.modules.get("torch")
    file = getattr(module, "__file__", None)
    if file is None and module is None:
        spec = importlib.util.find_spec("torch")
        file = spec.origin if spec is not None else None
    return str(Path(file).parent) + os.sep if file else "\0"
