"""Checks contracts in worker processes, so that nothing a model does can affect the report.

A worker imports torch once and then checks one job after another. A job that exceeds its
contract's budget or crashes the process gets an ``error`` verdict, and a new worker continues with
the rest. The parent process does not import torch.
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

CHECK = "archlint.explanation.advice:check_contract"
GRACE = 10.0  # seconds that a job may exceed its contract's budget before it is killed


def run(
    jobs: Sequence[Job], count: int = 1, *, check: str | None = None, grace: float | None = None
) -> Generator[tuple[int, Verdict], None, None]:
    """Check ``jobs`` in ``count`` worker processes; yield (index, verdict) in order of completion.

    ``check`` names the function that checks a contract, as ``module:function``. ``grace``: seconds
    that a job may exceed its budget. Closing the generator, or an exception in it, kills the
    workers.
    """
    count = max(1, min(count, len(jobs)))
    with tempfile.TemporaryDirectory(prefix="archlint-", ignore_cleanup_errors=True) as folder:
        if grace is None:
            grace = GRACE
        pool = _Pool(jobs, Path(folder), check or CHECK, grace, max(1, cores() // count))
        threads = [threading.Thread(target=pool.serve, daemon=True) for _ in range(count)]
        try:
            for thread in threads:
                thread.start()
            for _ in jobs:
                result = pool.results.get()
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            pool.stop()
            for thread in threads:
                if thread.ident is not None:
                    thread.join()


def cores() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Pool:
    """The jobs to do, shared by threads; each thread runs one worker."""

    def __init__(
        self, jobs: Sequence[Job], folder: Path, check: str, grace: float, threads: int
    ) -> None:
        self.jobs = jobs
        self.results: queue.SimpleQueue[tuple[int, Verdict] | BaseException] = queue.SimpleQueue()
        self._start: Callable[[Path], Worker] = lambda root: Worker(
            Path(tempfile.mkdtemp(dir=folder)), root, check, grace, threads
        )
        self._lock = threading.Lock()
        self._stopped = False
        self._workers: set[Worker] = set()
        self._started: set[tuple[Path, str]] = set()
        self._pending: dict[tuple[Path, str], deque[int]] = {}
        for index, job in enumerate(jobs):
            self._pending.setdefault((job.root, job.ref.target), deque()).append(index)

    def serve(self) -> None:
        """Check jobs until none is left, with one worker at a time."""
        worker: Worker | None = None
        key: tuple[Path, str] | None = None
        try:
            while (index := self._take(key)) is not None:
                job = self.jobs[index]
                key = (job.root, job.ref.target)
                # Two projects may have modules of one name, so a worker serves one project only.
                if worker and (worker.root != job.root or not worker.alive):
                    self._release(worker)
                    worker = None
                worker = worker or self._start_worker(job.root)
                if worker is None:
                    return
                self.results.put((index, worker.check(job)))
        except BaseException as e:
            self.results.put(e)
        finally:
            if worker:
                self._release(worker)

    def stop(self) -> None:
        """Kill every worker; no thread starts another."""
        with self._lock:
            self._stopped = True
            for worker in self._workers:
                worker.kill()

    def _take(self, key: tuple[Path, str] | None) -> int | None:
        """The next job: of the same model, else of one not started, else from the longest queue."""
        with self._lock:
            if self._stopped:
                return None
            same = self._pending.get(key) if key else None
            unstarted = (q for k, q in self._pending.items() if k not in self._started)
            todo = (
                same or next(unstarted, None) or max(self._pending.values(), key=len, default=None)
            )
            if not todo:
                return None
            index = todo.popleft()
            self._started.add((self.jobs[index].root, self.jobs[index].ref.target))
            return index

    def _start_worker(self, root: Path) -> Worker | None:
        with self._lock:
            if self._stopped:
                return None
            worker = self._start(root)
            self._workers.add(worker)
            return worker

    def _release(self, worker: Worker) -> None:
        with self._lock:
            self._workers.discard(worker)
            worker.kill()
        worker.wait()
