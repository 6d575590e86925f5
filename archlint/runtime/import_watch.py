"""Sees every import of the process, also those of modules that are loaded already."""

from __future__ import annotations

import builtins
import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

from archlint.runtime.process_lock import PROCESS_LOCK

Imported = Callable[[str, "str | None", Any, int], None]
"""Called after an import with its name, the importing package, the names imported and the level.

The frame of the import is two above that of the callback.
"""


def watch_imports(imported: Imported) -> None:
    """Call ``imported`` after every import, until the process ends.

    Python's audit hooks report the first import of a module only.
    """
    with PROCESS_LOCK:
        original, by_name = builtins.__import__, importlib.import_module

        def import_(
            name: str,
            globals: Any = None,
            locals: Any = None,
            fromlist: Any = (),
            level: int = 0,
        ) -> ModuleType:
            try:
                return original(name, globals, locals, fromlist, level)
            finally:
                imported(name, (globals or {}).get("__package__"), fromlist or (), level)

        def import_module(name: str, package: str | None = None) -> ModuleType:
            try:
                return by_name(name, package)
            finally:
                bare = name.lstrip(".")
                imported(bare, package, (), len(name) - len(bare))

        builtins.__import__ = import_
        importlib.import_module = import_module
