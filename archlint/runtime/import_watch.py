"""Records every import of the process, also those of modules that are loaded already or missing."""

from __future__ import annotations

import builtins
import importlib
import importlib.util
from collections.abc import Callable
from importlib.machinery import FileFinder, ModuleSpec
from types import ModuleType
from typing import Any

from archlint.runtime.process_lock import PROCESS_LOCK

Imported = Callable[[str, "str | None", Any, int], None]
"""Called after an import with its name, the importing package, the names imported and the level.

The frame of the import is two above that of the callback.
"""


Searched = Callable[[str, str], None]
"""Called before a folder is searched for a module, with the folder and the name."""


def watch_imports(imported: Imported, searched: Searched) -> None:
    """Call ``imported`` after every import and search for a module, until the process ends.

    Python's audit hooks report the first import of a module only. ``searched`` is called for
    searches in a folder that no function of ``importlib`` reports.
    """
    with PROCESS_LOCK:
        original, by_name = builtins.__import__, importlib.import_module
        search = importlib.util.find_spec

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

        def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
            try:
                return search(name, package)
            finally:
                bare = name.lstrip(".")
                imported(bare, package, (), len(name) - len(bare))

        in_folder = FileFinder.find_spec

        def find_in_folder(
            self: FileFinder, fullname: str, target: ModuleType | None = None
        ) -> ModuleSpec | None:
            searched(self.path, fullname)
            return in_folder(self, fullname, target)

        FileFinder.find_spec = find_in_folder  # type: ignore[method-assign, assignment]
        builtins.__import__ = import_
        importlib.util.find_spec = find_spec
        importlib.import_module = import_module
