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
from functools import lru_cache
from typing import Any

import torch
from torch.autograd.function import FunctionCtx

from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.uninterruptible import uninterrupted
from archlint.tracing.call_scopes import Around, Scope
from archlint.tracing.run import TraceRun, current_run

Method = Callable[..., Any]
_CHECKPOINT = "torch.utils.checkpoint"
_GENERATORS = (  # of one checkpoint, by version of PyTorch
    "_checkpoint_without_reentrant_generator", "_checkpoint_without_reentrant_generator_impl",
)  # fmt: skip


@contextmanager
def gradient_scopes_noted() -> Iterator[None]:
    """Inside the block the scopes of a run follow what the model's code does with gradients."""
    replaced: list[tuple[Any, str, Any]] = []
    with PROCESS_LOCK:
        try:
            for home, name, make in (*_METHODS, *_generators()):
                original = vars(home)[name]
                if not _is_replacement(original):  # of the run that this run is inside of
                    replaced.append((home, name, original))  # first: a limit may ring
                    setattr(home, name, make(original))
            yield
        finally:
            with uninterrupted():
                for home, name, original in reversed(replaced):
                    setattr(home, name, original)


def _run_here() -> TraceRun | None:
    """The run, if the calling thread is its own."""
    run = current_run()
    return run if run is not None and run.in_thread() else None


_Maker = Callable[[Any], Any]
_REPLACEMENT = "notes_gradient_scopes"


def _is_replacement(method: Any) -> bool:
    return hasattr(getattr(method, "__func__", method), _REPLACEMENT)


def _maker(make: Callable[[Any], Method]) -> _Maker:
    """``make``, which gives the replacement of a method; the same one in every run."""

    @lru_cache(maxsize=8)
    def made(original: Any) -> Any:
        method: Any = make(original)
        setattr(getattr(method, "__func__", method), _REPLACEMENT, True)
        return method

    return made


def _entering(wanted: Callable[[Any], bool]) -> _Maker:
    """For a method from which on gradients are recorded if ``wanted``."""

    def make(original: Method) -> Method:
        @functools.wraps(original)
        def method(block: Any, *args: Any, **kwargs: Any) -> Any:
            run = _run_here()
            outside = run is not None and run.scopes.recorded
            result = original(block, *args, **kwargs)
            if run is not None:
                run.scopes.outside[id(block)] = block, outside
                run.scopes.recorded = wanted(block)
            return result

        return method

    return _maker(make)


def _outside(run: TraceRun, block: Any) -> bool:
    return run.scopes.outside.get(id(block), (None, run.scopes.recorded))[1]


@_maker
def _leaving(original: Method) -> Method:
    @functools.wraps(original)
    def method(block: Any, *args: Any, **kwargs: Any) -> Any:
        run = _run_here()
        outside = run is not None and _outside(run, block)
        result = original(block, *args, **kwargs)
        if run is not None:
            run.scopes.recorded = outside
        return result

    return method


@_maker
def _switching(original: Method) -> Method:
    @functools.wraps(original)
    def method(block: Any) -> Any:
        result = original(block)
        run = _run_here()
        if run is not None:
            run.scopes.recorded = block.mode
        return result

    return method


@_maker
def _cancelling(original: Method) -> Method:
    @functools.wraps(original)
    def method(block: Any, function: Any) -> Any:
        run = _run_here()
        if run is not None:
            run.scopes.recorded = _outside(run, block)
        return original(block, function)

    return method


@_maker
def _applied(original: Any) -> Any:
    def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
        call, run = original.__get__(None, cls), _run_here()
        if run is None:
            return call(*args, **kwargs)
        with run.scopes.entered(Scope(Around.FUNCTION, args=(args, kwargs))) as scope:
            scope.result = call(*args, **kwargs)
        return scope.result

    return classmethod(apply)


@_maker
def _saving(original: Method) -> Method:
    @functools.wraps(original)
    def save_for_backward(self: Any, *tensors: Any) -> Any:
        run = _run_here()
        for scope in run.scopes.now[-1:] if run is not None else ():
            if scope.around is Around.FUNCTION:
                scope.saved.extend(tensors)
        return original(self, *tensors)

    return save_for_backward


@_maker
def _checkpointed(original: Method) -> Method:
    @functools.wraps(original)
    def generator(*args: Any, **kwargs: Any) -> Iterator[Any]:
        run = _run_here()
        if run is None:
            yield from original(*args, **kwargs)
            return
        scope = Scope(Around.CHECKPOINT, args=(args, kwargs), saved=[args, kwargs])
        with run.scopes.entered(scope):
            yield from original(*args, **kwargs)

    return generator


def _generators() -> list[tuple[Any, str, _Maker]]:
    checkpoint = sys.modules.get(_CHECKPOINT)
    return [(checkpoint, name, _checkpointed) for name in _GENERATORS if hasattr(checkpoint, name)]


_SWITCH = torch.set_grad_enabled  # from where it is made, block or not
_METHODS: tuple[tuple[Any, str, _Maker], ...] = (
    (torch.no_grad, "__enter__", _entering(lambda _: False)),
    (torch.enable_grad, "__enter__", _entering(lambda _: True)),
    (torch.inference_mode, "__enter__", _entering(lambda block: not block.mode)),
    *(
        (kind, "__exit__", _leaving)
        for kind in (torch.no_grad, torch.enable_grad, torch.inference_mode)
    ),
    (_SWITCH, "__init__", _entering(lambda block: block.mode)),
    (_SWITCH, "__enter__", _switching),
    (_SWITCH, "__exit__", _leaving),
    (_SWITCH, "__call__", _cancelling),  # as a decorator
    (torch.autograd.Function, "apply", _applied),
    (FunctionCtx, "save_for_backward", _saving),
)
