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
import random
import sys
import time
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import torch

from archlint.models.model_code import ModelCode
from archlint.runtime.code_owner import Owner, is_user_code, namespace_of, owner_of
from archlint.runtime.numpy_generator import NumpyState
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.uninterruptible import uninterrupted
from archlint.symbolic import Size
from archlint.symbolic.formula import ge
from archlint.symbolic.rational import Opaque, Ratio
from archlint.tracing.path import TracedPath
from archlint.tracing.python.draw_names import BY_ANSWER, DATES
from archlint.tracing.python.draw_places import LIBRARIES, Made, Place, bound, places
from archlint.tracing.python.reachable_code import held_sources
from archlint.tracing.run import TraceRun
from archlint.tracing.symint.node import size_of
from archlint.tracing.symint.python_types import sym_int, user_number
from archlint.tracing.symint.random_parts import DENOMINATOR

_MOST_ITEMS = 8  # of a sequence of which one is chosen: each is a path
_Function = Callable[..., Any]


@contextmanager
def draws_unknown(path: TracedPath, run: TraceRun, code: ModelCode) -> Iterator[None]:
    """Make what the model's code draws unknown inside the block.

    Calls in other threads, and from code that is not the user's or a library's, reach the
    originals. Clocks are read by many libraries for their own sake, such as a progress bar: only
    what the user's code and the packages of the model's classes read from them is unknown.
    Nothing is proved of code that holds such a function where it is not replaced.
    """
    replaced: list[Place] = []
    kinds = code.classes
    for name in held_sources(code):
        path.unproved(
            f"the code keeps {name} in an attribute, a default or a container, where its answers "
            "are not followed"
        )
    with PROCESS_LOCK:
        stand_ins = _stand_ins()
        drawing, made = stand_ins.drawing, stand_ins.made
        outer = vars(drawing).copy()
        generators = _Generators()
        try:
            drawing.begin(path, run, _packages(kinds))
            for place in (*stand_ins.places, *places(made, kinds)):
                replaced.append(place)  # first: a limit may ring at any line
                names, name, original = place
                names[name] = made[id(original)][1]
            yield
        finally:
            with uninterrupted():
                for names, name, original in replaced:
                    names[name] = original
                vars(drawing).update(outer)
            if not run.stops and generators.used():
                path.forget_claims()
                run.stops.append(
                    "random numbers determine the path: a generator was used by other code"
                )


class _Generators:
    """The global generators of Python and NumPy at one moment."""

    def __init__(self) -> None:
        self._python = random.getstate()
        self._numpy = NumpyState() if "numpy" in sys.modules else None

    def used(self) -> bool:
        """Whether a number was drawn since, or may have been, as NumPy was loaded."""
        if self._numpy is None and "numpy" in sys.modules:
            return True
        return random.getstate() != self._python or (
            self._numpy is not None and self._numpy.changed()
        )


def _packages(kinds: Iterable[type]) -> frozenset[str]:
    """The packages of the model's classes that are not PyTorch's."""
    roots = {kind.__module__.partition(".")[0] for kind in kinds}
    return frozenset(roots - set(LIBRARIES))


class _Run:
    """The run that the replacements belong to now: in the others they call the originals."""

    def __init__(self) -> None:
        self.draws: _Draws | None = None
        self.run: TraceRun | None = None
        self.packages: frozenset[str] = frozenset()

    def begin(self, path: TracedPath, run: TraceRun, packages: frozenset[str]) -> None:
        """Answer for this run, whose model has classes of these packages."""
        self.draws, self.run, self.packages = _Draws(path), run, packages


class _StandIns:
    """What stands for the functions that are bound to names at the moment when this is made."""

    def __init__(self) -> None:
        self._sizes = _sizes()
        homes = {home: namespace_of(sys.modules.get(home)) for home in BY_ANSWER}
        self.drawing, self.made = _replacements(
            (sys.modules[home], name, original, answer)
            for home, answers in BY_ANSWER.items()
            for answer, names in answers.items()
            for name in names
            if (original := homes[home].get(name)) is not None
        )
        spaces = (*homes.values(), vars(datetime))
        self.places = [place for names in spaces for place in bound(self.made, names)]

    def fit(self) -> bool:
        """Whether the same names of these modules are bound to the same functions now."""
        return self._sizes == _sizes() and all(
            names.get(name) is original for names, name, original in self.places
        )


def _sizes() -> list[tuple[Any, int]]:
    """The modules that have functions to replace, and how many names they have."""
    modules = map(sys.modules.get, BY_ANSWER)
    return [(module, len(namespace_of(module))) for module in modules]


@lru_cache(maxsize=1)
def _last_stand_ins() -> _StandIns:
    return _StandIns()


def _stand_ins() -> _StandIns:
    """What stands for the functions now: as in the run before, unless one was replaced."""
    if not _last_stand_ins().fit():
        _last_stand_ins.cache_clear()
    return _last_stand_ins()


def _replacements(
    originals: Iterable[tuple[Any, str, Any, str]],
) -> tuple[_Run, Made]:
    """Each function with its replacement, by the function's ``id``; and what tells them the run.

    ``originals``: the module, the name, the function, and the method that answers.
    """
    current = _Run()
    made: Made = {}

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
    while frame.f_globals.get("__name__") in _DRAWING and frame.f_back is not None:
        frame = frame.f_back
    file = frame.f_code.co_filename
    if owner_of(file) is Owner.TEXT:  # the wrapper that a decorator compiled for a function
        return True
    if owner_of(file) is not Owner.USER and _is_import(frame):
        return False
    if packages is None:
        return is_user_code(file)
    root = str(frame.f_globals.get("__name__", "")).partition(".")[0]
    return root in packages or owner_of(file) is Owner.USER


_DRAWING = frozenset(("random", "secrets", "uuid"))  # these draw for who calls them


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

    def count(self, what: str, *args: Any) -> Any:
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
