"""Calls inside of :func:`.with_room` need no memory from the system, however deep they are."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from archlint.runtime.frame_room import with_room

_CALLS = 100


def test_arguments_and_results_pass() -> None:
    assert with_room(dict, [("a", 1)], b=2) == {"a": 1, "b": 2}


def test_exceptions_pass() -> None:
    with pytest.raises(ZeroDivisionError):
        with_room(divmod, 1, 0)


def _calls() -> None:
    """Calls at several levels, each of which may be the first that no longer fits a chunk."""
    for _ in range(_CALLS):
        _nested(20)


def _nested(levels: int) -> int:
    return _nested(levels - 1) if levels else 0


def _below(depth: int, action: Callable[[], int]) -> int:
    return _below(depth - 1, action) if depth else action()


@pytest.mark.skipif(sys.platform != "linux", reason="counts the pages that Linux hands out")
def test_no_depth_makes_calls_wait_for_memory() -> None:
    import resource

    def pages() -> int:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        with_room(_calls)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    most = max(_below(depth, pages) for depth in range(150))
    assert most < _CALLS / 2
