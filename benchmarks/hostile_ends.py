"""Models that end or block their process."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import socket
import sys
import threading
import time

from hostile_case import Forward, ends
from torch import nn


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
