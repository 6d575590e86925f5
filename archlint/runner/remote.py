"""Checks a job in the process, or on the machine, that a joblib backend chose.

The backend's own process never runs the model. It starts worker processes as the local pool does,
so a model that crashes or hangs affects only its own contract there too.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import threading
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from archlint.contracts.job import Job
from archlint.contracts.verdict import Verdict
from archlint.runner.resources import memory_for_each
from archlint.runner.worker import Worker

PARENT = 0.5  # seconds between two looks at whether the parent still runs
IDLE = 30.0  # seconds after which a worker process without a job is stopped


@dataclass(frozen=True)
class RemoteTask:
    """How the jobs of one run are checked in another process.

    ``check``: the function that checks a contract, as ``module:function``. ``grace``: seconds that
    a job may exceed its budget. ``threads``: torch threads of each worker process. ``folder``: the
    folder that file names are relative to; the other machine must have it as well. ``count``: how
    many processes of the machine check jobs at once, which share its memory. ``run``: tells
    runs apart. A later run never gets a worker of an earlier one, which has the user's code of that
    time loaded.
    """

    check: str
    grace: float
    threads: int
    folder: Path
    count: int = 1
    run: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(eq=False)
class _IdleWorker:
    """A worker; ``timer`` stops it if no job comes."""

    task: RemoteTask
    worker: Worker
    timer: threading.Timer | None = None

    def stop(self) -> None:
        self.worker.stop()


class IdleWorkers:
    """The worker processes of this process that wait for their next job.

    There is one per process, because a backend calls :func:`check_job` in a process of its own
    without any other object. A worker process is in it for at most ``IDLE`` seconds; the rest are
    stopped at the end of the process. After a fork, the child starts with none.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_IdleWorker] = []
        atexit.register(self.stop_all)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._idle.clear)

    def __len__(self) -> int:
        return len(self._idle)

    def take(self, task: RemoteTask) -> _IdleWorker:
        """Remove and return a worker of this run; start one if there is none."""
        with self._lock:
            for idle in self._idle:
                if idle.task == task:
                    self._idle.remove(idle)
                    if idle.timer:
                        idle.timer.cancel()
                    return idle
        memory = memory_for_each(task.count)
        return _IdleWorker(task, Worker(task.check, task.grace, task.threads, task.folder, memory))

    def put(self, idle: _IdleWorker) -> None:
        """Add a worker that has no job now."""
        idle.timer = threading.Timer(IDLE, self._expire, [idle])
        idle.timer.daemon = True
        with self._lock:
            self._idle.append(idle)
        idle.timer.start()

    def stop_all(self) -> None:
        """Stop all worker processes."""
        while self._idle:
            self._idle.pop().stop()

    def _expire(self, idle: _IdleWorker) -> None:
        with self._lock:
            if idle not in self._idle:
                return
            self._idle.remove(idle)
        idle.stop()


IDLE_WORKERS = IdleWorkers()


def end_with_parent(parent: int) -> None:
    """End this process soon after its parent, whose process id this is; the parent may be killed.

    A process of joblib would wait for its next job for minutes.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT)
        os.kill(os.getpid(), signal.SIGKILL)  # whatever the main thread does

    threading.Thread(target=watch, daemon=True).start()


def check_job(job: Job, task: RemoteTask) -> Verdict:
    """Check one job in a worker process on this machine.

    The verdict is an ``error`` if this machine does not have the project's folder.
    """
    for folder in (job.root, task.folder):
        if not folder.is_dir():
            return job.error(
                f"{socket.gethostname()} has no folder {folder}; every machine that checks "
                "contracts needs the project at the same path"
            )
    current = IDLE_WORKERS.take(task)
    try:
        verdict = current.worker.check(job)
    except BaseException:
        current.stop()
        raise
    IDLE_WORKERS.put(current)
    return verdict
