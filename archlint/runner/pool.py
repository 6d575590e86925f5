"""Checks contracts in worker processes, so that nothing a model does can affect the report.

Each job has a process of its own, forked from a server that has torch imported. A job that exceeds
its contract's budget or crashes its process gets an ``error`` verdict. The parent process does not
import torch.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING

from archlint.contracts.job import Job
from archlint.contracts.verdict import Verdict
from archlint.runner.resources import cores, memory_for_each

if TYPE_CHECKING:
    from archlint.runner.worker import Worker

CHECK = "archlint.explanation.advice:check_contract"
GRACE = 10.0  # seconds that a job may exceed its contract's budget before it is killed


def run(
    jobs: Sequence[Job],
    count: int = 1,
    *,
    check: str | None = None,
    grace: float | None = None,
    until: float | None = None,
    on_start: Callable[[int], None] | None = None,
) -> Generator[tuple[int, Verdict], None, None]:
    """Check ``jobs`` in ``count`` worker processes; yield (index, verdict) in order of completion.

    ``check`` names the function that checks a contract, as ``module:function``. ``grace``: seconds
    that a job may exceed its budget. ``until``: the time of ``time.monotonic`` at which the run
    ends with the jobs that are done. ``on_start`` is called with the index of each job that starts,
    in a thread of its own. Closing the generator, or an exception in it, kills the workers.
    """
    count = max(1, min(count, len(jobs)))
    if not jobs:
        return
    from archlint.runner.worker import Worker

    if grace is None:
        grace = GRACE
    threads_of_job = max(1, cores() // count)
    worker = Worker(check or CHECK, grace, threads_of_job, memory=memory_for_each(count))
    worker.expect(jobs)
    queue_ = _Queue(jobs, worker, on_start)
    threads = [threading.Thread(target=queue_.serve, daemon=True) for _ in range(count)]
    try:
        for thread in threads:
            thread.start()
        for _ in jobs:
            try:
                left = None if until is None else max(0.0, until - time.monotonic())
                result = queue_.results.get(timeout=left)
            except queue.Empty:
                return
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        queue_.stop()
        worker.stop()
        for thread in threads:
            if thread.ident is not None:
                thread.join()


class _Queue:
    """The jobs to do, shared by threads; each thread waits for one job at a time."""

    def __init__(
        self, jobs: Sequence[Job], worker: Worker, on_start: Callable[[int], None] | None
    ) -> None:
        self.jobs = jobs
        self._on_start = on_start
        self.results: queue.SimpleQueue[tuple[int, Verdict] | BaseException] = queue.SimpleQueue()
        self._worker = worker
        self._lock = threading.Lock()
        self._pending = deque(range(len(jobs)))

    def serve(self) -> None:
        """Check jobs until none is left."""
        try:
            while (index := self._take()) is not None:
                if self._on_start is not None:
                    self._on_start(index)
                self.results.put((index, self._worker.check(self.jobs[index])))
        except BaseException as e:
            self.results.put(e)

    def stop(self) -> None:
        """No thread takes another job."""
        with self._lock:
            self._pending.clear()

    def _take(self) -> int | None:
        with self._lock:
            return self._pending.popleft() if self._pending else None
