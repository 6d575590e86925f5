"""Restores the state of PyTorch, Python and the process after user code ran."""

from __future__ import annotations

import builtins
import contextlib
import gc
import io
import os
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import is_
from types import FrameType
from typing import Any

import torch

from archlint.runtime.code_owner import Owner, owner_of
from archlint.runtime.environment import change_variables, set_variables, variables
from archlint.runtime.numpy_generator import NumpyState
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.uninterruptible import uninterrupted


class _LimitedBytes(io.BytesIO):
    """Bytes up to a limit; they stay readable when user code closes the file."""

    limit = 1 << 20

    def write(self, data: Any, /) -> int:
        if self.tell() < self.limit:
            super().write(data)
        return len(data)

    def close(self) -> None:
        pass


class CapturedOutput:
    """What user code printed: ``text`` (stdout and stderr in order), complete at any time."""

    def __init__(self) -> None:
        self._bytes = _LimitedBytes()
        # A real text file: some code writes to sys.stdout.buffer.
        self.file = io.TextIOWrapper(self._bytes, "utf-8", "replace", write_through=True)

    @property
    def text(self) -> str:
        return self._bytes.getvalue().decode("utf-8", "replace")


class SavedState:
    """The state of PyTorch, Python and the process at one moment.

    Random states (torch, Python, numpy when loaded), grad mode, default dtype and device,
    determinism, autocast, matmul precision, threads, global hooks of modules, modes of
    ``torch.overrides`` that were entered, working directory, ``os.environ``, ``sys.path``,
    recursion limit, ``tempfile.tempdir``, and what was replaced in ``builtins`` or taken out of
    ``sys.meta_path`` and ``sys.path_hooks``.
    """

    def __init__(self) -> None:
        self._builtins = _Builtins()
        self._undo: list[Callable[[], Any]] = [
            self._builtins, *_python_state(), *_torch_state(),
        ]  # fmt: skip

    def restore(self) -> None:
        """Put the state back. May be called more than once."""
        self._builtins()  # first, as what restores the others calls them
        with uninterrupted():
            _run_all(self._undo)

    def changes(self) -> Callable[[], None]:
        """A function that repeats the changes since then, except to random states.

        For a module that is imported already: what its import set was put back after the check.
        """
        steps = [redo for step in self._undo if (redo := getattr(step, "changes", None))]
        again = [change for redo in steps if (change := redo()) is not None]

        def make() -> None:
            for change in again:
                change()

        return make


def _run_all(steps: Sequence[Callable[[], Any]]) -> None:
    """Run every step, also those after one that raises."""
    for at, step in enumerate(steps):
        try:
            step()
        except BaseException:
            _run_all(steps[at + 1 :])
            raise


@contextlib.contextmanager
def preserve_random_state() -> Iterator[None]:
    """Restore the random states of torch, Python and numpy (when loaded) after the block."""
    undo = list(_random_state())
    try:
        yield
    finally:
        with uninterrupted():
            for step in undo:
                step()


@contextlib.contextmanager
def captured_output() -> Iterator[CapturedOutput]:
    """Capture what user code prints inside; warnings are ignored, and standard input is empty.

    What the code does to PyTorch and Python stays. One thread at a time is inside such a block.
    """
    with PROCESS_LOCK, contextlib.ExitStack() as stack:
        output = CapturedOutput()
        stack.callback(setattr, sys, "stdin", sys.stdin)
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # a test run that makes errors of them refuses no size
        stack.enter_context(contextlib.redirect_stdout(output.file))
        stack.enter_context(contextlib.redirect_stderr(output.file))
        sys.stdin = io.StringIO()
        yield output


def seed_generators(seed: int) -> None:
    """Seed the random generators of torch, Python and, when loaded, numpy."""
    devices: tuple[Any, ...] = (torch.cuda, torch.xpu)
    if any(device.is_initialized() for device in devices) or torch.backends.mps.is_available():
        torch.manual_seed(seed)
    else:  # without the stack that PyTorch keeps for each device that might be used later
        torch.default_generator.manual_seed(seed)
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)


@contextlib.contextmanager
def preserve_process_state() -> Iterator[CapturedOutput]:
    """Undo what user code inside the block does to PyTorch's settings, Python and the process.

    :class:`SavedState` says what is restored; output is captured as by :func:`captured_output`.

    All of this exists once per process, so one thread at a time is inside such a block: others wait
    for :data:`~archlint.runtime.process_lock.PROCESS_LOCK`.
    """
    with captured_output() as output:
        saved = SavedState()
        try:
            yield output
        finally:
            saved.restore()


@contextlib.contextmanager
def recursion_limit_kept() -> Iterator[None]:
    """Let a model recurse as deep as without archlint's frames around it; put the limit back."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + _frames_around())
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


def _frames_around() -> int:
    """How many frames lie between the user's code that asked archlint and the caller."""
    frame: FrameType | None = sys._getframe(3)  # past contextlib's
    count = 3
    while frame is not None and owner_of(frame.f_code.co_filename) is not Owner.USER:
        count += 1
        frame = frame.f_back
    return count


def default_device() -> torch.device:
    """The device of new tensors; torch 2.6 has no other way to ask once the default is unset."""
    return torch.empty(0).device


class Setting:
    """One setting; calling this puts back the value that it had when this was made."""

    def __init__(self, get: Callable[[], Any], put: Callable[[Any], Any]) -> None:
        self._get, self._put = get, put
        self._was = get()

    def __call__(self) -> None:
        if self._get() != self._was:
            self._put(self._was)

    def changed(self) -> bool:
        """Whether it has another value now."""
        return bool(self._get() != self._was)

    def changes(self) -> Callable[[], None] | None:
        """A function that sets the current value again; ``None`` if it has not changed."""
        now = self._get()
        return None if now == self._was else partial(self._put, now)


class _Environment(Setting):
    """The environment variables."""

    def __init__(self) -> None:
        super().__init__(variables, set_variables)

    def changes(self) -> Callable[[], None] | None:
        """A function that sets and deletes the variables that were set and deleted."""
        now = self._get()
        new = {name: value for name, value in now.items() if self._was.get(name) != value}
        gone = self._was.keys() - now.keys()
        return partial(change_variables, new, gone) if new or gone else None


class _ImportPath(Setting):
    """``sys.path``, which may have become another list."""

    def __init__(self) -> None:
        path = sys.path
        super().__init__(lambda: list(sys.path), lambda was: path.__setitem__(slice(None), was))
        self._path = path

    def __call__(self) -> None:
        sys.path = self._path
        super().__call__()

    def changes(self) -> Callable[[], None] | None:
        """A function that adds the folders that were added: in front if they are in front now."""
        new = [folder for folder in self._get() if folder not in self._was]
        first = bool(new) and self._get()[0] == new[0]
        return partial(_add_folders, new, first) if new else None


class _Builtins(Setting):
    """Python's own functions, such as ``isinstance``, without those that libraries replace."""

    def __init__(self) -> None:
        super().__init__(lambda: vars(builtins).copy(), vars(builtins).update)

    def _replaced(self) -> dict[str, Any]:
        now = vars(builtins)
        return {
            name: now[name]
            for name, value in self._was.items()
            if name not in _OFTEN_REPLACED and name in now and now[name] is not value
        }

    def __call__(self) -> None:
        now, was = builtins.__dict__, self._was
        if _LEN(now) == _LEN(was) and _ALL(_MAP(is_, now.values(), was.values())):
            return
        for name in was:  # no function of builtins may be called here
            if name not in now or (name not in _OFTEN_REPLACED and now[name] is not was[name]):
                now[name] = was[name]

    def changes(self) -> Callable[[], None] | None:
        """A function that replaces the same functions again."""
        new = self._replaced()
        return partial(self._put, new) if new else None


class _Entries(Setting):
    """Entries of a list of Python's: those that were taken out are put back, new ones stay."""

    def __init__(self, entries: list[Any]) -> None:
        super().__init__(lambda: list(entries), lambda was: entries.__setitem__(slice(None), was))

    def __call__(self) -> None:
        now = self._get()
        if any(entry not in now for entry in self._was):
            self._put([*(entry for entry in now if entry not in self._was), *self._was])


def _random_state() -> Iterator[Callable[[], None]]:
    torch_rng, python_rng = torch.get_rng_state(), random.getstate()
    yield lambda: torch.set_rng_state(torch_rng)
    yield lambda: random.setstate(python_rng)
    if sys.modules.get("numpy") is not None:
        yield NumpyState().restore


def _torch_state() -> Iterator[Callable[[], None]]:
    yield _leave_modes(_modes())  # first, as the next ask PyTorch
    yield from _random_state()
    yield Setting(
        default_device,
        lambda d: torch.set_default_device(None if d.type == "cpu" else d),
    )
    yield from _torch_settings()


def settings() -> list[Setting]:
    """What code may set while it runs, in the order in which it is to be put back.

    All that :class:`SavedState` has, but for random states, modes, the default device and replaced
    functions.
    """
    return [s for s in (*_torch_settings(), *_python_state()) if isinstance(s, Setting)]


def _torch_settings() -> Iterator[Setting]:
    yield Setting(torch.is_grad_enabled, torch.set_grad_enabled)
    yield Setting(torch.get_default_dtype, torch.set_default_dtype)
    yield Setting(lambda: [dict(hooks) for hooks in _GLOBAL_HOOKS], _put_hooks)
    yield Setting(torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode)
    yield Setting(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision)
    yield Setting(torch.get_num_threads, torch.set_num_threads)
    yield Setting(torch.is_anomaly_enabled, torch.set_anomaly_enabled)
    for device in ("cpu", "cuda"):
        yield Setting(
            partial(torch.is_autocast_enabled, device), partial(torch.set_autocast_enabled, device)
        )
        yield Setting(
            partial(torch.get_autocast_dtype, device), partial(torch.set_autocast_dtype, device)
        )
    for flags, name in (
        (torch.backends.cudnn, "enabled"),
        (torch.backends.cudnn, "benchmark"),
        (torch.backends.cudnn, "deterministic"),
        (torch.backends.mkldnn, "enabled"),
    ):
        yield Setting(partial(getattr, flags, name), partial(setattr, flags, name))


_stack: Callable[[], list[Any]] = getattr(torch.overrides, "_get_current_function_mode_stack", list)
_GLOBAL_HOOKS: list[dict[Any, Any]] = [
    value
    for name, value in vars(torch.nn.modules.module).items()
    if name.startswith("_global_") and isinstance(value, dict)
]


def global_hooks() -> bool:
    """Whether a hook of all modules is registered."""
    return any(_GLOBAL_HOOKS)


def _modes() -> int:
    """How many modes of ``torch.overrides`` are entered, without the default device."""
    return sum(type(mode).__name__ != "DeviceContext" for mode in _stack())


def _leave_modes(count: int) -> Callable[[], None]:
    """A function that leaves the modes that were entered since: they lie above the device."""

    def leave() -> None:
        for _ in range(_modes() - count):
            any_mode: Any = torch.overrides.TorchFunctionMode()
            any_mode.__exit__(None, None, None)

    return leave


def _put_hooks(was: list[dict[Any, Any]]) -> None:
    for hooks, had in zip(_GLOBAL_HOOKS, was, strict=True):
        hooks.clear()
        hooks.update(had)


def _python_state() -> Iterator[Callable[[], None]]:
    yield _Entries(sys.meta_path)
    yield _Entries(sys.path_hooks)
    yield Setting(lambda: tempfile.tempdir, partial(setattr, tempfile, "tempdir"))
    yield Setting(gc.isenabled, lambda on: gc.enable() if on else gc.disable())
    yield Setting(sys.getrecursionlimit, sys.setrecursionlimit)
    yield Setting(_directory, lambda path: os.chdir(path) if path else None)
    yield _Environment()
    yield _ImportPath()


def _directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return None


_ALL, _LEN, _MAP = all, len, map  # Python's own, whatever replaces them
_OFTEN_REPLACED = frozenset(("_", "__import__", "print", "open", "input", "breakpoint"))


def _add_folders(folders: list[str], first: bool) -> None:
    missing = [folder for folder in folders if folder not in sys.path]
    if first:
        sys.path[:0] = missing
    else:
        sys.path += missing
