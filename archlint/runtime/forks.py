"""Forks of a process that has PyTorch imported: whether there are any, and no threads before."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

FORKS = hasattr(os, "fork") and sys.platform != "darwin"
"""Whether a process with PyTorch can fork; frameworks of macOS do not survive it."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch's operators start no threads inside the block.

    A fork loses threads, and OpenMP would wait for them for ever in the new process.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
