"""Watches what user code imports and reads, so that a verdict knows what it rests on.

A process decides many jobs, and a module is loaded once: what its code asked for is therefore kept
with the module as well, and a later job that uses the module rests on all of it. What happens in a
call counts for the job and for every module whose code is on the stack.

Seen are imports, files that Python opens, folders that it lists and libraries that it loads. Not
seen are files that C++ opens, environment variables, other processes and the network.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from archlint.runner.cache.bytecode import is_outdated
from archlint.runner.cache.dependencies import CHANGED, Dependencies, digest_of, digest_of_names
from archlint.runner.cache.environment_key import users_folders
from archlint.runtime.code_owner import is_own, is_python, is_users
from archlint.runtime.import_watch import watch_imports

_FOR_ALL = "archlint.contracts.plugins"  # what this module imports changes what every job rests on


@dataclass
class _Trail:
    """What one job, or the code of one module, asked for."""

    modules: set[str] = field(default_factory=set)
    path: set[str] = field(default_factory=set)  # the user's folders that were on sys.path
    used: Dependencies = field(default_factory=Dependencies)


class Watch:
    """From :meth:`begin` on, what each job in this process rests on. There is one per process."""

    def __init__(self) -> None:
        self._job = _Trail()
        self._for_all = _Trail()
        self._code: dict[str, _Trail] = {}  # by module
        self._loaded: dict[str, str] = {}  # source file -> its digest when it was first loaded
        self._before: set[str] = set()
        self._others: set[str] = set()  # packages that are not the user's
        self._own = threading.local()  # this thread is inside the watch itself
        self._begun = False
        self._blind = False  # something went wrong: nothing more is known

    def begin(self) -> None:
        """A job begins."""
        if not self._begun:
            self._begun = True
            watch_imports(self._imported)
            sys.addaudithook(self._audit)
        self._job = _Trail()
        self._before = set(sys.modules)

    def end(self) -> dict[str, Any] | None:
        """What the job rests on, as :meth:`Rests.to_json` gives it; ``None`` if that is unknown."""
        self._own.busy = True
        try:
            new = (name for name in set(sys.modules) - self._before if _file(name))
            self._job.modules.update(new)
            rests = self._closed()
            return None if self._blind or rests.changed() else rests.to_json()
        except Exception:
            self._blind = True
            return None
        finally:
            self._own.busy = False

    # -- what happens -------------------------------------------------------------------------

    def _imported(self, name: str, package: str | None, fromlist: Any, level: int) -> None:
        try:
            if level:
                parent = (package or "").rsplit(".", level - 1)[0]
                name = f"{parent}.{name}" if name else parent
            frame = sys._getframe(2)
            others = self._is_others(name.partition(".")[0])
            if others and not is_users(frame.f_code.co_filename):
                return
            names = [] if others else [name]
            for item in fromlist if names else ():
                module = sys.modules.get(name)
                items = getattr(module, "__all__", ()) if item == "*" else (item,)
                names += [f"{name}.{i}" for i in items]
            folders = users_folders(sys.path)
            for trail in self._trails(frame):
                trail.modules.update(names)
                trail.path.update(folders)
        except Exception:
            self._blind = True

    def _is_others(self, package: str) -> bool:
        if package in self._others:
            return True
        if package in sys.modules and not (_file(package) or _folders(package)):
            self._others.add(package)
            return True
        return False

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event not in _EVENTS or getattr(self._own, "busy", False):
            return
        self._own.busy = True
        try:
            if event in ("os.listdir", "os.scandir"):
                self._listed(args[0], sys._getframe(1))
            elif event == "ctypes.dlopen" or _reads(*args[1:3]):
                self._opened(args[0], sys._getframe(1))
        except Exception:
            self._blind = True
        finally:
            self._own.busy = False

    def _opened(self, path: object, frame: FrameType) -> None:
        if not isinstance(path, (str, bytes, os.PathLike)):
            return  # a number, or no path at all
        file = os.path.abspath(os.fsdecode(path))
        if not file.endswith(".pyc"):
            if is_users(file) and (os.path.isfile(file) or not os.path.exists(file)):
                found = digest_of(file)
                if file.endswith(".py"):
                    self._loaded.setdefault(file, found)
                elif _by_archlint(frame):
                    return
                self._used(file, found, frame)
            return
        try:
            source = importlib.util.source_from_cache(file)
        except ValueError:
            source = file
        if is_users(source) and os.path.isfile(source):
            found = CHANGED if is_outdated(source, file) else digest_of(source)
            self._loaded.setdefault(source, found)
            self._used(source, found, frame)

    def _used(self, file: str, found: str, frame: FrameType) -> None:
        for trail in self._trails(frame):
            trail.used.read(file, found)

    def _listed(self, path: object, frame: FrameType) -> None:
        if isinstance(path, int) or "importlib" in frame.f_code.co_filename:
            return  # an import: what it looks for is known better
        folder = os.path.abspath(os.fsdecode(path or os.curdir))  # type: ignore[arg-type]
        if is_users(folder + os.sep):
            found = digest_of_names(folder)
            for trail in self._trails(frame):
                trail.used.list(folder, found)

    def _trails(self, frame: FrameType | None) -> Iterator[_Trail]:
        """The job's, and those of the modules whose code is on the stack."""
        yield self._job
        seen = set()
        while frame is not None:
            name = frame.f_globals.get("__name__")
            if name not in seen:
                seen.add(name)
                if name == _FOR_ALL:
                    yield self._for_all
                elif isinstance(name, str) and is_users(frame.f_code.co_filename):
                    yield self._code.setdefault(name, _Trail())
            frame = frame.f_back

    # -- what follows from it -----------------------------------------------------------------

    def _closed(self) -> Dependencies:
        """The job's trail with those of all modules that it leads to."""
        rests = Dependencies()
        asked: set[str] = set()
        todo = [self._job, self._for_all]
        while todo:
            trail = todo.pop()
            rests.add(trail.used)
            for folder in trail.path:
                rests.tops.add(folder)
                rests.asked.setdefault(folder, set())
            for name in [p for m in trail.modules for p in _with_parents(m) if p not in asked]:
                if name in asked:
                    continue
                asked.add(name)
                file = _file(name)
                if file:
                    rests.read(file, self._loaded.get(file) or digest_of(file))
                if file and name in self._code:
                    todo.append(self._code[name])
        for name in asked:
            parent, _, last = name.rpartition(".")
            for folder in _folders(parent) if parent else rests.tops:
                rests.asked.setdefault(folder, set()).add(last)
        return rests


_EVENTS = frozenset(("open", "os.listdir", "os.scandir", "ctypes.dlopen"))


def _reads(mode: object, flags: object) -> bool:
    """Whether a file is opened to be read."""
    if isinstance(mode, str):
        return "r" in mode or "+" in mode
    return isinstance(flags, int) and flags & os.O_ACCMODE != os.O_WRONLY


def _by_archlint(frame: FrameType | None) -> bool:
    """Whether archlint itself asks: its settings are part of the key."""
    while frame is not None and is_python(frame.f_code.co_filename):
        frame = frame.f_back
    return frame is not None and is_own(frame.f_code.co_filename)


def _with_parents(name: str) -> list[str]:
    """``a.b.c``: a, a.b and a.b.c."""
    parts = name.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def _file(name: str) -> str:
    """The file of a loaded module of the user's; ``""`` if it is none, or has no file."""
    file = _dict(name).get("__file__")
    if not isinstance(file, str) or not is_users(os.path.abspath(file)):
        return ""
    return os.path.abspath(file)


def _folders(package: str) -> list[str]:
    """The user's folders in which a loaded package looks for its modules."""
    path = _dict(package).get("__path__")
    return users_folders([p for p in path or () if isinstance(p, str)])


def _dict(name: str) -> dict[str, Any]:
    """What a loaded module holds. Asking the module itself may import what it stands for."""
    found = getattr(sys.modules.get(name), "__dict__", None)
    return found if isinstance(found, dict) else {}


WATCH = Watch()
"""The watch of this process."""
