"""Deciding contracts through joblib: in its own processes, on a dask cluster, or on ray.

An engine moves a job to a process or machine; there :func:`archlint.runner.remote.decide_here`
does what the local pool does here.
"""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archlint.contracts.job import Job
from archlint.contracts.suggestions import did_you_mean
from archlint.contracts.verdict import Verdict
from archlint.errors import ArchlintError
from archlint.runner import pool
from archlint.runner.remote import RemoteTask, decide_here

CONNECT = 60  # seconds to reach a scheduler, and for a worker to be there
NEEDS = {"loky": ("joblib",), "dask": ("joblib", "distributed"), "ray": ("joblib", "ray")}


class BackendError(ArchlintError):
    """A backend that does not exist, is not installed, or cannot go on."""


@dataclass(frozen=True)
class Backend:
    """Who decides: ``local``, ``loky``, ``dask`` or ``ray``, and the address of a cluster."""

    name: str = "local"
    address: str | None = None

    @classmethod
    def of(cls, text: str) -> Backend:
        """From ``NAME`` or ``NAME:ADDRESS``, as in ``dask:tcp://127.0.0.1:8786``."""
        name, colon, address = text.partition(":")
        known = ("local", *NEEDS)
        if name not in known:
            hint = did_you_mean(name, known) or f"; there are {', '.join(known)}"
            raise BackendError(f"there is no backend {name!r}{hint}")
        if colon and name not in ("dask", "ray"):
            raise BackendError(f"the backend {name} takes no address, found {address!r}")
        if colon and not address:
            raise BackendError(f"an address must follow '{name}:', as in {_EXAMPLES[name]}")
        return cls(name, address or None)


_EXAMPLES = {"dask": "dask:tcp://127.0.0.1:8786", "ray": "ray:127.0.0.1:6379"}
Answers = Generator[tuple[int, Verdict], None, None]


def run(
    jobs: Sequence[Job],
    count: int,
    backend: Backend,
    *,
    decide: str | None = None,
    grace: float | None = None,
) -> Answers:
    """Decide ``jobs`` by ``backend``; yield (index, verdict) as they come.

    ``count`` processes, unless an address says that there is a cluster: then as many as it has.
    The rest is as in :func:`archlint.runner.pool.run`. Raises ``BackendError``.
    """
    if backend.name == "local":
        return pool.run(jobs, count, decide=decide, grace=grace)
    _require(backend.name)
    threads = max(1, pool.cores() // count) if backend.name == "loky" else 1
    errand = RemoteTask(
        decide or pool.DECIDE, pool.GRACE if grace is None else grace, threads, Path.cwd()
    )
    return _through_joblib(jobs, min(count, len(jobs)), backend, errand)


def _through_joblib(
    jobs: Sequence[Job], count: int, backend: Backend, errand: RemoteTask
) -> Answers:
    import joblib

    if not jobs:
        return
    with _ENGINES[backend.name](backend.address, count) as (config, n_jobs):
        try:
            with joblib.parallel_config(**config):
                parallel = joblib.Parallel(
                    n_jobs=n_jobs, batch_size=1, return_as="generator_unordered"
                )
                tasks = (joblib.delayed(_decide)(i, job, errand) for i, job in enumerate(jobs))
                with contextlib.closing(parallel(tasks)) as answers:
                    yield from answers
        except (GeneratorExit, ArchlintError):
            raise
        except Exception as e:
            raise BackendError(
                f"{backend.name} could not go on: {type(e).__name__}: {e}".rstrip(": ")
            ) from e


def _decide(index: int, job: Job, errand: RemoteTask) -> tuple[int, Verdict]:
    try:
        return index, decide_here(job, errand)
    except OSError as e:  # no process, no folder for it: this machine's trouble, not the sweep's
        return index, job.error(f"the worker process could not start: {e}")


Engine = Callable[[str | None, int], contextlib.AbstractContextManager[tuple[dict[str, Any], int]]]


@contextmanager
def _loky(_address: str | None, count: int) -> Iterator[tuple[dict[str, Any], int]]:
    yield {"backend": "loky"}, count


@contextmanager
def _dask(address: str | None, count: int) -> Iterator[tuple[dict[str, Any], int]]:
    distributed = importlib.import_module("distributed")
    with contextlib.ExitStack() as stack:
        if address is None:
            address = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=count, threads_per_worker=1, dashboard_address=None
                )
            )
        try:
            client = stack.enter_context(distributed.Client(address, timeout=CONNECT))
        except (OSError, ValueError) as e:  # a TimeoutError is an OSError
            raise BackendError(f"no dask scheduler answers at {address}: {e}") from e
        yield {"backend": "dask", "client": client, "wait_for_workers_timeout": CONNECT}, -1


@contextmanager
def _ray(address: str | None, count: int) -> Iterator[tuple[dict[str, Any], int]]:
    ray = importlib.import_module("ray")
    joblib = importlib.import_module("joblib")
    engine = importlib.import_module("ray.util.joblib.ray_backend").RayBackend

    # joblib's pools give no results as they come; ray's pool, which replaces them here, can.
    streaming = type("RayBackend", (engine,), {"supports_return_generator": True})
    joblib.register_parallel_backend("ray", streaming)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    settings: dict[str, Any] = {"address": address} if address else {"num_cpus": count}
    try:
        ray.init(log_to_driver=False, logging_level="ERROR", **settings)
    except Exception as e:  # it raises Exception itself when it takes too long to start
        raise BackendError(f"ray does not start or answer: {e}") from e
    try:
        yield {"backend": "ray"}, -1
    finally:
        ray.shutdown()


_ENGINES: dict[str, Engine] = {"loky": _loky, "dask": _dask, "ray": _ray}


def _require(name: str) -> None:
    """Raise ``BackendError`` unless what the backend needs is installed."""
    for package in NEEDS[name]:
        try:
            importlib.import_module(package)
        except ModuleNotFoundError as e:
            raise BackendError(
                f"the backend {name} needs {e.name}, which is not installed: "
                f'pip install "torch-archlint[{name}]"'
            ) from None
