"""A time limit: it rings, again where it was not heard, and leaves another's as it was."""

from __future__ import annotations

import contextlib
import ctypes
import signal
import threading
import time

import pytest

from archlint.runtime import deadline as module
from archlint.runtime.deadline import TimeLimitReached, time_limit
from archlint.runtime.uninterruptible import uninterrupted


class Other(BaseException):
    """What another's limit raises."""


@pytest.fixture
def others(monkeypatch):
    """Another's handler, and how often it rang; its timer is set by the test."""
    rang = []

    def ring(number, frame):
        rang.append(time.monotonic())
        raise Other

    before = signal.signal(signal.SIGALRM, ring)
    monkeypatch.setattr(module, "AGAIN", 0.05)
    yield rang
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def forever():
    while True:
        time.sleep(0.005)


def deaf(kind):
    """What this kind raises is lost once, as in a ``__del__``."""
    with contextlib.suppress(kind):
        forever()
    forever()


def test_it_rings_and_says_where():
    with (
        pytest.raises(TimeLimitReached, match=r"; it was at .*test_deadline.py:\d+"),
        time_limit(0.05),
    ):
        forever()
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_in_time_nothing_is_left_of_it():
    before = signal.getsignal(signal.SIGALRM)
    with time_limit(60):
        assert signal.getsignal(signal.SIGALRM) is not before
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_it_rings_again_where_it_was_not_heard(others):
    with pytest.raises(TimeLimitReached), time_limit(0.05):
        deaf(TimeLimitReached)


def test_anothers_shorter_limit_comes_first_and_again(others):
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    with pytest.raises(Other), time_limit(60):
        deaf(Other)
    assert len(others) == 2
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_another_that_only_looks_leaves_our_limit(others):
    looked = []
    signal.signal(signal.SIGALRM, lambda *a: looked.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.02)
    with pytest.raises(TimeLimitReached), time_limit(0.1):
        forever()
    assert looked == [1]


def test_anothers_longer_limit_is_put_back_less_the_time_that_went_by(others):
    signal.setitimer(signal.ITIMER_REAL, 600)
    with time_limit(60):
        time.sleep(0.05)
    assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 599.96
    assert not others


def test_one_inside_another():
    with pytest.raises(TimeLimitReached), time_limit(0.05), time_limit(60):
        forever()
    with time_limit(60):
        with pytest.raises(TimeLimitReached), time_limit(0.05):
            forever()
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 60


class Rings:
    """An argument of a C function whose conversion is when the time is up."""

    @classmethod
    def from_param(cls, value):
        forever()


def test_it_is_late_where_ctypes_makes_another_error_of_it():
    function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(abs)
    function.argtypes = [Rings]
    with pytest.raises(TimeLimitReached) as caught, time_limit(0.1):
        function(3)
    assert isinstance(caught.value.__cause__, ctypes.ArgumentError)


def test_other_errors_are_themselves():
    with pytest.raises(ValueError, match="mine"), time_limit(600):
        raise ValueError("mine")


@uninterrupted()
def busy():
    """Longer than the limit."""
    until = time.monotonic() + 0.1
    while time.monotonic() < until:
        pass
    return "done"


class Slow:
    """Takes longer than the limit to go away."""

    def __del__(self):
        busy_until = time.monotonic() + 0.1
        while time.monotonic() < busy_until:
            pass
        said.append("deleted")


said: list[str] = []


def is_busy():
    said.append(busy())
    forever()


def deletes():
    slow = Slow()
    del slow
    forever()


def test_what_must_not_be_disturbed_is_done_before_it_rings():
    said.clear()
    with pytest.raises(TimeLimitReached), time_limit(0.03):
        is_busy()
    assert said == ["done"]


def test_what_another_thread_does_delays_no_limit(others):
    leave = threading.Event()

    def hold():
        with uninterrupted():
            leave.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        with pytest.raises(TimeLimitReached), time_limit(0.03):
            forever()
    finally:
        leave.set()
        thread.join()


def test_an_object_is_deleted_before_it_rings():
    said.clear()
    with pytest.raises(TimeLimitReached), time_limit(0.03):
        deletes()
    assert said == ["deleted"]
