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
from dataclasses import replace
from functools import lru_cache, wraps
from typing import Any

import torch

from archlint.ops.registry import INPLACE
from archlint.ops.traits import traits_of
from archlint.runtime.code_owner import is_user_code
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.uninterruptible import uninterrupted
from archlint.symbolic.atom import unknown_atom
from archlint.symbolic.formula import eq
from archlint.tracing.call_log import RepeatedCalls
from archlint.tracing.path import TracedPath
from archlint.tracing.run import TraceRun, Vmap, current_run
from archlint.tracing.signals import UnknownOutcome
from archlint.tracing.tensors.specs import known_of, spec_of, with_specs
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
        raise UnknownOutcome(
            "whether a tensor requires gradients is not followed inside torch.func"
        )
    traits = traits_of(func)
    if not vmap or func is torch.Tensor.requires_grad_:  # which ``grad`` inside ``vmap`` calls
        return
    if func in _VALUES or func in INPLACE or traits.random or traits.writes != ():
        raise UnknownOutcome(
            f"{getattr(func, '__name__', func)} is not followed inside torch.func.vmap"
        )


Function = Callable[..., Any]
_TRANSFORMS = "torch._functorch.eager_transforms"
_INDEX = unknown_atom(0, 1, ())  # of an entry, on which no size depends


def _same(run: TraceRun, path: TracedPath, tensor: Any, *level: Any) -> Any:
    return tensor


def _entry(run: TraceRun, path: TracedPath, tensor: Any, dim: int, level: int) -> Any:
    if path.branch(eq(spec_of(tensor).dims[dim], 0)):
        raise UnknownOutcome("torch.func.vmap over no entries is not followed")
    began = Vmap(len(path.unknowns), len(path.calls_so_far), len(run.log.on_weights))
    run.vmaps.setdefault(level, began)
    return tensor.select(dim, 0)


def _batched(run: TraceRun, path: TracedPath, tensor: Any, level: int, size: Any, dim: int) -> Any:
    began = run.vmaps.pop(level, None)
    if began is not None and len(path.unknowns) != began.unknowns:
        raise UnknownOutcome("sizes that tensor values determine are not followed inside vmap")
    result = tensor.unsqueeze(dim)
    repeats = [1] * result.ndim
    repeats[dim] = size
    result = result.repeat(repeats)
    _note_entries(run, path, began, size)
    return result


def _note_entries(run: TraceRun, path: TracedPath, began: Vmap | None, size: Any) -> None:
    """Note that the calls so far are made for each entry; ``began`` is ``None`` after the first."""
    repeated, end = run.log.repeated, len(path.calls_so_far)
    if began is not None:
        calls = tuple(map(with_specs, path.calls_so_far[began.calls : end]))
        on_weights = range(began.weights, len(run.log.on_weights))
        last = known_of(size)
        entries = RepeatedCalls(began.calls, end, on_weights, calls, _INDEX, 1, last, at_once=True)
        repeated.append(entries)
    elif repeated:  # another result of the same function
        repeated[-1] = replace(repeated[-1], end=end)


def _starts_fit(path: TracedPath, outputs: Any, starts: Any) -> None:
    """End the run as unknown where a gradient has not its output's sizes.

    ``vjp`` refuses it if the output depends on what the derivative is taken by, which is not known.
    """
    for output, start in zip(outputs, starts or (), strict=False):
        one, other = (spec_of(t).dims for t in (output, start))
        same = len(one) == len(other) and all(
            path.branch(eq(a, b)) for a, b in zip(one, other, strict=True)
        )
        if not same:
            raise UnknownOutcome(
                "torch.func.vjp is not followed where cotangent and output differ in size"
            )


@lru_cache(maxsize=8)
def _checked(derivative: Function) -> Function:
    """``derivative`` of outputs, inputs and gradients, after :func:`_starts_fit`."""

    @wraps(derivative)
    def function(outputs: Any, inputs: Any, starts: Any = None, *args: Any, **kwargs: Any) -> Any:
        run = current_run()
        if run is not None:
            _starts_fit(run.path, outputs, starts)
        return derivative(outputs, inputs, starts, *args, **kwargs)

    return function


def _for_symbolic(instead: Function) -> Callable[[Function], Function]:
    """``instead`` for symbolic tensors, the original for all others."""

    @lru_cache(maxsize=8)
    def made(original: Function) -> Function:
        @wraps(original)
        def function(tensor: Any, *args: Any) -> Any:
            run = current_run()
            if type(tensor) is SymbolicTensor and run is not None:
                return instead(run, run.path, tensor, *args)
            return original(tensor, *args)

        return function

    return made


_REPLACED: tuple[tuple[str, str, Callable[[Function], Function]], ...] = (
    (_TRANSFORMS, "_wrap_for_grad", _for_symbolic(_same)),
    (_TRANSFORMS, "_unwrap_for_grad", _for_symbolic(_same)),
    (_TRANSFORMS, "_autograd_grad", _checked),
    ("torch._functorch.vmap", "_add_batch_dim", _for_symbolic(_entry)),
    ("torch._functorch.vmap", "_remove_batch_dim", _for_symbolic(_batched)),
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
                    replaced.append((module, name, original))  # first: a limit may ring
                    setattr(module, name, instead(original))
            yield
        finally:
            with uninterrupted():
                for module, name, original in replaced:
                    setattr(module, name, original)
