"""Blocks in which a model's code sees what PyTorch's kernels do, which a trace does not run.

A ``TorchDispatchMode`` sees each kernel and may answer for it, ``saved_tensors_hooks`` each tensor
that autograd keeps, and ``warnings.catch_warnings(record=True)`` each warning. What such code then
computes is not known. PyTorch's own modes, hooks and blocks change no size.
"""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from archlint.runtime.code_owner import is_user_code
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.uninterruptible import uninterrupted
from archlint.tracing.run import current_run
from archlint.tracing.signals import UnknownOutcome

_COUNTING = "torch.utils.flop_counter"  # its mode tells what it saw


@contextmanager
def watching_noted() -> Iterator[None]:
    """Inside the block, code of the model that enters such a block, or asks one, ends the run."""
    replaced: list[tuple[Any, str, Any]] = []
    with PROCESS_LOCK:
        try:
            for home, name, make in _PLACES:
                original = vars(home)[name]
                if not hasattr(original, _MARK):  # of the run that this run is inside of
                    replaced.append((home, name, original))  # first: a limit may ring
                    setattr(home, name, make(original))
            yield
        finally:
            with uninterrupted():
                for home, name, original in reversed(replaced):
                    setattr(home, name, original)


_MARK = "watches_blocks"


def _before(look: Callable[..., None]) -> Callable[[Any], Any]:
    """What makes a replacement that looks at the arguments, then calls the original."""

    @functools.lru_cache(maxsize=8)
    def made(original: Any) -> Any:
        @functools.wraps(original)
        def function(*args: Any, **kwargs: Any) -> Any:
            run = current_run()
            if run is not None and run.in_thread():
                look(*args, **kwargs)
            return original(*args, **kwargs)

        setattr(function, _MARK, True)
        return function

    return made


def _of_mode(mode: Any) -> None:
    home = type(mode).__module__
    if home.split(".")[0] not in ("torch", "archlint") or home == _COUNTING:
        raise UnknownOutcome("a TorchDispatchMode sees kernels, which a trace does not run")


def _of_hooks(hooks: Any) -> None:
    code = getattr(getattr(hooks, "pack_hook", None), "__code__", None)
    if code is None or is_user_code(code.co_filename):
        raise UnknownOutcome("saved_tensors_hooks see what autograd keeps, which a trace does not")


def _of_filter(action: str, *args: Any, **kwargs: Any) -> None:
    run = current_run()
    if action == "error" and run is not None and is_user_code(sys._getframe(2).f_code.co_filename):
        run.path.unproved("warnings are errors here, and which operators warn is not known")


@functools.lru_cache(maxsize=8)
def _recording(original: Any) -> Any:
    @functools.wraps(original)
    def enter(block: Any) -> Any:
        made, run = original(block), current_run()
        users = is_user_code(sys._getframe(1).f_code.co_filename)
        if made is None or run is None or not run.in_thread() or not users:
            return made
        return Recorded()

    setattr(enter, _MARK, True)
    return enter


class Recorded(list[Any]):
    """The list of the warnings in a block, which is no secret as long as nobody asks for it."""

    def _asked(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise UnknownOutcome("which warnings PyTorch gives is not followed")

    __len__ = __bool__ = __iter__ = __getitem__ = __contains__ = __reversed__ = _asked
    __eq__ = __ne__ = __repr__ = __add__ = copy = pop = index = count = _asked
    __hash__ = None


_PLACES: tuple[tuple[Any, str, Callable[[Any], Any]], ...] = (
    (TorchDispatchMode, "__enter__", _before(_of_mode)),
    (torch.autograd.graph.saved_tensors_hooks, "__enter__", _before(_of_hooks)),
    (warnings.catch_warnings, "__enter__", _recording),
    (warnings, "simplefilter", _before(_of_filter)),
    (warnings, "filterwarnings", _before(_of_filter)),
)
