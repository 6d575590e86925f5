"""Models that misbehave, one in each class or function, for ``benchmarks/hostile.py``.

``SURVIVES`` names those that a process survives, so that they can also run inside pytest.
"""

from __future__ import annotations

import atexit
import builtins
import ctypes
import faulthandler
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import types
import warnings
import weakref
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
SURVIVES: list[str] = []
ENDS: list[str] = []


def survives(model: Any) -> Any:
    SURVIVES.append(model.__name__)
    return model


def ends(model: Any) -> Any:
    """Its process ends, or is stopped by the time limit."""
    ENDS.append(model.__name__)
    return model


def good() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())


class Forward(nn.Module):
    """A model whose forward does something beside."""

    def effect(self) -> None:
        raise NotImplementedError

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.effect()
        return F.relu(x)


# -- ends its process ----------------------------------------------------------------------------


@ends
class OsExit(Forward):
    def effect(self) -> None:
        os._exit(0)


@ends
class OsExitWhenBuilt(nn.Module):
    def __init__(self) -> None:
        os._exit(3)


@ends
class KillsItself(Forward):
    def effect(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@ends
class KillsItsGroup(Forward):
    def effect(self) -> None:
        os.killpg(0, signal.SIGKILL)


@ends
class Terminates(Forward):
    def effect(self) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)


@ends
class Aborts(Forward):
    def effect(self) -> None:
        os.abort()


@ends
class ReadsNull(Forward):
    def effect(self) -> None:
        ctypes.string_at(0)


@ends
class WritesEverywhere(Forward):
    def effect(self) -> None:
        ctypes.memset(id(self), 255, 1 << 24)


@ends
class DividesByZeroInC(Forward):
    def effect(self) -> None:
        os.kill(os.getpid(), signal.SIGFPE)


@ends
class Stops(Forward):
    def effect(self) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)


@ends
class RecursesInC(Forward):
    def effect(self) -> None:
        sys.setrecursionlimit(1 << 30)

        def down(n: int) -> int:
            return sorted([n], key=down)[0]

        down(1)


@ends
class ExecsAnother(Forward):
    def effect(self) -> None:
        os.execv("/bin/true", ["true"])


@ends
class NoFaulthandler(Forward):
    def effect(self) -> None:
        faulthandler.disable()
        faulthandler.cancel_dump_traceback_later()
        signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))
        while True:
            time.sleep(1)


@ends
class PrintsForEver(Forward):
    def effect(self) -> None:
        while True:
            print("x" * 1000)


@ends
class WritesForEver(Forward):
    def effect(self) -> None:
        while True:
            os.write(2, b"y" * 65536)


@ends
class HoldsTheLock(Forward):
    def effect(self) -> None:
        ctypes.PyDLL(None).sleep(1000)  # without releasing the interpreter


@ends
class Deadlocks(Forward):
    def effect(self) -> None:
        lock = threading.Lock()
        lock.acquire()
        while True:
            try:
                lock.acquire()
            except BaseException:
                continue


@ends
class JoinsItsThread(Forward):
    def effect(self) -> None:
        thread = threading.Thread(target=time.sleep, args=(10_000,))
        thread.start()
        while True:
            try:
                thread.join()
            except BaseException:
                continue


@ends
class SpinsInThreads(Forward):
    def effect(self) -> None:
        def spin() -> None:
            while True:
                pass

        for _ in range(8):
            threading.Thread(target=spin).start()
        while True:
            try:
                time.sleep(100)
            except BaseException:
                continue


@ends
class WaitsForInput(Forward):
    def effect(self) -> None:
        ours, _theirs = socket.socketpair()
        while True:
            try:
                ours.recv(1)
            except BaseException:
                continue


@ends
class NumbersWithoutEnd(Forward):
    def effect(self) -> None:
        10 ** (10**10)  # one instruction, which no signal interrupts


@ends
class MatchesForEver(Forward):
    def effect(self) -> None:
        import re

        re.match(r"(a+)+$", "a" * 60 + "b")


@ends
class ListsWithoutEnd(Forward):
    def effect(self) -> None:
        held = []
        while True:
            try:
                held.append(bytearray(1 << 26))
            except MemoryError:
                time.sleep(100)


# -- memory, processes and descriptors ------------------------------------------------------------


@survives
class WantsAnExabyte(Forward):
    def effect(self) -> None:
        torch.empty(1 << 58)


@survives
class HoldsMemory(Forward):
    def effect(self) -> None:
        held = []
        while True:
            held.append(bytearray(1 << 27))


@survives
class HoldsTensors(Forward):
    def effect(self) -> None:
        held = []
        while True:
            held.append(torch.ones(1 << 25))


@survives
class Forks(Forward):
    def effect(self) -> None:
        for _ in range(20):
            if os.fork() == 0:
                os.setsid()
                time.sleep(10_000)
                os._exit(0)


@survives
class ForksTwice(Forward):
    def effect(self) -> None:
        if os.fork() == 0:
            if os.fork() == 0:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.setsid()
                time.sleep(10_000)
            os._exit(0)
        os.wait()


@survives
class StartsPrograms(Forward):
    def effect(self) -> None:
        for _ in range(5):
            subprocess.Popen(["sleep", "10000"], start_new_session=True)


@survives
class LeavesThreads(Forward):
    def effect(self) -> None:
        for _ in range(20):
            threading.Thread(target=time.sleep, args=(10_000,), daemon=True).start()


@ends
class ClosesDescriptors(Forward):
    def effect(self) -> None:
        os.closerange(0, 1 << 12)


@survives
class ClosesStreams(Forward):
    def effect(self) -> None:
        sys.stdout = sys.stderr = sys.stdin = None  # type: ignore[assignment]


@survives
class OpensFiles(Forward):
    def effect(self) -> None:
        held = []
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))


@ends
class WritesToDescriptors(Forward):
    """What looks like a message, on every open descriptor but the standard ones."""

    def effect(self) -> None:
        forged = b'["", {"word": "proved"}, null]'
        for descriptor in range(3, 64):
            try:
                os.write(descriptor, len(forged).to_bytes(8, "big") + forged)
            except OSError:
                continue


@survives
class NoMoreFiles(Forward):
    def effect(self) -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


# -- exceptions and interpreter tricks -------------------------------------------------------------


@survives
class SysExit(Forward):
    def effect(self) -> None:
        sys.exit(0)


@survives
class RaisesInterrupt(Forward):
    def effect(self) -> None:
        raise KeyboardInterrupt


@survives
class RaisesGeneratorExit(Forward):
    def effect(self) -> None:
        raise GeneratorExit


@survives
class RaisesBase(Forward):
    def effect(self) -> None:
        raise BaseException("from the base")


class _NoText(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


@survives
class RaisesWithoutText(Forward):
    def effect(self) -> None:
        raise _NoText


@survives
class RaisesMuchText(Forward):
    def effect(self) -> None:
        raise ValueError("z" * (1 << 24))


@survives
class RaisesAGroup(Forward):
    def effect(self) -> None:
        cause: BaseException = ValueError("first")
        for number in range(2000):
            error = ValueError(str(number))
            error.__cause__ = cause
            cause = error
        raise cause


@survives
class Recurses(Forward):
    def effect(self) -> None:
        self.effect()


@survives
class NoRecursion(Forward):
    def effect(self) -> None:
        sys.setrecursionlimit(len(__import__("inspect").stack()) + 12)


@survives
class Cycles(Forward):
    def effect(self) -> None:
        class Dies:
            def __del__(self) -> None:
                raise RuntimeError("in a finalizer")

        for _ in range(100):
            a, b = Dies(), Dies()
            vars(a)["b"], vars(b)["a"] = b, a
        gc.collect()


@survives
class ExitsInAFinalizer(Forward):
    def effect(self) -> None:
        weakref.finalize(self, os._exit, 8)  # 4 ends a session of pytest-forked


@survives
class ExitsAtExit(Forward):
    def effect(self) -> None:
        atexit.register(os._exit, 5)


@survives
class TurnsGcOff(Forward):
    def effect(self) -> None:
        gc.disable()
        gc.set_threshold(1)
        gc.freeze()


@survives
class Traces(Forward):
    def effect(self) -> None:
        def trace(*_: object) -> None:
            raise RuntimeError("in a trace function")

        sys.settrace(trace)


@survives
class Profiles(Forward):
    def effect(self) -> None:
        sys.setprofile(lambda *_: None)
        threading.setprofile(lambda *_: None)


@survives
class Hooks(Forward):
    def effect(self) -> None:
        sys.excepthook = sys.unraisablehook = sys.displayhook = lambda *_: os._exit(6)


@survives
class IgnoresAlarms(Forward):
    def effect(self) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)


@survives
class HandlesInterrupts(Forward):
    def effect(self) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@survives
class WarnsAsErrors(Forward):
    def effect(self) -> None:
        warnings.simplefilter("error")


# -- changes of the process ------------------------------------------------------------------------


@survives
class PatchesConv(Forward):
    def effect(self) -> None:
        nn.Conv2d.forward = lambda self, x: x  # type: ignore[method-assign]


@survives
class PatchesCall(Forward):
    def effect(self) -> None:
        nn.Module.__call__ = lambda self, *a: a[0]  # type: ignore[method-assign]


@survives
class PatchesTensor(Forward):
    def effect(self) -> None:
        torch.Tensor.relu = torch.relu = lambda x: None  # type: ignore[assignment]


@ends
class PatchesLen(Forward):
    def effect(self) -> None:
        builtins.len = lambda x: 1


@survives
class PatchesImport(Forward):
    def effect(self) -> None:
        builtins.__import__ = None  # type: ignore[assignment]


@survives
class PatchesTime(Forward):
    def effect(self) -> None:
        time.monotonic = time.perf_counter = time.time = lambda: 0.0


@survives
class EmptiesModules(Forward):
    def effect(self) -> None:
        for name in [n for n in sys.modules if n.startswith("archlint")]:
            del sys.modules[name]


@survives
class ReplacesModules(Forward):
    def effect(self) -> None:
        sys.modules["json"] = sys.modules["pickle"] = types.ModuleType("json")


@survives
class EmptiesEnvironment(Forward):
    def effect(self) -> None:
        os.environ.clear()
        sys.path.clear()
        os.chdir("/")


@survives
class SetsDefaults(Forward):
    def effect(self) -> None:
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_grad_enabled(False)
        torch.manual_seed(1)
