"""Blocks in which training records no gradients or keeps other tensors, followed in a trace.

A trace runs without gradients, so ``torch.no_grad()`` changes nothing in it. What training would
keep depends on it, on ``torch.utils.checkpoint`` and on ``torch.autograd.Function``: their entries
and exits are noted in the run's :class:`~archlint.tracing.call_scopes.Scopes`.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.autograd.function import FunctionCtx

from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.uninterruptible import uninterrupted
from archlint.tracing.call_scopes import Around, Scope
from archlint.tracing.run import TraceRun

Method = Callable[..., Any]
_CHECKPOINT = "torch.utils.checkpoint"
_GENERATORS = (  # of one checkpoint, by version of PyTorch
    "_checkpoint_without_reentrant_generator", "_checkpoint_without_reentrant_generator_impl",
)  # fmt: skip


@contextmanager
def gradient_scopes_noted(run: TraceRun) -> Iterator[None]:
    """Inside the block the scopes of ``run`` follow what the model's code does with gradients."""
    before: dict[int, tuple[Any, bool]] = {}  # by block: itself, and what held outside it
    replaced: list[tuple[Any, str, Any]] = []

    def replace(home: Any, name: str, instead: Any) -> None:
        replaced.append((home, name, vars(home)[name]))  # first: a limit may ring
        setattr(home, name, instead)

    def entering(original: Method, wanted: Callable[[Any], bool]) -> Method:
        @functools.wraps(original)
        def method(block: Any, *args: Any, **kwargs: Any) -> Any:
            outside = run.scopes.recorded
            result = original(block, *args, **kwargs)
            if run.in_thread():
                before[id(block)] = block, outside
                run.scopes.recorded = wanted(block)
            return result

        return method

    def leaving(original: Method) -> Method:
        @functools.wraps(original)
        def method(block: Any, *args: Any, **kwargs: Any) -> Any:
            _, outside = before.get(id(block), (None, run.scopes.recorded))
            result = original(block, *args, **kwargs)
            if run.in_thread():
                run.scopes.recorded = outside
            return result

        return method

    def switching(original: Method) -> Method:
        @functools.wraps(original)
        def method(block: Any) -> Any:
            result = original(block)
            if run.in_thread():
                run.scopes.recorded = block.mode
            return result

        return method

    def cancelling(original: Method) -> Method:
        @functools.wraps(original)
        def method(block: Any, function: Any) -> Any:
            if run.in_thread():
                _, run.scopes.recorded = before.get(id(block), (None, run.scopes.recorded))
            return original(block, function)

        return method

    with PROCESS_LOCK:
        try:
            for kind, wanted in (
                (torch.no_grad, lambda _: False),
                (torch.enable_grad, lambda _: True),
                (torch.inference_mode, lambda block: not block.mode),
            ):
                replace(kind, "__enter__", entering(kind.__enter__, wanted))
                replace(kind, "__exit__", leaving(kind.__exit__))
            switch = torch.set_grad_enabled  # from where it is made, block or not
            replace(switch, "__init__", entering(switch.__init__, lambda block: block.mode))
            replace(switch, "__enter__", switching(switch.__enter__))
            replace(switch, "__exit__", leaving(switch.__exit__))
            replace(switch, "__call__", cancelling(switch.__call__))  # as a decorator
            replace(torch.autograd.Function, "apply", _applied(run))
            replace(FunctionCtx, "save_for_backward", _saving(run))
            checkpoint = sys.modules.get(_CHECKPOINT)
            for name in _GENERATORS:
                original = getattr(checkpoint, name, None)
                if original is not None:
                    replace(checkpoint, name, _checkpointed(original, run))
            yield
        finally:
            with uninterrupted():
                for home, name, original in reversed(replaced):
                    setattr(home, name, original)


def _applied(run: TraceRun) -> Any:
    original = vars(torch.autograd.Function)["apply"]

    def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
        call = original.__get__(None, cls)
        if not run.in_thread():
            return call(*args, **kwargs)
        with run.scopes.entered(Scope(Around.FUNCTION, args=(args, kwargs))) as scope:
            scope.result = call(*args, **kwargs)
        return scope.result

    return classmethod(apply)


def _saving(run: TraceRun) -> Method:
    original = FunctionCtx.save_for_backward

    @functools.wraps(original)
    def save_for_backward(self: Any, *tensors: Any) -> Any:
        innermost = run.scopes.now[-1:] if run.in_thread() else ()
        for scope in innermost:
            if scope.around is Around.FUNCTION:
                scope.saved.extend(tensors)
        return original(self, *tensors)

    return save_for_backward


def _checkpointed(original: Method, run: TraceRun) -> Method:
    @functools.wraps(original)
    def generator(*args: Any, **kwargs: Any) -> Iterator[Any]:
        if not run.in_thread():
            yield from original(*args, **kwargs)
            return
        scope = Scope(Around.CHECKPOINT, args=(args, kwargs), saved=[args, kwargs])
        with run.scopes.entered(scope):
            yield from original(*args, **kwargs)

    return generator
