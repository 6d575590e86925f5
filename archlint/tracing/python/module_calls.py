"""Replaces ``nn.Module.__call__`` while a trace runs, so that the tracer sees module calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from archlint.runtime.process_lock import PROCESS_LOCK

ModuleCall = Callable[..., Any]
"""``nn.Module.__call__``: the module, then the arguments of its ``forward``."""


@contextmanager
def replaced_module_call(wrap: Callable[[ModuleCall], ModuleCall]) -> Iterator[None]:
    """Call every module through ``wrap(original)`` inside the block.

    The replacement is seen by all threads: it must do nothing but call the original in threads that
    do not belong to the run.
    """
    with PROCESS_LOCK:
        original: ModuleCall = nn.Module.__call__
        nn.Module.__call__ = wrap(original)  # type: ignore[method-assign]
        try:
            yield
        finally:
            nn.Module.__call__ = original  # type: ignore[method-assign]
