"""Restores the state of PyTorch, Python and the process after user code ran."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch

from archlint.runtime.process_lock import PROCESS_LOCK


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


@contextlib.contextmanager
def preserve_process_state() -> Iterator[CapturedOutput]:
    """Undo what user code inside the block does to PyTorch's settings, Python and the process.

    Restored are: random states (torch, Python, numpy when loaded), grad mode, default dtype and
    device, determinism, autocast, matmul precision, threads, warning filters, working directory,
    ``os.environ``, ``sys.path``, recursion limit. Inside, warnings are ignored, standard input is
    empty, and what is printed goes to the yielded :class:`CapturedOutput`.

    All of this exists once per process, so one thread at a time is inside such a block: others wait
    for :data:`~archlint.runtime.process_lock.PROCESS_LOCK`.
    """
    with PROCESS_LOCK, contextlib.ExitStack() as stack:
        output = CapturedOutput()
        undo = [*_torch_state(), *_python_state()]
        stack.callback(setattr, sys, "stdin", sys.stdin)
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # a test run that makes errors of them refuses no size
        stack.enter_context(contextlib.redirect_stdout(output.file))
        stack.enter_context(contextlib.redirect_stderr(output.file))
        sys.stdin = io.StringIO()
        for step in reversed(undo):  # the stack runs every step, even if one raises
            stack.callback(step)
        yield output


def seed_generators(seed: int) -> None:
    """Seed the random generators of torch, Python and, when loaded, numpy."""
    torch.manual_seed(seed)
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)


def default_device() -> torch.device:
    """The device of new tensors; torch 2.6 has no other way to ask once the default is unset."""
    return torch.empty(0).device


def _if_changed(get: Callable[[], Any], put: Callable[[Any], Any]) -> Callable[[], None]:
    was = get()

    def undo() -> None:
        if get() != was:
            put(was)

    return undo


def _torch_state() -> Iterator[Callable[[], None]]:
    rng = torch.get_rng_state()
    yield lambda: torch.set_rng_state(rng)
    yield _if_changed(torch.is_grad_enabled, torch.set_grad_enabled)
    yield _if_changed(torch.get_default_dtype, torch.set_default_dtype)
    yield _if_changed(
        default_device,
        lambda d: torch.set_default_device(None if d.type == "cpu" else d),
    )
    yield _if_changed(torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode)
    yield _if_changed(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision)
    yield _if_changed(torch.get_num_threads, torch.set_num_threads)
    yield _if_changed(torch.is_anomaly_enabled, torch.set_anomaly_enabled)
    for device in ("cpu", "cuda"):
        yield _if_changed(
            partial(torch.is_autocast_enabled, device), partial(torch.set_autocast_enabled, device)
        )
        yield _if_changed(
            partial(torch.get_autocast_dtype, device), partial(torch.set_autocast_dtype, device)
        )
    for flags, name in (
        (torch.backends.cudnn, "enabled"),
        (torch.backends.cudnn, "benchmark"),
        (torch.backends.cudnn, "deterministic"),
        (torch.backends.mkldnn, "enabled"),
    ):
        yield _if_changed(partial(getattr, flags, name), partial(setattr, flags, name))


def _python_state() -> Iterator[Callable[[], None]]:
    yield _if_changed(random.getstate, random.setstate)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        state = numpy.random.get_state()
        yield lambda: numpy.random.set_state(state)
    yield _if_changed(gc.isenabled, lambda on: gc.enable() if on else gc.disable())
    yield _if_changed(sys.getrecursionlimit, sys.setrecursionlimit)
    yield _if_changed(_directory, lambda path: os.chdir(path) if path else None)
    yield _if_changed(lambda: dict(_ENVIRONMENT), _set_environment)
    path = sys.path
    yield _if_changed(lambda: list(path), lambda was: path.__setitem__(slice(None), was))
    yield lambda: setattr(sys, "path", path)


def _directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return None


_ENVIRONMENT: Any = getattr(os, "environb", os.environ)  # as bytes, half the work to read


def _set_environment(was: dict[Any, Any]) -> None:
    for name in _ENVIRONMENT.keys() - was.keys():
        del _ENVIRONMENT[name]
    for name, value in was.items():
        if _ENVIRONMENT.get(name) != value:
            _ENVIRONMENT[name] = value
