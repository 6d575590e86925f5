"""numpy's functions of lists of sizes, such as ``np.prod(x.shape)``, and arrays made from sizes.

Such arrays have sizes as objects. While a trace runs, the modules ``numpy`` and those of the model
have functions in the place of numpy's, whose results are scalars of numpy, or arrays of these. A
real array has a dtype, too: code that could see the difference gets a caveat.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import cache, lru_cache
from types import FrameType, ModuleType
from typing import Any

import numpy as np

from archlint.runtime.stand_in_functions import StandIn
from archlint.tracing.python.math_functions import names_replaced
from archlint.tracing.symint.numpy_scalars import OPERATIONS, as_scalar
from archlint.tracing.symint.python_types import is_symbolic_number

OPEN = "the dtype or the types of the elements of an array of numpy made from sizes"

_OF_LISTS = frozenset(
    (
        np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.stack, np.concatenate,
        np.hstack, np.vstack, np.append, np.full, np.prod, np.sum, np.max, np.min, np.amax, np.amin,
        np.mean, np.median, np.std, np.var, np.ptp, np.average, np.cumsum, np.cumprod, np.diff,
        np.where, np.clip, np.sort, np.argsort, np.unique, np.dot, np.outer, np.repeat, np.tile,
        np.round, np.around, np.any, np.all, np.argmax, np.argmin, np.array_equal, np.allclose,
        np.isclose, np.flip, np.reshape, np.take,
    )
)  # fmt: skip
_ASKING = frozenset(("isinstance", "type", "dtype", "issubdtype", "hasattr", "itemsize", "nbytes"))
_AS_ARRAY = np.asarray


def numpy_of_sizes(classes: Iterable[type]) -> AbstractContextManager[None]:
    """A block in which these functions answer for lists of sizes.

    ``classes``: those of the model, whose modules may have names of their own for the functions.
    """
    modules = {sys.modules.get(kind.__module__) for kind in classes}
    places = [(vars(m), *place) for m in (np, *filter(None, modules)) for place in _named(m)]
    return names_replaced(places, _of_sizes)


@lru_cache(maxsize=512)
def _named(module: ModuleType) -> tuple[tuple[str, Any], ...]:
    """The names that a module has for functions of numpy."""
    found = [(name, f) for name, f in list(vars(module).items()) if type(f) in _KINDS]
    return tuple((name, f) for name, f in found if f in _OF_LISTS or f in OPERATIONS)


_KINDS = frozenset((np.ufunc, type(np.array), type(np.prod)))


@cache
def _of_sizes(original: Any) -> StandIn:
    """The function that stands for one of numpy's."""

    def listed(*args: Any, **kwargs: Any) -> Any:
        if _of_module(sys._getframe(1)) == "numpy":  # which computes with plain objects
            return original(*args, **kwargs)
        return _as_numpys(original(*map(_scalar_of_size, args), **kwargs))

    def by_element(*args: Any, **kwargs: Any) -> Any:
        if kwargs or not any(map(_is_list, args)):
            return original(*args, **kwargs)
        arrays = [_of_sizes(_AS_ARRAY)(a) if _is_list(a) else a for a in args]
        if not any(map(_has_objects, arrays)):
            return original(*args)
        return np.frompyfunc(original, len(args), 1)(*arrays)

    return StandIn(original, by_element if original in OPERATIONS else listed)


def _scalar_of_size(value: Any) -> Any:
    return as_scalar(value) if is_symbolic_number(value) else value


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, np.ndarray))


def _has_objects(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.hasobject


def _as_numpys(result: Any) -> Any:
    """A result with numpy's scalars in the place of Python's numbers made from sizes.

    Plain numbers in an array stay: of arrays of objects, numpy rounds the mean of its own integers.
    """
    if is_symbolic_number(result) or type(result) in (int, float):
        return as_scalar(result)
    if not _has_objects(result):
        return result
    paths = [v.node.path for v in result.flat if is_symbolic_number(v)]
    code = _caller(sys._getframe(1)).f_code
    if not paths or "tolist" in code.co_names:  # whose elements are numbers of Python
        return result
    if not _ASKING.isdisjoint(code.co_names):
        paths[0].unproved(OPEN)
    elements = map(_scalar_of_size, result.flat)
    return np.fromiter(elements, object, result.size).reshape(result.shape)


def _caller(frame: FrameType) -> FrameType:
    """Where user code called numpy."""
    while _of_module(frame) in ("numpy", "archlint") and frame.f_back is not None:
        frame = frame.f_back
    return frame


def _of_module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__")).partition(".")[0]
