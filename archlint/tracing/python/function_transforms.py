"""``torch.func``: ``vmap``, ``grad``, ``jvp`` and their kin on symbolic tensors.

These transforms wrap every tensor in C++, where sizes cannot be followed. While a trace runs, a
symbolic tensor is not wrapped. ``vmap`` then calls its function on one entry of the batch, and its
result is repeated for all; a derivative has the sizes of what it is taken by, and ``jvp`` those of
the result.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor


def transforms_active() -> bool:
    """Whether a function runs that one of these transforms was applied to."""
    return bool(torch._C._are_functorch_transforms_active())


def _same(tensor: Any, *level: Any) -> Any:
    return tensor


def _entry(tensor: Any, dim: int, *level: Any) -> Any:
    return tensor.select(dim, 0)


def _batched(tensor: Any, level: Any, size: Any, dim: int) -> Any:
    result = tensor.unsqueeze(dim)
    repeats = [1] * result.ndim
    repeats[dim] = size
    return result.repeat(repeats)


_REPLACED: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("torch._functorch.eager_transforms", "_wrap_for_grad", _same),
    ("torch._functorch.eager_transforms", "_unwrap_for_grad", _same),
    ("torch._functorch.vmap", "_add_batch_dim", _entry),
    ("torch._functorch.vmap", "_remove_batch_dim", _batched),
)


@contextmanager
def function_transforms_traced() -> Iterator[None]:
    """Inside the block the transforms take symbolic tensors."""
    replaced: list[tuple[Any, str, Any]] = []
    with PROCESS_LOCK:
        try:
            for home, name, instead in _REPLACED:
                module = sys.modules.get(home)
                original = getattr(module, name, None)
                if original is not None:
                    setattr(module, name, _for_symbolic(original, instead))
                    replaced.append((module, name, original))
            yield
        finally:
            for module, name, original in replaced:
                setattr(module, name, original)


def _for_symbolic(original: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
    """``instead`` for symbolic tensors, ``original`` for all others."""

    @functools.wraps(original)
    def function(tensor: Any, *args: Any) -> Any:
        return (instead if type(tensor) is SymbolicTensor else original)(tensor, *args)

    return function
