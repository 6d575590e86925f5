"""Records what user code learns from outside its process, so that its verdict can be cached.

Each job has a process of its own, or shares the process that imported its module with other jobs of
that module. So all that happens in the process, in any thread, counts for the job.

Imports, files that are read, questions about paths and environment variables are recorded. What a
later run cannot compare, such as a clock, the network or another process, makes the record
incomplete: then the verdict is not cached.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import threading
from collections.abc import Iterator
from itertools import accumulate, chain, takewhile
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from urllib.parse import unquote

from archlint.runner.cache.bytecode import is_outdated, names_in
from archlint.runner.cache.dependencies import (
    ALL_VARIABLES,
    CHANGED,
    Dependencies,
    digest_of,
    variable_digest,
)
from archlint.runner.cache.not_comparable import NATIVE, NATIVE_CALLS, NOT_COMPARABLE, reads_unseen
from archlint.runner.cache.path_questions import TIMES, UNKNOWABLE, question_of, reads_status
from archlint.runner.resources import SET_VARIABLES
from archlint.runtime import import_watch, outside_watch
from archlint.runtime.code_owner import (
    Owner,
    file_of_module,
    inside_installed,
    is_python,
    is_users,
    library_of,
    namespace_of,
    owner_of,
)

_WATCHES = (__file__, import_watch.__file__, outside_watch.__file__)
_PSEUDO_FILES = ("/proc/", "/sys/")


class DependencyWatch:
    """Records what the job of this process depends on, from :meth:`start` until the process ends.

    ``__import__``, ``importlib.import_module``, the functions of :mod:`.outside_watch` and the
    class of ``os.environ`` are replaced and an audit hook is installed, which Python cannot remove
    again.
    """

    def __init__(self, root: Path) -> None:
        self._root = str(root.resolve()) + os.sep
        self._found = Dependencies()
        self._modules: set[str] = set()  # names that were imported or searched for
        self._path: set[str] = set()  # the user's folders that were on sys.path
        self._loaded: dict[str, str] = {}  # source file -> its digest when it was first loaded
        self._others: set[str] = set()  # packages that are not the user's
        self._own = threading.local()  # ``busy`` while this thread runs the watch's own code
        self._variables: dict[str, str] = {}
        self._last_module = ""  # that was loaded at the start
        self._names_unknowable = False  # whether user code reads parts of a status, anywhere
        self._readers = outside_watch.NativeReaders(self._read_by_library)
        self.incomplete = ""
        """Why the record is incomplete; ``""`` if it is complete."""

    def start(self) -> None:
        """Start the record."""
        self._variables = dict(os.environ)
        self._last_module = next(reversed(sys.modules))
        self._modules.update(filter(self._file, list(sys.modules)))
        self._readers.watch()
        outside_watch.watch_functions(self._called)
        outside_watch.watch_environment(self._variable)
        import_watch.watch_imports(self._imported, self._searched)
        sys.addaudithook(self._audit)

    def dependencies(self) -> dict[str, Any] | None:
        """What the job depends on, as :meth:`Dependencies.to_json` returns it.

        ``None`` if that is not known or has changed during the job.
        """
        data = None
        with self._watching():
            result = self._all_dependencies()
            if self._names_unknowable and {"status", "entries"} & result.answers.keys():
                self.incomplete = "the code reads parts of a status that change by themselves"
            data = None if result.changed() else result.to_json()
        return None if self.incomplete else data

    @contextlib.contextmanager
    def _watching(self) -> Iterator[None]:
        """Run code of the watch, which is not recorded; an error makes the record incomplete."""
        self._own.busy = True
        try:
            yield
        except Exception as e:
            self.incomplete = self.incomplete or f"the watch failed: {e!r}"
        finally:
            self._own.busy = False

    def _is_busy(self) -> bool:
        return getattr(self._own, "busy", False)

    # -- imports ------------------------------------------------------------------------------

    def _imported(self, name: str, package: str | None, fromlist: Any, level: int) -> None:
        if self._is_busy():
            return
        with self._watching():
            frame = sys._getframe(2)
            if level:
                parent = (package or "").rsplit(".", level - 1)[0]
                name = f"{parent}.{name}" if name else parent
            top = name.partition(".")[0]
            by_user = self._owner(frame.f_code.co_filename) is Owner.USER
            if by_user and top in NATIVE and top in sys.modules:
                self.incomplete = f"{top} was imported"
            self._readers.watch()
            others = self._is_others(top)
            if others and not by_user:
                return
            names = [] if others else [name]
            for item in fromlist if names else ():
                module = sys.modules.get(name)
                items = getattr(module, "__all__", ()) if item == "*" else (item,)
                names += [f"{name}.{i}" for i in items]
            self._modules.update(names)
            self._path.update(self._user_folders(sys.path))

    def _searched(self, folder: str, name: str) -> None:
        if not self._is_busy():
            with self._watching():
                folder = os.path.abspath(folder)
                if self._is_users(folder + os.sep):
                    names = self._found.searched.setdefault(folder, set())
                    names.add(name.rpartition(".")[2])

    def _is_others(self, package: str) -> bool:
        if package in self._others:
            return True
        if package in sys.modules and not (self._file(package) or self._folders(package)):
            self._others.add(package)
            return True
        return False

    # -- audit events -------------------------------------------------------------------------

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        record = _RECORDS.get(event)
        if record is None or self._is_busy():
            return
        frame: FrameType | None = sys._getframe()
        with self._watching():
            assert frame is not None
            record(self, event, args, frame.f_back)

    def _opened(self, _event: str, args: tuple[Any, ...], frame: FrameType | None) -> None:
        path, mode, flags = args
        if not _reads(mode, flags) or not isinstance(path, (str, bytes, os.PathLike)):
            return  # a file descriptor, whose file was opened before, or not a path
        file = os.path.abspath(os.fsdecode(path))
        if file.endswith(".pyc"):
            self._compiled(file)
        elif not self._is_users(file):
            if file.startswith(_PSEUDO_FILES) and self._caller(frame)[0] is Owner.USER:
                self.incomplete = f"{file} was read"
        elif not os.path.exists(file) or os.path.isfile(file):
            if file == self._root + "pyproject.toml" and self._caller(frame)[0] is Owner.ARCHLINT:
                return  # archlint's settings are part of the key
            digest = digest_of(file)
            if file.endswith(".py"):
                self._loaded.setdefault(file, digest)
            self._found.add_file(file, digest)
        elif file != os.devnull and self._caller(frame)[0] is Owner.USER:
            self.incomplete = f"{file} was read"

    def _compiled(self, file: str) -> None:
        try:
            source = importlib.util.source_from_cache(file)
        except ValueError:
            source = file
        if self._is_users(source) and os.path.isfile(source):
            digest = CHANGED if is_outdated(source, file) else digest_of(source)
            self._loaded.setdefault(source, digest)
            self._found.add_file(source, digest)
        else:
            self._record_file(file)

    def _listed(self, event: str, args: tuple[Any, ...], frame: FrameType | None) -> None:
        if frame and frame.f_code.co_filename.startswith("<frozen importlib"):
            return  # ``_imported`` records its names
        owner, library, _, _ = self._caller(frame)
        if owner is Owner.ARCHLINT:
            return
        if isinstance(args[0], int):
            self.incomplete = "a folder was listed through its descriptor"
            return
        folder = os.path.abspath(os.fsdecode(args[0] or os.curdir))
        if self._is_users(folder + os.sep):
            direct = event == "os.scandir" and not library
            self._found.add_answer("entries" if direct else "names", folder)
        elif owner is Owner.USER and folder.startswith((*_PSEUDO_FILES, "/proc", "/sys")):
            self.incomplete = f"{folder} was listed"

    def _entered(self, _event: str, args: tuple[Any, ...], frame: FrameType | None) -> None:
        folder = "" if isinstance(args[0], int) else os.path.abspath(os.fsdecode(args[0]))
        if self._is_users(folder + os.sep) and self._caller(frame)[0] is not Owner.ARCHLINT:
            self._found.add_answer("target", folder)

    def _library_loaded(self, _event: str, args: tuple[Any, ...], frame: FrameType | None) -> None:
        name = args[0]
        if isinstance(name, (str, bytes)) and os.path.isfile(name):
            self._record_file(os.fsdecode(name))
        if self._caller(frame)[0] is Owner.USER:
            self.incomplete = f"the library {name} was loaded, which can read anything"

    def _database(self, _event: str, args: tuple[Any, ...], _frame: FrameType | None) -> None:
        name = os.fsdecode(args[0])
        if name.startswith("file:"):
            name = unquote(name.removeprefix("file:").partition("?")[0])
        if name and name != ":memory:":
            for file in (name, name + "-wal", name + "-journal"):
                self._record_file(file)

    def _extension(self, _event: str, args: tuple[Any, ...], _frame: FrameType | None) -> None:
        if isinstance(args[1], str):
            self._record_file(args[1])

    def _executed(self, _event: str, args: tuple[Any, ...], _frame: FrameType | None) -> None:
        code = args[0]
        if isinstance(code, CodeType) and self._owner(code.co_filename) in _USERS:
            self.incomplete = reads_unseen(code) or self.incomplete
            self._names_unknowable |= not UNKNOWABLE.isdisjoint(names_in(code))

    def _native_call(self, event: str, _args: tuple[Any, ...], frame: FrameType | None) -> None:
        if self._caller(frame)[0] is Owner.USER:
            self.incomplete = f"{event} was used, which can read anything"

    def _not_comparable(self, event: str, _args: tuple[Any, ...], frame: FrameType | None) -> None:
        if self._caller(frame)[0] is not Owner.ARCHLINT:
            self.incomplete = f"{event} was used"

    # -- calls --------------------------------------------------------------------------------

    def _called(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType
    ) -> None:
        if self._is_busy() or self._is_archlints(frame):
            return
        with self._watching():
            owner, library, function, code = self._caller(frame)
            if owner is Owner.ARCHLINT:
                return
            sizes = not code or (reads_status(code) and TIMES.isdisjoint(code.co_names))
            if (name == "os.fstat" and (library or sizes)) or (name == "os.umask" and library):
                return  # the file was recorded when it was opened; the mode is of a new file
            if name not in outside_watch.PATH_FUNCTIONS:
                if owner is Owner.USER:
                    self.incomplete = f"{name} was called"
                return
            path = args[0] if args else kwargs.get("path")
            if name == "os.open" or isinstance(path, int) or kwargs.get("dir_fd") is not None:
                if kwargs.get("dir_fd") is not None and owner is Owner.USER:
                    self.incomplete = f"{name} was called relative to an open folder"
                return  # the file of a descriptor was recorded when it was opened
            question: str | None = "kind"
            if name == "os.access":
                question = f"access:{args[1] if len(args) > 1 else kwargs['mode']}"
            elif name != "os.readlink" and not (name == "os.lstat" and function == "realpath"):
                question = question_of(library, function, code)
            if question == "":
                self.incomplete = f"{name} was queried for times of access or change"
            elif question:
                file = os.path.abspath(os.fsdecode(path))  # type: ignore[arg-type]
                if self._is_users(file) or file.startswith(("/dev/", *_PSEUDO_FILES)):
                    self._found.add_answer(question, file)

    def _variable(self, name: bytes | str | None, frame: FrameType) -> None:
        if self._is_busy() or self._is_archlints(frame):
            return
        with self._watching():
            owner = self._caller(frame)[0]
            if owner is Owner.ARCHLINT:
                return
            text = ALL_VARIABLES if name is None else os.fsdecode(name)
            if text in SET_VARIABLES:
                if owner is Owner.USER:
                    self.incomplete = f"{text} was read, which archlint sets"
                return
            self._found.environment[text] = variable_digest(text, self._variables)

    def _read_by_library(self, path: object, _frame: FrameType) -> None:
        if isinstance(path, (str, bytes, os.PathLike)) and not self._is_busy():
            with self._watching():
                self._record_file(os.fsdecode(path))

    def _record_file(self, name: str) -> None:
        file = os.path.abspath(name)
        if self._is_users(file):
            self._found.add_file(file, digest_of(file))

    # -- whose code and whose files -----------------------------------------------------------

    def _caller(self, frame: FrameType | None) -> tuple[Owner, str, str, CodeType | None]:
        """Who called: the owner of the nearest code that is not the standard library's.

        Also the module and the function of the standard library that this code called, if any, and
        the code. A thread that runs a function of the standard library is the user's.
        """
        library = function = ""
        while frame is not None:
            code = frame.f_code
            if is_python(code.co_filename):
                library, function = library_of(code.co_filename), code.co_name
            elif code.co_filename not in _WATCHES:
                return self._owner(code.co_filename), library, function, code
            frame = frame.f_back
        return Owner.USER, library, function, None

    def _is_archlints(self, frame: FrameType) -> bool:
        """Whether archlint itself called, as it does most often."""
        file = frame.f_code.co_filename
        return file not in _WATCHES and self._owner(file) is Owner.ARCHLINT

    def _owner(self, file: str) -> Owner:
        return Owner.USER if self._is_in_project(file) else owner_of(file)

    def _is_users(self, path: str) -> bool:
        return self._is_in_project(path) or is_users(path)

    def _is_in_project(self, path: str) -> bool:
        """Whether a path is in the project, wherever that lies, and not installed in it."""
        return path.startswith(self._root) and not inside_installed(path[len(self._root) - 1 :])

    def _user_folders(self, path: list[str]) -> list[str]:
        return [p for p in map(os.path.abspath, path) if self._is_users(p + os.sep)]

    def _file(self, name: str) -> str:
        """The file of a loaded module; ``""`` if it has none or it is not the user's own."""
        file = file_of_module(sys.modules.get(name))
        path = os.path.abspath(file) if file else ""
        return path if path and self._is_users(path) else ""

    def _folders(self, package: str) -> list[str]:
        """The user's folders that a loaded package searches for its modules."""
        path = namespace_of(sys.modules.get(package)).get("__path__")
        return self._user_folders([p for p in path or () if isinstance(p, str)])

    # -- the dependencies of the job ----------------------------------------------------------

    def _all_dependencies(self) -> Dependencies:
        """What was recorded, and the user's modules that are loaded now."""
        result = self._found
        later = takewhile(lambda name: name != self._last_module, reversed(list(sys.modules)))
        self._modules.update(filter(self._file, later))
        for folder in self._path:
            result.on_path.add(folder)
            result.searched.setdefault(folder, set())
        with_parents = (accumulate(name.split("."), "{}.{}".format) for name in self._modules)
        for name in set(chain.from_iterable(with_parents)):
            if file := self._file(name):
                result.add_file(file, self._loaded.get(file) or digest_of(file))
            parent, _, last = name.rpartition(".")
            for folder in self._folders(parent) if parent else result.on_path:
                result.searched.setdefault(folder, set()).add(last)
        return result


_USERS = (Owner.USER, Owner.TEXT)
_RECORDS: dict[str, Any] = {
    "open": DependencyWatch._opened,
    "os.listdir": DependencyWatch._listed,
    "os.scandir": DependencyWatch._listed,
    "os.chdir": DependencyWatch._entered,
    "ctypes.dlopen": DependencyWatch._library_loaded,
    "sqlite3.connect": DependencyWatch._database,
    "import": DependencyWatch._extension,
    "exec": DependencyWatch._executed,
    **dict.fromkeys(NATIVE_CALLS, DependencyWatch._native_call),
    **dict.fromkeys(NOT_COMPARABLE, DependencyWatch._not_comparable),
}
"""What each audit event is recorded by."""


def _reads(mode: object, flags: object) -> bool:
    """Whether ``open`` was called to read a file."""
    if isinstance(mode, str):
        return "r" in mode or "+" in mode
    return isinstance(flags, int) and flags & os.O_ACCMODE != os.O_WRONLY
