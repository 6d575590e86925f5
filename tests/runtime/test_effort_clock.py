"""Limits by the clock of effort do not depend on the load of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from archlint.runtime.deadline import TimeLimitReached, time_limit
from archlint.runtime.effort_clock import now, passed, seconds_left, waited
from archlint.symbolic import symbol
from archlint.symbolic.formula import eq
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.solver import Solver, Unsolved

needs_schedstat = pytest.mark.skipif(
    not os.path.exists("/proc/thread-self/schedstat"), reason="the system does not tell it"
)
WORK = 0.25


def work(seconds=WORK):
    """Work for so many seconds of processor time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@pytest.fixture
def load():
    """Busy loops, many times as many as there are cores, and the same core for all."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    loop = [sys.executable, "-S", "-c", "print(flush=True)\nwhile True: pass"]
    loops = [subprocess.Popen(loop, stdout=subprocess.PIPE) for _ in range(3)]
    for each in loops:
        each.stdout.read(1)
    yield
    for each in loops:
        each.kill()
        each.communicate()
    os.sched_setaffinity(0, cores)


def test_work_and_sleep_count():
    start = now()
    work(0.02)
    time.sleep(0.02)
    assert now() - start >= 0.04
    assert passed(start)
    assert seconds_left(start) < 0
    assert not passed(start + 60)


def test_a_thread_that_is_not_there_has_not_waited():
    assert waited(thread=2**30) == 0
    assert waited(pid=2**30) == 0
    assert waited(thread=threading.get_native_id()) <= waited()


@needs_schedstat
def test_waiting_for_a_processor_does_not_count(load):
    start, wall = now(), time.monotonic()
    work()
    assert time.monotonic() - wall > 2 * WORK
    assert WORK <= now() - start < 1.6 * WORK


@needs_schedstat
def test_a_limit_under_load_allows_the_same_work(load):
    with time_limit(2 * WORK):
        work()
    with pytest.raises(TimeLimitReached), time_limit(WORK):
        work(2 * WORK)


@needs_schedstat
def test_the_solver_is_not_cut_shorter_under_load(load):
    solver = Solver("NHW", Box(dict.fromkeys("NHW", (2, None))), now() + WORK)
    n, h, w = map(symbol, "NHW")
    start = time.thread_time()
    with pytest.raises(Unsolved):
        solver.find(eq(n * n * n + h * h * h, w * w * w))
    assert time.thread_time() - start > 0.6 * WORK
