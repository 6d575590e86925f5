"""Models that take memory, start processes or spoil files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import torch
from hostile_case import Forward, ends, survives


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
