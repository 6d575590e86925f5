"""Checks contracts through joblib: in its own processes, on a dask cluster, or on ray.

A backend moves a job to a process or machine; there :func:`archlint.runner.remote.check_job` does
what the local pool does here.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlint.contracts.job import Job
from archlint.contracts.verdict import Verdict
from archlint.errors import ArchlintError
from archlint.runner import pool
from archlint.runner.backend import NEEDS, Backend, BackendError
from archlint.runner.resources import cores
from archlint.runtime.user_frames import first_line, summary

if TYPE_CHECKING:
    from archlint.runner.remote import RemoteTask

CONNECT = 60  # seconds to reach a scheduler, and to wait for its first worker
Results = Generator[tuple[int, Verdict], None, None]


def run(
    jobs: Sequence[Job],
    count: int,
    backend: Backend,
    *,
    check: str | None = None,
    grace: float | None = None,
    on_start: Callable[[int], None] | None = None,
) -> Results:
    """Check ``jobs`` on ``backend``; yield (index, verdict) in order of completion.

    ``count`` is the number of processes; a cluster with an address uses all of its workers. The
    other arguments are those of :func:`archlint.runner.pool.run`; only ``local`` reports starts.
    Raises ``BackendError``.
    """
    if backend.name == "local":
        return pool.run(jobs, count, check=check, grace=grace, on_start=on_start)
    _require(backend.name)
    from archlint.runner.remote import RemoteTask

    threads = max(1, cores() // count) if backend.name == "loky" else 1
    task = RemoteTask(
        check or pool.CHECK, pool.GRACE if grace is None else grace, threads, Path.cwd(), count
    )
    return _without_loss(jobs, min(count, len(jobs)), backend, task)


def _without_loss(jobs: Sequence[Job], count: int, backend: Backend, task: RemoteTask) -> Results:
    """Check the jobs on the backend, and here those that are left if it fails on this machine.

    One of its own processes may be killed, by a model or by the system. Raises ``BackendError`` for
    a backend with an address: its machines may be others.
    """
    left = dict(enumerate(jobs))
    try:
        for index, verdict in _through_joblib(jobs, count, backend, task):
            del left[index]
            yield index, verdict
        return
    except BackendError as e:
        if backend.address is not None:
            raise
        reason = first_line(e)
    what = "1 contract is" if len(left) == 1 else f"{len(left)} contracts are"
    warnings.warn(f"{reason}; {what} checked without it", RuntimeWarning, stacklevel=2)
    indices = list(left)
    for number, verdict in pool.run([*left.values()], count, check=task.check, grace=task.grace):
        yield indices[number], verdict


def _through_joblib(jobs: Sequence[Job], count: int, backend: Backend, task: RemoteTask) -> Results:
    import joblib

    if not jobs:
        return
    with _BACKENDS[backend.name](backend.address, count) as (config, n_jobs):
        try:
            with joblib.parallel_config(**config):
                parallel = joblib.Parallel(
                    n_jobs=n_jobs, batch_size=1, return_as="generator_unordered"
                )
                tasks = (joblib.delayed(_check)(i, job, task) for i, job in enumerate(jobs))
                with contextlib.closing(parallel(tasks)) as results:
                    yield from results
        except (GeneratorExit, ArchlintError):
            raise
        except Exception as e:
            raise BackendError(f"{backend.name} failed: {summary(e)}") from e


def _check(index: int, job: Job, task: RemoteTask) -> tuple[int, Verdict]:
    from archlint.runner.remote import check_job

    try:
        return index, check_job(job, task)
    except OSError as e:  # no process or folder on this machine; the other jobs continue
        return index, job.error(f"the worker process could not start: {e}")


Connect = Callable[[str | None, int], contextlib.AbstractContextManager[tuple[dict[str, Any], int]]]


@contextmanager
def _loky(_address: str | None, count: int) -> Iterator[tuple[dict[str, Any], int]]:
    from archlint.runner.remote import end_with_parent

    watch = {"initializer": end_with_parent, "initargs": (os.getpid(),)}
    yield {"backend": "loky", **watch}, count


@contextmanager
def _dask(address: str | None, count: int) -> Iterator[tuple[dict[str, Any], int]]:
    distributed = importlib.import_module("distributed")
    with contextlib.ExitStack() as stack:
        if address is None:
            config = importlib.import_module("dask.config")
            try:
                with (
                    _folder_for_now() as scratch,  # nothing is written there after the start
                    _marked(scratch),
                    config.set({"temporary-directory": scratch}),  # the scheduler's, too
                ):
                    # A worker that is started again in place of one that died writes there again.
                    stack.callback(shutil.rmtree, scratch, ignore_errors=True)
                    address = stack.enter_context(
                        distributed.LocalCluster(
                            n_workers=count, threads_per_worker=1, dashboard_address=None,
                            local_directory=scratch, silence_logs=logging.CRITICAL,
                        )
                    )  # fmt: skip
            except Exception as e:  # a RuntimeError if one of its processes ended
                raise BackendError(f"cannot start dask: {e}") from e
        try:
            client = stack.enter_context(distributed.Client(address, timeout=CONNECT))
        except (OSError, ValueError) as e:  # a TimeoutError is an OSError
            raise BackendError(f"cannot connect to a dask scheduler at {address}: {e}") from e
        yield {"backend": "dask", "client": client, "wait_for_workers_timeout": CONNECT}, -1


@contextmanager
def _folder_for_now() -> Iterator[str]:
    """A temporary folder that another process removes, so that it goes after a kill, too.

    Processes that are starting may make it again: see :func:`_marked`.
    """
    with subprocess.Popen(
        [sys.executable, "-I", "-c", _KEEPER, tempfile.gettempdir()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # else who waits for the end of it waits for the keeper
        text=True,
        start_new_session=True,  # Ctrl-C reaches only this process
    ) as keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        folder = keeper.stdout.readline().rstrip("\n")
        if not folder:
            raise OSError("no temporary folder could be made")
        try:
            yield folder
        finally:
            keeper.stdin.write("done")


@contextmanager
def _marked(folder: str) -> Iterator[None]:
    """Mark the processes that start inside: while one lives after a kill, the folder is removed."""
    os.environ[_MARK] = folder
    try:
        yield
    finally:
        os.environ.pop(_MARK, None)


_MARK = "ARCHLINT_FOLDER_FOR_NOW"
_KEEPER = f"""
import glob, shutil, sys, tempfile, time
folder = tempfile.mkdtemp(prefix="archlint-", dir=sys.argv[1])
mark = b"{_MARK}=" + folder.encode()
def used():
    for name in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(name, "rb") as file:
                if mark in file.read():
                    return True
        except OSError:
            pass
    return False
print(folder, flush=True)
killed = sys.stdin.read() != "done"
for turn in range(1200 if killed else 1):  # at most five minutes
    last = turn >= (12 if glob.glob("/proc/self/environ") else 40) and not used()
    shutil.rmtree(folder, ignore_errors=True)
    if last:
        break
    time.sleep(0.25 if killed else 0)
"""


@contextmanager
def _ray(address: str | None, count: int) -> Iterator[tuple[dict[str, Any], int]]:
    ray = importlib.import_module("ray")
    joblib = importlib.import_module("joblib")
    backend = importlib.import_module("ray.util.joblib.ray_backend").RayBackend

    # joblib's pools do not stream results; ray's pool, which replaces them here, can.
    streaming = type("RayBackend", (backend,), {"supports_return_generator": True})
    joblib.register_parallel_backend("ray", streaming)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    settings: dict[str, Any] = {"address": address} if address else {"num_cpus": count}
    try:
        ray.init(log_to_driver=False, logging_level="ERROR", **settings)
    except Exception as e:  # it raises Exception itself when it takes too long to start
        raise BackendError(f"cannot start or reach ray: {e}") from e
    try:
        yield {"backend": "ray"}, -1
    finally:
        ray.shutdown()


_BACKENDS: dict[str, Connect] = {"loky": _loky, "dask": _dask, "ray": _ray}


def _require(name: str) -> None:
    """Raise ``BackendError`` if a package that the backend needs is not installed."""
    for package in NEEDS[name]:
        try:
            importlib.import_module(package)
        except ModuleNotFoundError as e:
            raise BackendError(
                f"the backend {name} needs {e.name}, which is not installed: "
                f'pip install "torch-archlint[{name}]"'
            ) from None
