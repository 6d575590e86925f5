"""What one run of a model must remember besides its path and its calls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.tracing.call_log import CallLog
from archlint.tracing.call_scopes import Scopes
from archlint.tracing.real_memory import RealMemory

if TYPE_CHECKING:
    import torch

    from archlint.tracing.path import TracedPath


class Vmap(NamedTuple):
    """How many unknowns, calls and calls on weights there were when a ``vmap`` began."""

    unknowns: int
    calls: int
    weights: int


class TraceRun:
    """The state of one run, along ``path``.

    ``stops``: why the run cannot go on, in order. They are kept because an ``except:`` of the model
    may swallow the exceptions. ``bypassed``: calls that did not go through ``__torch_function__``,
    so that the trace missed them. ``unknown_elements``: real tensors whose elements in memory are
    no longer what the model would have there, by address of their storage. ``grad_seen``: whether
    some tensor may require gradients. ``vmaps``: the levels of ``torch.func.vmap`` that run, each
    as it began. ``remembered``: what cached functions gave for
    symbolic arguments. ``alternatives``: whether a stand-in may be one of several tensors.
    ``inference``: whether some tensor was made in inference mode. ``scopes``: what is around the
    calls. ``log``: what the list of calls leaves out. ``memory``: of real tensors. ``made``: the
    real tensors that calls returned. ``thread``: the thread that runs the model; calls from other
    threads are not part of the trace.
    """

    def __init__(self, path: TracedPath) -> None:
        self.path = path
        self.stops: list[str] = []
        self.bypassed: list[str] = []
        self.unknown_elements: dict[int, torch.Tensor] = {}
        self.grad_seen = False
        self.vmaps: dict[int, Vmap] = {}
        self.remembered: dict[Any, Any] = {}
        self.alternatives = False
        self.inference = False
        self.scopes = Scopes()
        self.log = CallLog()
        self.memory = RealMemory()
        self.made: list[ref[torch.Tensor]] = []
        self.thread = threading.get_ident()

    def in_thread(self) -> bool:
        """Whether the calling thread is the one that runs the model."""
        return threading.get_ident() == self.thread


class _Current:
    """The run of this process, for callbacks of torch that cannot be passed an argument.

    It is one per process rather than one per thread: the lock admits one run at a time, and an
    exception in a thread that the model itself started must reach the run too.
    """

    run: TraceRun | None = None


def current_run() -> TraceRun | None:
    """The run that is under way, or ``None``."""
    return _Current.run


@contextmanager
def running(run: TraceRun) -> Iterator[None]:
    """Make ``run`` the current one inside the block; a run inside a run restores the outer one."""
    with PROCESS_LOCK:
        outer, _Current.run = _Current.run, run
        try:
            yield
        finally:
            _Current.run = outer
