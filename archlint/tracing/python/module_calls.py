"""Replaces ``__call__`` of modules and scripted functions while a trace runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from archlint.runtime.process_lock import PROCESS_LOCK

ModuleCall = Callable[..., Any]
"""``nn.Module.__call__``: the module, then the arguments of its ``forward``."""


@contextmanager
def replaced_module_call(wrap: Callable[[ModuleCall], ModuleCall]) -> Iterator[None]:
    """Call every module through ``wrap(original)`` inside the block."""
    with _replaced(nn.Module, wrap):
        yield


@contextmanager
def replaced_script_call(wrap: Callable[[ModuleCall], ModuleCall]) -> Iterator[None]:
    """Call every function of ``torch.jit.script`` through ``wrap(original)`` inside the block."""
    with _replaced(torch.jit.ScriptFunction, wrap):
        yield


@contextmanager
def _replaced(owner: Any, wrap: Callable[[ModuleCall], ModuleCall]) -> Iterator[None]:
    """Replace ``owner.__call__`` inside the block.

    The replacement is seen by all threads: it must do nothing but call the original in threads that
    do not belong to the run.
    """
    with PROCESS_LOCK:
        original: ModuleCall = owner.__call__
        owner.__call__ = wrap(original)
        try:
            yield
        finally:
            owner.__call__ = original
