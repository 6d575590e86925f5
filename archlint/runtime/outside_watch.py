"""Sees what code learns from outside the process that Python's audit hooks do not report.

Those are questions about a path, clocks, entropy, facts about the machine, environment variables,
and files that native code reads.
"""

from __future__ import annotations

import functools
import os
import pathlib
import random
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import FrameType, MethodType, ModuleType
from typing import Any

from archlint.runtime.process_lock import PROCESS_LOCK

Called = Callable[[str, tuple[Any, ...], dict[str, Any], FrameType], None]
"""Called before a function with its name, its arguments and the frame of its caller."""

VariableRead = Callable[["bytes | str | None", FrameType], None]
"""Called before an environment variable is read, with its name; ``None``: all of them."""

FileRead = Callable[[object, FrameType], None]
"""Called before native code reads a file, with its path."""

PATH_FUNCTIONS = ("os.stat", "os.lstat", "os.readlink", "os.access", "os.open")

_CLOCKS = "time monotonic perf_counter process_time thread_time clock_gettime"
_MACHINE = {
    "time": f"{_CLOCKS} {_CLOCKS.replace(' ', '_ns ')}_ns localtime gmtime ctime asctime strftime",
    "os": "urandom getrandom getpid getppid getuid geteuid getlogin cpu_count process_cpu_count "
    "sched_getaffinity getloadavg times uname statvfs fstatvfs get_terminal_size sysconf confstr "
    "pathconf umask getgid getegid getgroups getpgrp getpgid getsid getpriority nice getresuid "
    "getresgid getgrouplist sched_getscheduler sched_getparam sched_rr_get_interval",
    "timeit": "default_timer timeit repeat",
    "signal": "getitimer",
    "gc": "get_stats get_count",
    "sys": "_current_frames _current_exceptions",
    "pwd": "getpwuid getpwnam getpwall",
    "grp": "getgrgid getgrnam getgrall",
    "resource": "getrlimit getrusage prlimit",
    "uuid": "uuid1 getnode",
    "socket": "if_nameindex if_nametoindex",
    "_posixsubprocess": "fork_exec",  # through which multiprocessing spawns
    "platform": "node uname release version platform processor",
    "random": "_urandom",  # through which SystemRandom and secrets draw
    "torch": "get_num_threads get_num_interop_threads seed",
    "torch.random": "seed",
    "torch.backends.cpu": "get_cpu_capability",
    "torch.cpu": "get_capabilities _is_avx2_supported _is_avx512_supported _is_vnni_supported "
    "_is_avx512_bf16_supported _is_amx_tile_supported _is_amx_fp16_supported",
    "torch.__config__": "show parallel_info",
}
"""By module: functions whose answers the next run need not get again."""


def watch_functions(called: Called) -> None:
    """Call ``called`` before the functions above, until the process ends."""
    names = ["os.fstat", *PATH_FUNCTIONS]
    names += [f"{m}.{name}" for m, ns in _MACHINE.items() for name in ns.split()]
    import_module("logging")  # reads the clock when it is imported, for itself
    accessor = getattr(pathlib, "_NormalAccessor", None)  # of Python 3.10
    with PROCESS_LOCK:
        for full in names:
            module_name, _, name = full.rpartition(".")
            module = _module(module_name)
            original = getattr(module, name, None)
            if original is None:
                continue
            watched = _Watched(full, original, called)
            setattr(module, name, watched)
            for supports in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
                if original in supports:
                    supports.add(watched)
            if accessor is not None and vars(accessor).get(name) is original:
                setattr(accessor, name, watched)
        _watch_seeds(called)


def _module(name: str) -> ModuleType | None:
    """A module; PyTorch only if it is loaded, and ``None`` if this system has no such module."""
    if name.startswith("torch"):
        return sys.modules.get(name)
    try:
        return import_module(name)
    except ImportError:
        return None


def _watch_seeds(called: Called) -> None:
    """Call ``called`` before one of Python's generators takes its seed from the system."""
    original = random.Random.seed

    @functools.wraps(original)
    def seed(self: random.Random, a: Any = None, version: int = 2) -> None:
        if a is None:
            called("random.seed", (), {}, sys._getframe(1))
        original(self, a, version)

    random.Random.seed = seed  # type: ignore[method-assign]
    random.seed = MethodType(seed, getattr(random.seed, "__self__"))  # noqa: B009


class _Watched:
    """A function that reports its calls.

    An instance, not a Python function: like the built-in function it stands for, it becomes no
    method as an attribute of a class.
    """

    def __init__(self, name: str, original: Callable[..., Any], called: Called) -> None:
        functools.update_wrapper(self, original)
        self.__module__, _, self.__qualname__ = name.rpartition(".")
        self._original, self._called, self._full = original, called, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._called(self._full, args, kwargs, sys._getframe(1))
        return self._original(*args, **kwargs)

    def __reduce__(self) -> str:
        return self.__qualname__


def unwatched(value: Any) -> Any:
    """The function that a watched one calls; anything else as it is."""
    return value._original if type(value) is _Watched else value


def watch_environment(read: VariableRead) -> None:
    """Call ``read`` before environment variables are read, until the process ends."""
    with PROCESS_LOCK:
        kind: Any = type(os.environ)
        own = kind.__getitem__.__code__.co_filename

        class Environment(kind):  # type: ignore[misc]
            def __getitem__(self, key: Any) -> Any:
                read(key, sys._getframe(1))
                return super().__getitem__(key)

            def __iter__(self) -> Iterator[Any]:
                read(None, sys._getframe(1))
                return iter(list(super().__iter__()))

            def __len__(self) -> int:
                read(None, sys._getframe(1))
                return int(super().__len__())

            @property
            def _data(self) -> Any:
                frame = sys._getframe(1)
                if frame.f_code.co_filename != own:  # else a method, which reports by itself
                    read(None, frame)
                return vars(self)["_data"]

            def __repr__(self) -> str:
                read(None, sys._getframe(1))
                return str(super().__repr__())

        os.environ.__class__ = Environment
        if hasattr(os, "environb"):
            os.environb.__class__ = Environment


_READERS: tuple[tuple[str, str, int, str], ...] = (
    ("torch.jit", "load", 0, "f"),
    ("torch", "from_file", 0, "filename"),
    ("torch._C", "PyTorchFileReader.__init__", 1, "name"),
    ("torch", "UntypedStorage.from_file", 0, "filename"),
    ("torch.package", "PackageImporter.__init__", 1, "file_or_buffer"),
    ("torchvision.io", "read_file", 0, "path"),
    ("torchvision.io.image", "read_file", 0, "path"),
    ("torchaudio", "load", 0, "uri"),
    ("torchaudio", "info", 0, "uri"),
    ("safetensors", "safe_open", 0, "filename"),
    ("safetensors.torch", "safe_open", 0, "filename"),
    ("safetensors.numpy", "safe_open", 0, "filename"),
    ("h5py", "File.__init__", 1, "name"),
    ("netCDF4", "Dataset.__init__", 1, "filename"),
)
"""Functions that read a file outside Python: module, name, and the position and name of the path.

``h5py.File`` is such a class: a class stays what it is, and its ``__init__`` reports.
"""


class NativeReaders:
    """The functions of libraries that read files in native code, as far as they are loaded."""

    def __init__(self, read: FileRead) -> None:
        self._read = read
        self._left = list(_READERS)

    def watch(self) -> None:
        """Call ``read`` before the functions of modules that were loaded since the last call."""
        for reader in [r for r in self._left if _is_loaded(r)]:
            self._left.remove(reader)
            module, name, position, keyword = reader
            *path, last = name.split(".")
            owner: Any = functools.reduce(getattr, path, sys.modules[module])
            original = getattr(owner, last)
            if last == "__init__":
                setattr(owner, last, self._method(original, position, keyword))
                continue
            watched = _Watched(f"{module}.{name}", original, self._called(position, keyword))
            setattr(owner, last, staticmethod(watched) if isinstance(owner, type) else watched)

    def _called(self, position: int, keyword: str) -> Called:
        def called(
            _name: str, args: tuple[Any, ...], kwargs: dict[str, Any], frame: FrameType
        ) -> None:
            for path in [kwargs[keyword]] if keyword in kwargs else args[position : position + 1]:
                self._read(path, frame)

        return called

    def _method(self, original: Any, position: int, keyword: str) -> Any:
        called = self._called(position, keyword)

        @functools.wraps(original)
        def method(*args: Any, **kwargs: Any) -> Any:
            called("", args, kwargs, sys._getframe(1))
            return original(*args, **kwargs)

        return method


def _is_loaded(reader: tuple[str, str, int, str]) -> bool:
    """Whether the module is imported and has the function by now."""
    module = sys.modules.get(reader[0])
    return reader[1].partition(".")[0] in vars(module) if module is not None else False
