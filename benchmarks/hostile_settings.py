"""Models that change settings of Python, PyTorch and the process, or return strange things."""

from __future__ import annotations

import asyncio
import builtins
import codecs
import decimal
import gc
import itertools
import locale
import logging
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import threading
import time
from typing import Any

import torch
from hostile_case import Forward, ends, survives
from torch import nn


@ends
class TimesItselfOut(Forward):
    def effect(self) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(1)
        time.sleep(2)


@ends
class LimitsItsProcessor(Forward):
    def effect(self) -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
        for _ in itertools.count():
            pass


@ends
class BlocksSignals(Forward):
    def effect(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
        for _ in itertools.count():
            pass


@ends
class ForksAndGoesOn(Forward):
    def effect(self) -> None:
        os.fork()


@ends
class KillsItsParent(Forward):
    def effect(self) -> None:
        os.kill(os.getppid(), signal.SIGKILL)


@ends
class StopsItsParent(Forward):
    def effect(self) -> None:
        os.kill(os.getppid(), signal.SIGSTOP)


@ends
class RecursesWithoutLimit(Forward):
    def effect(self) -> None:
        sys.setrecursionlimit(1 << 30)
        self.effect()


@ends
class RefusesToOpen(Forward):
    def effect(self) -> None:
        sys.addaudithook(_refuse)


def _refuse(event: str, _args: Any) -> None:
    if event in ("open", "import", "exec"):
        raise PermissionError(event)


@ends
class BecomesNobody(Forward):
    def effect(self) -> None:
        os.setgid(65534)
        os.setuid(65534)


@ends
class DirectsDescriptorsElsewhere(Forward):
    def effect(self) -> None:
        for number in range(100):
            if number != self.null:
                os.dup2(self.null, number)

    def __init__(self) -> None:
        super().__init__()
        self.null = os.open(os.devnull, os.O_RDWR)


@survives
class ChangesFolder(Forward):
    def effect(self) -> None:
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        os.rmdir(folder)
        os.umask(0o777)


@survives
class EmptiesTheImportPath(Forward):
    def effect(self) -> None:
        sys.path.clear()
        sys.meta_path.clear()
        sys.path_hooks.clear()


@survives
class SetsDecimalsAndLocale(Forward):
    def effect(self) -> None:
        decimal.getcontext().prec = 1
        decimal.getcontext().traps[decimal.Inexact] = True
        locale.setlocale(locale.LC_ALL, "C")


@survives
class EntersModes(Forward):
    def effect(self) -> None:
        torch.autocast("cpu").__enter__()
        torch.inference_mode().__enter__()
        torch.use_deterministic_algorithms(True)
        torch.set_printoptions(precision=0, threshold=0)


@survives
class LeavesAMode(Forward):
    def effect(self) -> None:
        _Strange().__enter__()


class _Strange(torch.overrides.TorchFunctionMode):  # type: ignore[misc]
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.nn.functional.conv2d:
            raise RuntimeError("a mode that another model left")
        return func(*args, **(kwargs or {}))


@survives
class HooksAllModules(Forward):
    def effect(self) -> None:
        nn.modules.module.register_module_forward_pre_hook(_raise)


def _raise(*_args: Any) -> None:
    raise RuntimeError("a hook that another model left")


@ends
class PatchesSorted(Forward):
    def effect(self) -> None:
        builtins.sorted = lambda values, **_: list(values)  # type: ignore[assignment]
        builtins.isinstance = lambda *_: True


@survives
class DisablesLogging(Forward):
    def effect(self) -> None:
        logging.disable(logging.CRITICAL)
        logging.getLogger().addHandler(_Raises())
        logging.Logger.manager.loggerDict.clear()


class _Raises(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError("a handler that another model left")


@survives
class ThreadsThatRaise(Forward):
    def effect(self) -> None:
        threading.excepthook = _raise
        thread = threading.Thread(target=_raise)
        thread.start()
        thread.join()


@survives
class RunsALoop(Forward):
    def effect(self) -> None:
        asyncio.run(asyncio.sleep(0))
        asyncio.set_event_loop(asyncio.new_event_loop())


@survives
class SetsAStartMethod(Forward):
    def effect(self) -> None:
        multiprocessing.set_start_method("spawn", force=True)
        torch.multiprocessing.set_sharing_strategy("file_system")


@survives
class MovesTemporaryFiles(Forward):
    def effect(self) -> None:
        tempfile.tempdir = "/nowhere"
        os.environ["TMPDIR"] = "/nowhere"


@survives
class CollectsAllTheTime(Forward):
    def effect(self) -> None:
        gc.set_threshold(1)
        gc.callbacks.append(_raise)
        sys.setswitchinterval(1e-6)


@survives
class BreaksCodecs(Forward):
    def effect(self) -> None:
        codecs.register(_raise)
        sys.stdout = sys.stderr = _Broken()  # type: ignore[assignment]


class _Broken:
    def write(self, _text: str) -> int:
        raise OSError("closed")

    flush = fileno = close = isatty = write


@survives
class BreaksItself(Forward):
    def effect(self) -> None:
        self.forward = None  # type: ignore[assignment, method-assign]
        del self._modules
        self._parameters = 3  # type: ignore[assignment]


@survives
class BecomesAnother(Forward):
    def effect(self) -> None:
        self.__class__ = nn.Identity  # type: ignore[assignment]


@survives
class TakesEightGibibytes(Forward):
    def effect(self) -> None:
        torch.empty(8 << 30, dtype=torch.uint8).fill_(1)


@survives
class ReturnsItself(nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        result: list[Any] = [x]
        result.append(result)
        return result


@survives
class ReturnsADeepTree(nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        result: Any = x
        for _ in range(100_000):
            result = (result,)
        return result


@survives
class ReturnsAnEndlessGenerator(nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        return (x for _ in itertools.count())


@survives
class ReturnsALie(nn.Module):
    def forward(self, x: torch.Tensor) -> Any:
        return _Lie()


class _Lie:
    __class__ = torch.Tensor  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("not a tensor")


@survives
class RaisesWhenAsked(nn.Module):
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(f"asked for {name}")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.relu()
