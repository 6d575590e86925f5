"""Deciding a job wherever an engine has put it: another process, or another machine.

The engine's own process never runs the model. It keeps worker processes as the local pool does,
so a model that crashes or hangs hurts only its own contract there too, and the engine goes on.
"""

from __future__ import annotations

import atexit
import os
import socket
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from archlint.contracts.job import Job
from archlint.contracts.verdict import Verdict
from archlint.runner.worker import Worker

IDLE = 30.0  # seconds after which a worker process without a job is stopped


@dataclass(frozen=True)
class RemoteTask:
    """How a job is decided away from home.

    ``decide``: the deciding function as ``module:function``; ``grace``: seconds that a job may run
    past its budget; ``threads``: for each worker process; ``here``: the folder that file names are
    told relative to, which the other side must have as well.
    """

    decide: str
    grace: float
    threads: int
    here: Path


@dataclass(eq=False)
class _Kept:
    """A worker process between two jobs; ``leave`` stops it when no job comes."""

    errand: RemoteTask
    worker: Worker
    folder: tempfile.TemporaryDirectory[str]
    leave: threading.Timer | None = None


_lock = threading.Lock()
_idle: list[_Kept] = []


def decide_here(job: Job, errand: RemoteTask) -> Verdict:
    """The verdict on one job, by a worker process of this machine."""
    for folder in (job.root, errand.here):
        if not folder.is_dir():
            return job.error(
                f"{socket.gethostname()} has no folder {folder}; every machine that decides "
                "needs the project at the same path"
            )
    kept = _take(job.root, errand) or _start(job.root, errand)
    try:
        verdict = kept.worker.decide(job)
    except BaseException:
        _end(kept)
        raise
    if kept.worker.alive:
        _keep(kept)
    else:
        _end(kept)
    return verdict


def _take(root: Path, errand: RemoteTask) -> _Kept | None:
    """An idle worker process for this project."""
    with _lock:
        for kept in _idle:
            if kept.worker.root == root and kept.errand == errand:
                _idle.remove(kept)
                if kept.leave:
                    kept.leave.cancel()
                return kept
    return None


def _start(root: Path, errand: RemoteTask) -> _Kept:
    folder = tempfile.TemporaryDirectory(prefix="archlint-", ignore_cleanup_errors=True)
    worker = Worker(
        Path(folder.name), root, errand.decide, errand.grace, errand.threads, here=errand.here
    )
    return _Kept(errand, worker, folder)


def _keep(kept: _Kept) -> None:
    kept.leave = threading.Timer(IDLE, _dismiss, [kept])
    kept.leave.daemon = True
    with _lock:
        _idle.append(kept)
    kept.leave.start()


def _dismiss(kept: _Kept) -> None:
    with _lock:
        if kept not in _idle:
            return
        _idle.remove(kept)
    _end(kept)


def _end(kept: _Kept) -> None:
    kept.worker.kill()
    kept.worker.wait()
    kept.folder.cleanup()


def _end_all() -> None:
    while _idle:
        _end(_idle.pop())


atexit.register(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # they are the parent's
