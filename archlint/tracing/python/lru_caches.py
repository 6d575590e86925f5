"""Cached functions, which remember nothing of a run.

``functools.lru_cache`` hashes its arguments, which would pin every size among them to a number, and
what it remembers would outlive the run. Inside a run, calls with symbolic arguments are remembered
by a memory of the run. Other calls reach the real cache: what they give, such as the one dict of
``@cache def registry()``, is restored afterwards.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import nn

from archlint.models.code_places import CodePlaces, code_places, in_cell
from archlint.models.containers import base_of, contents, put_contents
from archlint.models.model_code import ModelCode
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.uninterruptible import uninterrupted
from archlint.tracing.symint.node import size_of
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trees import leaves

_CACHED = type(functools.cache(lambda: None))
_SYMBOLIC = (torch.SymInt, torch.SymFloat, torch.SymBool)


class _Place(NamedTuple):
    """Where a cached function is bound: the attribute ``name`` of ``owner``."""

    owner: Any
    name: str
    value: Any  # the cached function, or the ``staticmethod`` or ``classmethod`` around it


@contextmanager
def lru_caches_restored(code: ModelCode, remembered: dict[Any, Any]) -> Iterator[None]:
    """Keep what a run computes out of the caches that the model's code can name.

    ``remembered`` is the run's memory of calls with symbolic arguments.

    These are the ones in the classes of its modules and in the files that define them, decorated
    or not. Others, in instances or lists, remember what the run computes.
    """
    with PROCESS_LOCK:
        places = _places(code_places(code))
        run: dict[int, _OfRun] = {}
        replaced: list[_Place] = []
        try:
            for place in places:
                kind = type(place.value)
                cached = place.value if kind is _CACHED else place.value.__func__
                of_run = run.setdefault(id(cached), _OfRun(cached, remembered))
                new = of_run.function if kind is _CACHED else kind(of_run.function)
                replaced.append(place)  # first: a limit may ring at any line
                try:
                    setattr(place.owner, place.name, new)
                except (AttributeError, TypeError):  # a class that lets nothing be set
                    replaced.pop()
            yield
        finally:
            with uninterrupted():
                for owner, name, value in replaced:
                    setattr(owner, name, value)
                for of_run in run.values():
                    of_run.restore()


@functools.lru_cache(maxsize=8)
def _places(code: CodePlaces) -> tuple[_Place, ...]:
    """Where cached functions are bound: to global names, to attributes, in closures."""
    found: list[_Place] = []
    for owner in (*code.modules, *code.classes):
        for name, value in list(vars(owner).items()):
            kind = type(value)
            if kind is _CACHED or (
                kind in (staticmethod, classmethod) and type(value.__func__) is _CACHED
            ):
                found.append(_Place(owner, name, value))
    for function in code.functions:
        for cell in function.__closure__ or ():
            if type(in_cell(cell)) is _CACHED:
                found.append(_Place(cell, "cell_contents", in_cell(cell)))
    return tuple(found)


class _OfRun:
    """A cached function during one run."""

    def __init__(self, cached: Any, remembered: dict[Any, Any]) -> None:
        self._cached = cached
        self._had = cached.cache_info().currsize
        self._results = remembered
        self._contents: dict[int, tuple[Any, Any, Any]] = {}
        self._clear = False
        self.function = self._replacement()

    def _replacement(self) -> Callable[..., Any]:
        @functools.wraps(self._cached)
        def call(*args: Any, **kwargs: Any) -> Any:
            if any(
                isinstance(a, _SYMBOLIC) or type(a) is SymbolicTensor for a in _in(args, kwargs)
            ):
                return self._remembered(args, kwargs)
            result = self._cached(*args, **kwargs)
            self._note(result)
            return result

        for name in ("cache_clear", "cache_info", "cache_parameters"):
            setattr(call, name, getattr(self._cached, name))
        return call

    def _remembered(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result for symbolic arguments, the same object for the same sizes."""
        try:
            key = (id(self._cached), _key(args), _key(tuple(kwargs.items())))
            known = self._results.get(key)
        except TypeError:  # what cannot be hashed, the real cache refuses
            return self._cached(*args, **kwargs)
        if known is None:
            # The arguments stay alive, so that no other object gets their ``id``.
            known = self._results[key] = (self._cached.__wrapped__(*args, **kwargs), args, kwargs)
        return known[0]

    def _note(self, result: Any) -> None:
        """Remember what is in a result, to restore it."""
        if any(isinstance(a, _SYMBOLIC) or type(a) is SymbolicTensor for a in leaves(result)):
            self._clear = True
        held = result if base_of(type(result)) else getattr(result, "__dict__", None)
        base = base_of(type(held))
        is_code = isinstance(result, (type, types.ModuleType, types.FunctionType, nn.Module))
        if base is not None and not is_code and id(held) not in self._contents:
            self._contents[id(held)] = (held, base, contents(held, base))

    def restore(self) -> None:
        """Forget the run."""
        for held, base, had in self._contents.values():
            put_contents(held, base, had)
        if self._clear or (not self._had and self._cached.cache_info().currsize):
            self._cached.cache_clear()


def _in(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Any]:
    yield from leaves(args)
    yield from leaves(kwargs)


def _key(value: Any) -> Any:
    """What tells arguments apart: sizes by their formulas, tensors by their identity."""
    if isinstance(value, tuple):
        return tuple(_key(v) for v in value)
    if isinstance(value, _SYMBOLIC):
        size = size_of(value)
        return type(value), str(size) if isinstance(value, torch.SymFloat) else size
    hash(value)
    return (type(value), id(value)) if isinstance(value, torch.Tensor) else (type(value), value)
