"""Random generators and clocks: while a model is traced, the numbers that they give are unknown.

``random``, ``numpy.random``, ``secrets``, ``time``, ``datetime``, ``os.urandom`` and ``uuid`` give
plain numbers, and one draw would stand for all. So the model's code gets a number within bounds
instead (:meth:`.TracedPath.unknown`); a comparison with it branches both ways. Where no bounds help
(arrays, bytes, dates, shuffled lists), the trace ends as unknown. A draw that no replacement sees,
such as one of another library that imported ``random.random`` by name, changes the state of
Python's or numpy's generator, and the trace ends as unknown too.
"""

from __future__ import annotations

import datetime
import os
import random
import secrets
import sys
import time
import types
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, lru_cache
from importlib import import_module
from itertools import takewhile
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from archlint.models.code_places import classes_of
from archlint.runtime.code_owner import Owner, file_of_module, is_user_code, owner_of
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.uninterruptible import uninterrupted
from archlint.symbolic import Size
from archlint.symbolic.formula import ge
from archlint.symbolic.rational import Opaque, Ratio
from archlint.tracing.path import TracedPath
from archlint.tracing.python.draw_names import BY_ANSWER, DATES
from archlint.tracing.run import TraceRun
from archlint.tracing.symint.node import size_of
from archlint.tracing.symint.python_types import sym_int, user_number
from archlint.tracing.symint.random_parts import DENOMINATOR

_MOST_ITEMS = 8  # of a sequence of which one is chosen: each is a path
_LIBRARIES = ("torch", "numpy", "archlint", "builtins")
_Function = Callable[..., Any]


@contextmanager
def draws_unknown(path: TracedPath, run: TraceRun, model: nn.Module) -> Iterator[None]:
    """Make what the model's code draws unknown inside the block.

    Calls in other threads, and from code that is not the user's or a library's, reach the
    originals. Clocks are read by many libraries for their own sake, such as a progress bar: only
    what the user's code and the packages of the model's classes read from them is unknown.
    """
    replaced: list[tuple[dict[str, Any], str, Any]] = []
    with PROCESS_LOCK:
        kinds = classes_of(model)
        originals = _originals()
        try:
            drawing, made = _replacements(originals)
        except TypeError:  # what stands in for one of them cannot be hashed
            drawing, made = _replacements.__wrapped__(originals)
        outer = vars(drawing).copy()
        before = _generator_states()
        try:
            drawing.begin(path, run, _packages(kinds))
            for names, name, original in _places(made, kinds):
                replaced.append((names, name, original))  # first: a limit may ring at any line
                names[name] = made[id(original)][1]
            yield
        finally:
            with uninterrupted():
                for names, name, original in replaced:
                    names[name] = original
                vars(drawing).update(outer)
            if not run.stops and _generator_states() != before:
                path.forget_claims()
                run.stops.append(
                    "random numbers determine the path: a generator was used by other code"
                )


def _generator_states() -> tuple[Any, ...]:
    if "numpy" not in sys.modules:
        return (random.getstate(),)
    numpy_random = import_module("numpy.random")  # NumPy loads it when it is first asked for
    kind, keys, position, *rest = numpy_random.get_state()
    return random.getstate(), kind, keys.tobytes(), position, *rest


def _packages(kinds: Iterable[type]) -> frozenset[str]:
    """The packages of the model's classes that are not PyTorch's."""
    roots = {kind.__module__.partition(".")[0] for kind in kinds}
    return frozenset(roots - set(_LIBRARIES))


def _places(
    made: Mapping[int, tuple[Any, Any]], kinds: Iterable[type]
) -> Iterable[tuple[dict[str, Any], str, Any]]:
    """The names bound to the functions, in their modules and in those of the model's code."""
    numpy = sys.modules.get("numpy.random")
    modules: list[Any] = [random, time, datetime, os, uuid, secrets]
    modules += [numpy] if numpy is not None else []
    homes = {kind.__module__ for kind in kinds}
    modules += [sys.modules[name] for name in homes if name in sys.modules]
    modules += _users_modules(len(sys.modules))
    found: list[tuple[dict[str, Any], str, Any]] = []
    open_modules = {id(m): vars(m) for m in modules if _is_open(m)}

    def look(names: dict[str, Any]) -> None:
        if made.keys().isdisjoint(map(id, names.values())):
            return
        for name, value in names.items():
            known = made.get(id(value))
            if known is not None and known[0] is value:
                found.append((names, name, value))

    for names in open_modules.values():
        look(names)
    for held in (*open_modules.values(), *map(vars, kinds)):
        for defaults in _defaults(held):
            look(defaults)
    return found


def _defaults(names: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The defaults of functions that bind a generator at their definition, as beartype's do."""
    found = []
    for value in names.values():
        while type(value) is types.FunctionType:
            if value.__kwdefaults__:
                found.append(value.__kwdefaults__)
            value = value.__dict__.get("__wrapped__")
    return found


def _is_open(module: types.ModuleType) -> bool:
    return module.__name__.partition(".")[0] not in _LIBRARIES or module.__name__ == "numpy.random"


@lru_cache(maxsize=4)
def _users_modules(loaded: int) -> tuple[types.ModuleType, ...]:
    """The modules of the user's own code among the ``loaded`` modules of the process."""
    last, first = _first_modules()
    later = takewhile(lambda name: name != last, reversed(list(sys.modules)))
    return (*first, *_users(later))


@cache
def _first_modules() -> tuple[str, tuple[types.ModuleType, ...]]:
    """The name of the last module that is loaded at the first call, and the user's own until then.

    A process that is forked after that looks only at what it loads itself.
    """
    names = list(sys.modules)
    return names[-1], _users(names)


def _users(names: Iterable[str]) -> tuple[types.ModuleType, ...]:
    """The modules of the user's own code among those with these names."""
    modules = ((m, file_of_module(m)) for m in map(sys.modules.get, names))
    own = ((m, f) for m, f in modules if type(m) is types.ModuleType and f is not None)
    return tuple(m for m, f in own if owner_of(f) is Owner.USER)


class _Run:
    """The run that the replacements belong to now: in the others they call the originals."""

    def __init__(self) -> None:
        self.draws: _Draws | None = None
        self.run: TraceRun | None = None
        self.packages: frozenset[str] = frozenset()

    def begin(self, path: TracedPath, run: TraceRun, packages: frozenset[str]) -> None:
        """Answer for this run, whose model has classes of these packages."""
        self.draws, self.run, self.packages = _Draws(path), run, packages


def _originals() -> tuple[tuple[Any, str, Any, str], ...]:
    """The functions to replace: the module, the name, the function, and the method that answers."""
    return tuple(
        (module, name, original, answer)
        for home, answers in BY_ANSWER.items()
        if (module := sys.modules.get(home)) is not None
        for answer, names in answers.items()
        for name in names
        if (original := getattr(module, name, None)) is not None
    )


@lru_cache(maxsize=4)
def _replacements(
    originals: tuple[tuple[Any, str, Any, str], ...],
) -> tuple[_Run, dict[int, tuple[Any, Any]]]:
    """Each function with its replacement, by the function's ``id``; and what tells them the run."""
    current = _Run()
    made: dict[int, tuple[Any, Any]] = {}

    def function_like(text: str, original: Any, answer: str, clock: bool) -> _Function:
        def function(*args: Any, **kwargs: Any) -> Any:
            run = current.run
            if run is None or not run.in_thread():
                return original(*args, **kwargs)
            if not _is_models(sys._getframe(1), current.packages if clock else None):
                return original(*args, **kwargs)
            return getattr(current.draws, answer)(text, *args, **kwargs)

        function.__wrapped__ = original  # type: ignore[attr-defined]
        return function

    for module, name, original, answer in originals:
        clock = module is time
        new: Any = function_like(f"{module.__name__}.{name}", original, answer, clock)
        if isinstance(original, type):
            new = _class_like(original, new)
        made[id(original)] = (original, new)
    for kind, names in DATES.items():
        methods = {}
        for name in names:
            text = f"datetime.{kind.__name__}.{name}"
            known = function_like(text, getattr(kind, name), "other", True)
            methods[name] = staticmethod(known)
        made[id(kind)] = (kind, _class_like(kind, kind, methods))
    return current, made


def _class_like(
    original: type, make: _Function, methods: Mapping[str, Any] = MappingProxyType({})
) -> type:
    """A class for ``isinstance`` and as a base, whose calls go to ``make``."""

    class Kind(type):
        def __call__(cls, *args: Any, **kwargs: Any) -> Any:
            return make(*args, **kwargs) if cls is stand else super().__call__(*args, **kwargs)

        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, original) if cls is stand else super().__instancecheck__(value)

        def __subclasscheck__(cls, kind: type) -> bool:
            return issubclass(kind, original) if cls is stand else super().__subclasscheck__(kind)

    stand = Kind(original.__name__, (original,), {"__wrapped__": original, **methods})
    return stand


def _is_models(frame: types.FrameType, packages: frozenset[str] | None) -> bool:
    """Whether the frame's code is one whose draws matter; ``packages``: of these only."""
    if frame.f_code.co_filename == __file__ and frame.f_back is not None:
        frame = frame.f_back  # of a class's call
    file = frame.f_code.co_filename
    if owner_of(file) is Owner.TEXT:  # the wrapper that a decorator compiled for a function
        return True
    if owner_of(file) is not Owner.USER and _is_import(frame):
        return False
    if packages is None:
        return is_user_code(file)
    root = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return root in packages or owner_of(file) is Owner.USER


def _is_import(frame: types.FrameType) -> bool:
    """Whether the frame runs because a module is imported."""
    at: types.FrameType | None = frame
    while at is not None and at.f_code.co_filename != "<frozen importlib._bootstrap>":
        at = at.f_back
    return at is not None


class _Draws:
    """What the functions give on one path. ``what`` names the function."""

    def __init__(self, path: TracedPath) -> None:
        self.path = path

    def fraction(self, what: str, *args: Any, **kwargs: Any) -> Any:
        """A float from 0 to 1, without 1; an array where a shape is given."""
        if args or any(v is not None for v in kwargs.values()):
            return self.other(what)
        return self._float(Ratio(self.path.unknown(what, 0, DENOMINATOR - 1), DENOMINATOR))

    def number(self, what: str, *args: Any, size: Any = None, **kwargs: Any) -> Any:
        """A float of which nothing is known; an array where a shape or arrays are given."""
        plain = (int, float, torch.SymInt, torch.SymFloat)
        shape = what.startswith("numpy.") and args and what.rpartition(".")[2] in _SHAPED
        if size is not None or shape or not all(isinstance(a, plain) for a in args):
            return self.other(what)
        return self._float(Opaque(0.5, (self.path.unknown(what, None),)))

    def count(self, what: str) -> Any:
        """A number of nanoseconds."""
        return sym_int(self.path.unknown(what, 0), self.path)

    def inclusive(self, what: str, a: Any, b: Any) -> Any:
        """A whole number from ``a`` to ``b``."""
        return self._whole(what, a, b)

    def below(self, what: str, *args: Any, **kwargs: Any) -> Any:
        """A whole number below the last of one or two bounds."""
        names = ("low", "high") if what.startswith("numpy.") else ("start", "stop")
        bounds = [*args[:2], *(kwargs[n] for n in names[len(args) :] if n in kwargs)]
        bounds = [b for b in bounds if b is not None]
        rest = [a for a in args[2:] if a not in (None, 1)]
        rest += [v for n, v in kwargs.items() if n not in (*names, "dtype", "step")]
        if rest or kwargs.get("step", 1) != 1 or not all(map(_is_whole, bounds)) or not bounds:
            return self.other(what)
        return self._whole(what, bounds[0] if len(bounds) == 2 else 0, bounds[-1] - 1)

    def bits(self, what: str, k: Any) -> Any:
        """A whole number of ``k`` bits."""
        return self._whole(what, 0, (1 << int(k)) - 1)

    def choice(self, what: str, seq: Any, *args: Any, **kwargs: Any) -> Any:
        """One item of a sequence, each on a path of its own; a number below a number."""
        if args or kwargs:
            return self.other(what)
        if _is_whole(seq):
            return self._whole(what, 0, seq - 1)
        if not isinstance(seq, (list, tuple, str, range)) or len(seq) > _MOST_ITEMS:
            return self.other(what)
        if not seq:
            raise IndexError("Cannot choose from an empty sequence")
        at = 0
        while at < len(seq) - 1 and not self.path.choose(_decides(what)):
            at += 1
        return seq[at]

    def generator(self, what: str, seed: Any = None, *args: Any, **kwargs: Any) -> Any:
        """A generator: unknown without a seed, else the real one."""
        if seed is None:
            return self.other(what)
        module, _, name = what.rpartition(".")
        return getattr(sys.modules[module], name).__wrapped__(seed, *args, **kwargs)

    def current(self, what: str, *args: Any) -> Any:
        """The current date and time: unknown. For a time that is passed, the real function runs."""
        needed = 2 if what.endswith("strftime") else 1
        if len(args) < needed:
            return self.other(what)
        return getattr(time, what.rpartition(".")[2]).__wrapped__(*args)

    def other(self, what: str, *args: Any, **kwargs: Any) -> Any:
        """A draw without bounds: the trace ends as unknown."""
        return self.path.unknown_outcome(_decides(what))

    def _float(self, value: Any) -> Any:
        return user_number(value, self.path)

    def _whole(self, what: str, low: Any, high: Any) -> Any:
        first, last = (_size(self.path, n) for n in (low, high))
        if not self.path.branch(ge(last, first)):
            raise ValueError(f"empty range for {what}")
        return sym_int(self.path.unknown(what, first, last), self.path)


_SHAPED = ("randn",)  # whose positional arguments are the shape


def _decides(what: str) -> str:
    return f"random numbers ({what}) determine what the model computes"


def _is_whole(value: Any) -> bool:
    return (isinstance(value, (int, torch.SymInt)) and not isinstance(value, bool)) or (
        type(value).__module__ == "numpy" and hasattr(value, "__index__")
    )


def _size(path: TracedPath, number: Any) -> Size:
    size = size_of(number)
    return size if not isinstance(size, int) else int(size)
