"""The cores, threads and memory that a run may use. By default it has one process per core."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_SHARE = 0.9  # of the available memory that all processes of a run may take together
_LEAST = 1 << 30  # bytes that a process may always take
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
_HASH_SEED = "PYTHONHASHSEED"  # the order of a set of texts must not differ between two runs
SET_VARIABLES = (*_THREADS, _HASH_SEED)
"""The environment variables that archlint sets for the processes of jobs."""


def cores(cgroup: Path = _CGROUP) -> int:
    """The number of processors that this process may use: its affinity, and its cgroup's quota."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    quota = _quota(cgroup)
    return count if quota is None else max(1, min(count, int(quota)))


def _quota(cgroup: Path) -> float | None:
    """The processors of the cgroup's quota (version 2 or 1), which may be a fraction."""
    with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
        limit, period = (cgroup / "cpu.max").read_text().split()
        return None if limit == "max" else int(limit) / int(period)
    with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
        limit = (cgroup / "cpu" / "cpu.cfs_quota_us").read_text()
        period = (cgroup / "cpu" / "cpu.cfs_period_us").read_text()
        return int(limit) / int(period) if int(limit) > 0 else None
    return None


def job_variables(threads: int, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables ``SET_VARIABLES`` for processes of ``threads`` threads.

    PyTorch reads them when it is imported, and takes MKL's where both are set. A smaller number
    that the user set for one of them is the limit of both.
    """
    for name in _THREADS:
        with contextlib.suppress(ValueError):
            of_user = int(environment.get(name, "").partition(",")[0])  # more are of inner levels
            threads = min(threads, of_user) if of_user > 0 else threads
    return {_HASH_SEED: "0", **dict.fromkeys(_THREADS, str(threads))}


def memory_for_each(count: int, cgroup: Path = _CGROUP) -> int | None:
    """Bytes that each of ``count`` processes may allocate; ``None`` if that is not known."""
    free = [n for n in (_available(), _left_in(cgroup)) if n is not None]
    return max(_LEAST, int(min(free) * _SHARE / count)) if free else None


def _available() -> int | None:
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _left_in(cgroup: Path) -> int | None:
    pairs = (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    )
    for limit, usage in pairs:
        with contextlib.suppress(OSError, ValueError):
            return int((cgroup / limit).read_text()) - int((cgroup / usage).read_text())
    return None


def limit_memory(more: int | None) -> None:
    """Let this process allocate at most ``more`` bytes from now on, where Linux can limit it."""
    if more is None or sys.platform != "linux":
        return
    import resource

    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[5])  # data and stack
        limit = pages * os.sysconf("SC_PAGE_SIZE") + more
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if hard == resource.RLIM_INFINITY or limit < hard:
            resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
