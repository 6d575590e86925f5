"""Models that raise, recurse and trace as few others do."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
import warnings
import weakref

from hostile_case import Forward, survives


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
