"""Contracts are decided in worker processes, so that nothing a model does can hurt the report.

A worker imports torch once and then decides job after job. A job that outlives its contract's
budget, or that takes the process down with it, becomes an ``error`` verdict, and a fresh worker
goes on with the rest. Nothing here imports torch in the parent.
"""

from __future__ import annotations

import os
import queue
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

from archlint.contracts.job import Job
from archlint.contracts.verdict import Verdict
from archlint.runner.worker import Worker

DECIDE = "archlint.explanation.advice:check_contract"
GRACE = 10.0  # seconds that a job may run past its contract's budget before it is killed


def run(
    jobs: Sequence[Job], count: int = 1, *, decide: str | None = None, grace: float | None = None
) -> Generator[tuple[int, Verdict], None, None]:
    """Decide ``jobs`` in ``count`` worker processes; yield (index, verdict) as they come.

    Closing the generator, or an exception in it, kills the workers: they hold nothing to save.
    ``decide`` names the deciding function as ``module:function``; ``grace`` is in seconds.
    """
    count = max(1, min(count, len(jobs)))
    with tempfile.TemporaryDirectory(prefix="archlint-", ignore_cleanup_errors=True) as folder:
        if grace is None:
            grace = GRACE
        pool = _Pool(jobs, Path(folder), decide or DECIDE, grace, max(1, cores() // count))
        threads = [threading.Thread(target=pool.serve, daemon=True) for _ in range(count)]
        try:
            for thread in threads:
                thread.start()
            for _ in jobs:
                answer = pool.answers.get()
                if isinstance(answer, BaseException):
                    raise answer
                yield answer
        finally:
            pool.stop()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()


def cores() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Pool:
    """The jobs still to do, and the threads' way to share them; one thread per worker."""

    def __init__(
        self, jobs: Sequence[Job], folder: Path, decide: str, grace: float, threads: int
    ) -> None:
        self.jobs = jobs
        self.answers: queue.SimpleQueue[tuple[int, Verdict] | BaseException] = queue.SimpleQueue()
        self._start: Callable[[Path], Worker] = lambda root: Worker(
            Path(tempfile.mkdtemp(dir=folder)), root, decide, grace, threads
        )
        self._lock = threading.Lock()
        self._stopped = False
        self._live: set[Worker] = set()
        self._begun: set[tuple[Path, str]] = set()
        self._pending: dict[tuple[Path, str], deque[int]] = {}
        for index, job in enumerate(jobs):
            self._pending.setdefault((job.root, job.ref.target), deque()).append(index)

    def serve(self) -> None:
        """Take jobs until none is left, through one worker at a time."""
        worker: Worker | None = None
        key: tuple[Path, str] | None = None
        try:
            while (index := self._take(key)) is not None:
                job = self.jobs[index]
                key = (job.root, job.ref.target)
                # Modules of two projects may share a name, so a worker serves one project only.
                if worker and (worker.root != job.root or not worker.alive):
                    self._release(worker)
                    worker = None
                worker = worker or self._engage(job.root)
                if worker is None:
                    return
                self.answers.put((index, worker.decide(job)))
        except BaseException as e:
            self.answers.put(e)
        finally:
            if worker:
                self._release(worker)

    def stop(self) -> None:
        """Kill every worker, and let no thread start another."""
        with self._lock:
            self._stopped = True
            for worker in self._live:
                worker.kill()

    def _take(self, key: tuple[Path, str] | None) -> int | None:
        """The next job: of the same model, else of one not begun, else from the longest queue."""
        with self._lock:
            if self._stopped:
                return None
            same = self._pending.get(key) if key else None
            fresh = (q for k, q in self._pending.items() if k not in self._begun)
            todo = same or next(fresh, None) or max(self._pending.values(), key=len, default=None)
            if not todo:
                return None
            index = todo.popleft()
            self._begun.add((self.jobs[index].root, self.jobs[index].ref.target))
            return index

    def _engage(self, root: Path) -> Worker | None:
        with self._lock:
            if self._stopped:
                return None
            worker = self._start(root)
            self._live.add(worker)
            return worker

    def _release(self, worker: Worker) -> None:
        with self._lock:
            self._live.discard(worker)
            worker.kill()
        worker.wait()
