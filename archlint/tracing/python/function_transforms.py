"""``torch.func``: ``vmap``, ``grad``, ``jvp`` and their kin on symbolic tensors.

These transforms wrap every tensor in C++, where sizes cannot be followed. While a trace runs, a
symbolic tensor is not wrapped. ``vmap`` then calls its function on one entry of the batch, and its
result is repeated for all; a derivative has the sizes of what it is taken by, and ``jvp`` those of
the result. What ``vmap`` refuses in its function (values, sizes that depend on values, random
numbers, some writes) ends the run as unknown.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

import torch

from archlint.ops.registry import INPLACE
from archlint.ops.traits import traits_of
from archlint.runtime.code_owner import is_user_code
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.uninterruptible import uninterrupted
from archlint.tracing.path import TracedPath
from archlint.tracing.run import TraceRun
from archlint.tracing.signals import UnknownOutcome
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor


def transforms_active() -> bool:
    """Whether a function runs that one of these transforms was applied to."""
    return bool(torch._C._are_functorch_transforms_active())


_T: Any = torch.Tensor
_VALUES = frozenset(
    (_T.__bool__, _T.__int__, _T.__float__, _T.__index__, _T.__contains__,
     _T.item, _T.tolist, _T.is_nonzero)
)  # fmt: skip
_GRADIENTS = frozenset(a.__get__ for a in (_T.requires_grad, _T.is_leaf, _T.grad_fn, _T.grad))


def refuse_in_transform(func: Any, vmap: bool) -> None:
    """Raise ``UnknownOutcome`` for a call whose answer differs in the function of a transform.

    To be called by what the call reaches first, so that the frame above that is the caller's.
    Whether a tensor requires gradients differs in each; ``vmap``, if it is one of them, may refuse
    values, random numbers and writes.
    """
    if func in _GRADIENTS and is_user_code(sys._getframe(2).f_code.co_filename):
        raise UnknownOutcome("whether a tensor requires gradients inside torch.func")
    traits = traits_of(func)
    if not vmap or func is torch.Tensor.requires_grad_:  # which ``grad`` inside ``vmap`` calls
        return
    if func in _VALUES or func in INPLACE or traits.random or traits.writes != ():
        raise UnknownOutcome(f"{getattr(func, '__name__', func)} inside torch.func.vmap")


def _same(run: TraceRun, path: TracedPath, tensor: Any, *level: Any) -> Any:
    return tensor


def _entry(run: TraceRun, path: TracedPath, tensor: Any, dim: int, level: int) -> Any:
    run.vmaps.setdefault(level, len(path.unknowns))
    return tensor.select(dim, 0)


def _batched(run: TraceRun, path: TracedPath, tensor: Any, level: int, size: Any, dim: int) -> Any:
    if len(path.unknowns) != run.vmaps.pop(level, len(path.unknowns)):
        raise UnknownOutcome("sizes that depend on values inside torch.func.vmap")
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
def function_transforms_traced(path: TracedPath, run: TraceRun) -> Iterator[None]:
    """Inside the block the transforms take symbolic tensors."""
    replaced: list[tuple[Any, str, Any]] = []
    with PROCESS_LOCK:
        try:
            for home, name, instead in _REPLACED:
                module = sys.modules.get(home)
                original = getattr(module, name, None)
                if original is not None:
                    replaced.append((module, name, original))  # first: a limit may ring
                    setattr(module, name, _for_symbolic(original, partial(instead, run, path)))
            yield
        finally:
            with uninterrupted():
                for module, name, original in replaced:
                    setattr(module, name, original)


def _for_symbolic(original: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
    """``instead`` for symbolic tensors, ``original`` for all others."""

    @wraps(original)
    def function(tensor: Any, *args: Any) -> Any:
        return (instead if type(tensor) is SymbolicTensor else original)(tensor, *args)

    return function
