"""Records which files, folders and imports user code uses, so that its verdicts can be cached.

A process checks many jobs but loads a module only once. What the module's code used is therefore
recorded with the module as well, and a later job that uses the module depends on all of it. What
happens during a call counts for the job and for every module with a frame on the stack.

Recorded are imports, files that Python opens, folders that it lists and libraries that it loads.
Not recorded are files that C++ opens, environment variables, other processes and the network.
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
from archlint.runner.cache.environment_key import user_folders
from archlint.runtime.code_owner import is_own, is_python, is_users
from archlint.runtime.import_watch import watch_imports

_PLUGINS = "archlint.contracts.plugins"  # every job depends on what this module imports


@dataclass
class _Usage:
    """What one job, or the code of one module, used."""

    modules: set[str] = field(default_factory=set)
    path: set[str] = field(default_factory=set)  # the user's folders that were on sys.path
    dependencies: Dependencies = field(default_factory=Dependencies)


class DependencyWatch:
    """Records what each job of a worker process depends on.

    A worker process creates one watch before its first job and uses it until the process ends.
    From the first :meth:`start` on, ``__import__`` and ``importlib.import_module`` are wrapped
    and an audit hook is installed; Python cannot remove an audit hook again.
    """

    def __init__(self) -> None:
        self._job = _Usage()
        self._plugins = _Usage()
        self._modules: dict[str, _Usage] = {}  # by module
        self._loaded: dict[str, str] = {}  # source file -> its digest when it was first loaded
        self._before: set[str] = set()
        self._others: set[str] = set()  # packages that are not the user's
        self._own = threading.local()  # ``busy`` while this thread runs the watch's own code
        self._installed = False
        self._failed = False  # the record is incomplete: no verdict of this process can be cached

    def start(self) -> None:
        """Start the record of the next job."""
        if not self._installed:
            self._installed = True
            watch_imports(self._imported)
            sys.addaudithook(self._audit)
        self._job = _Usage()
        self._before = set(sys.modules)

    def dependencies(self) -> dict[str, Any] | None:
        """What the job depends on, as :meth:`Dependencies.to_json` returns it.

        ``None`` if that is not known or has changed during the job.
        """
        self._own.busy = True
        try:
            new = (name for name in set(sys.modules) - self._before if _file(name))
            self._job.modules.update(new)
            dependencies = self._all_dependencies()
            incomplete = self._failed or dependencies.changed()
            return None if incomplete else dependencies.to_json()
        except Exception:
            self._failed = True
            return None
        finally:
            self._own.busy = False

    # -- recording ----------------------------------------------------------------------------

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
            folders = user_folders(sys.path)
            for usage in self._usages(frame):
                usage.modules.update(names)
                usage.path.update(folders)
        except Exception:
            self._failed = True

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
            self._failed = True
        finally:
            self._own.busy = False

    def _opened(self, path: object, frame: FrameType) -> None:
        if not isinstance(path, (str, bytes, os.PathLike)):
            return  # a file descriptor, or not a path
        file = os.path.abspath(os.fsdecode(path))
        if not file.endswith(".pyc"):
            if is_users(file) and (os.path.isfile(file) or not os.path.exists(file)):
                digest = digest_of(file)
                if file.endswith(".py"):
                    self._loaded.setdefault(file, digest)
                elif _by_archlint(frame):
                    return
                self._record_file(file, digest, frame)
            return
        try:
            source = importlib.util.source_from_cache(file)
        except ValueError:
            source = file
        if is_users(source) and os.path.isfile(source):
            digest = CHANGED if is_outdated(source, file) else digest_of(source)
            self._loaded.setdefault(source, digest)
            self._record_file(source, digest, frame)

    def _record_file(self, file: str, digest: str, frame: FrameType) -> None:
        for usage in self._usages(frame):
            usage.dependencies.add_file(file, digest)

    def _listed(self, path: object, frame: FrameType) -> None:
        if isinstance(path, int) or "importlib" in frame.f_code.co_filename:
            return  # an import: ``_imported`` records its names
        folder = os.path.abspath(os.fsdecode(path or os.curdir))  # type: ignore[arg-type]
        if is_users(folder + os.sep):
            digest = digest_of_names(folder)
            for usage in self._usages(frame):
                usage.dependencies.add_folder(folder, digest)

    def _usages(self, frame: FrameType | None) -> Iterator[_Usage]:
        """The record of the job, and those of the modules with a frame on the stack."""
        yield self._job
        seen = set()
        while frame is not None:
            name = frame.f_globals.get("__name__")
            if name not in seen:
                seen.add(name)
                if name == _PLUGINS:
                    yield self._plugins
                elif isinstance(name, str) and is_users(frame.f_code.co_filename):
                    yield self._modules.setdefault(name, _Usage())
            frame = frame.f_back

    # -- the dependencies of a job ------------------------------------------------------------

    def _all_dependencies(self) -> Dependencies:
        """What the job used, and what every module used that it reaches."""
        result = Dependencies()
        reached: set[str] = set()
        todo = [self._job, self._plugins]
        while todo:
            usage = todo.pop()
            result.add(usage.dependencies)
            for folder in usage.path:
                result.on_path.add(folder)
                result.searched.setdefault(folder, set())
            for name in (parent for m in usage.modules for parent in _with_parents(m)):
                if name in reached:
                    continue
                reached.add(name)
                file = _file(name)
                if file:
                    result.add_file(file, self._loaded.get(file) or digest_of(file))
                if file and name in self._modules:
                    todo.append(self._modules[name])
        for name in reached:
            parent, _, last = name.rpartition(".")
            for folder in _folders(parent) if parent else result.on_path:
                result.searched.setdefault(folder, set()).add(last)
        return result


_EVENTS = frozenset(("open", "os.listdir", "os.scandir", "ctypes.dlopen"))


def _reads(mode: object, flags: object) -> bool:
    """Whether ``open`` was called to read a file."""
    if isinstance(mode, str):
        return "r" in mode or "+" in mode
    return isinstance(flags, int) and flags & os.O_ACCMODE != os.O_WRONLY


def _by_archlint(frame: FrameType | None) -> bool:
    """Whether archlint itself opens the file: its settings are part of the key already."""
    while frame is not None and is_python(frame.f_code.co_filename):
        frame = frame.f_back
    return frame is not None and is_own(frame.f_code.co_filename)


def _with_parents(name: str) -> list[str]:
    """``a.b.c``: a, a.b and a.b.c."""
    parts = name.split(".")
    return [".".join(parts[: i + 1]) for i in range(len(parts))]


def _file(name: str) -> str:
    """The file of a loaded module; ``""`` if it has none or it is not the user's own."""
    file = _dict(name).get("__file__")
    if not isinstance(file, str) or not is_users(os.path.abspath(file)):
        return ""
    return os.path.abspath(file)


def _folders(package: str) -> list[str]:
    """The user's folders that a loaded package searches for its modules."""
    path = _dict(package).get("__path__")
    return user_folders([p for p in path or () if isinstance(p, str)])


def _dict(name: str) -> dict[str, Any]:
    """The namespace of a loaded module. ``getattr`` on a lazy module could import it."""
    namespace = getattr(sys.modules.get(name), "__dict__", None)
    return namespace if isinstance(namespace, dict) else {}
