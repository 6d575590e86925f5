"""Numbers that an operator cannot convert to a tensor's dtype, as in ``x.half().clamp(min=-1e9)``.

Shape rules know nothing of them, and sizes make no difference: PyTorch itself tells, on tensors of
a few ones in place of the call's own. What it refuses there and takes with the number 1 is refused.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import lru_cache
from types import FunctionType
from typing import Any

import torch

from archlint.ops.registry import Path
from archlint.ops.rule_answers import key_of_value
from archlint.symbolic import Expr
from archlint.symbolic.formula import conj, ge
from archlint.tracing.symint.python_types import (
    NUMBER_TYPES,
    NUMPY_TYPES,
    is_symbolic_number,
    node_value,
)
from archlint.tracing.tensors.specs import map_tensors, spec_of

_HELD = 127  # the numbers from 0 that every dtype holds
_FLOATS = 1e38
_INT64 = range(-(2**63), 2**63)
_WIDE = (torch.float32, torch.float64, torch.complex64, torch.complex128)
_NARROW = {
    torch.uint8: ((-255, 255), (0, 255)), torch.int8: ((-128, 127),),
    torch.int16: ((-(2**15), 2**15 - 1),), torch.float16: ((-65504, 65504),),
}  # fmt: skip
_FEW = (0, 1, 2, 9)  # sizes that are tried: some kernels convert a single element in another way
_ELEMENTS = ("value", "fill_value", "padding_value")
_MAKING = (torch.tensor, torch.as_tensor, torch.Tensor.new_tensor)
_BEYOND = 2**40  # what no narrow dtype holds

Key = int | str

_Answers = dict[int, type[Exception] | None]


def converts_numbers(func: Any) -> bool:
    """Whether an operator may convert one of its arguments to the dtype of a tensor."""
    return func in _MAKING or bool(_converted(func))


def check_numbers(path: Path, func: Any, args: Any, kwargs: Any) -> None:
    """Claim that the numbers of a call fit into the dtypes of its tensors."""
    for key, value in (*enumerate(args), *kwargs.items()) if kwargs else enumerate(args):
        kind = type(value)
        if kind is int or kind is float:
            if not 0 <= value <= _HELD and key in _converted(func):
                _check_number(path, func, args, kwargs, key)
        elif is_symbolic_number(value):
            if key in _converted(func):
                _check_size(path, func, args, kwargs, key)
        elif func in _MAKING and isinstance(value, (list, tuple)):
            _check_listed(path, func, args, kwargs, value)


def check_numpys(path: Path, func: Any, args: Any, kwargs: Any) -> None:
    """Claim that an operator takes scalars of numpy where a call has them for Python's numbers."""
    for key, value in (*enumerate(args), *kwargs.items()):
        if type(value) not in NUMPY_TYPES:
            continue
        one = NUMBER_TYPES.get(type(value), type(value))(1)
        errors = _errors(func, args, kwargs, key, one)
        if errors and all(error is TypeError for error in errors.values()):
            kind = type(one).__name__
            path.claim(False, f"a number of Python, gets one of numpy's {kind}", error=TypeError)


def _check_listed(path: Path, func: Any, args: Any, kwargs: Any, values: Any) -> None:
    own = spec_of(args[0]).dtype if func is torch.Tensor.new_tensor else None
    dtype = {"dtype": kwargs.get("dtype") or own}

    def number(value: Any) -> None:
        check_numbers(path, torch.tensor, (value,), dtype)

    map_tensors(values, lambda tensor: tensor, number)


@lru_cache(maxsize=1024)
def _converted(func: Any) -> frozenset[Key]:
    """The arguments, by place and name, that may be a number which becomes an element."""
    if func is torch.Tensor.__setitem__ or func in _MAKING:
        return frozenset((2,) if func is torch.Tensor.__setitem__ else (0, 1, "data"))
    if func in (torch.arange, torch.range) or not _is_torchs(func):
        return frozenset()  # the numbers of the first are its size, and have rules
    name = getattr(func, "__name__", "").partition(".")[0]
    packets = (getattr(torch.ops.aten, n, None) for n in (name, _plain(name)))
    packet: Any = next((p for p in packets if hasattr(p, "overloads")), None)
    kinds: dict[Key, set[str]] = {}
    for overload in packet.overloads() if packet is not None else ():
        arguments = getattr(packet, overload)._schema.arguments
        if not any("Tensor" in str(argument.type) for argument in arguments) and name != "full":
            continue  # an operator of TorchScript's numbers
        for place, argument in enumerate(arguments):
            of = argument.type
            kind = str(of.getElementType() if of.kind() == "OptionalType" else of)
            if kind == "float" and argument.name in _ELEMENTS:
                kind = "number"
            for key in (argument.name, *(() if argument.kwarg_only else (place,))):
                kinds.setdefault(key, set()).add(kind)
    return frozenset(
        key for key, found in kinds.items() if "number" in found and "int" not in found
    )


def _is_torchs(func: Any) -> bool:
    """Whether it is PyTorch's, not an operator of a library that has the name of one."""
    if isinstance(func, FunctionType):
        return func.__module__.partition(".")[0] == "torch"
    name = getattr(func, "_qualified_op_name", None) or getattr(func, "_name", "aten::")
    return str(name).startswith("aten::")


def _plain(name: str) -> str:
    """The operator of a special method, such as ``pow`` for ``__rpow__``."""
    name = name.strip("_")
    names = (_SPELLED.get(name), _SPELLED.get(name[1:]), name, name[1:])
    return next((n for n in names if n and hasattr(torch.ops.aten, n)), name)


_SPELLED = {"floordiv": "floor_divide", "truediv": "div", "mod": "remainder"}


def _check_number(path: Path, func: Any, args: Any, kwargs: Any, key: Key) -> None:
    value = args[key] if isinstance(key, int) else kwargs[key]
    dtypes = _dtypes(args, kwargs)
    if all(_holds(d, value) for d in dtypes):
        return
    errors = _errors(func, args, kwargs, key, value)
    error = next(filter(None, errors.values()), None)
    if error is None:
        return
    names = " or ".join(sorted(str(d)[6:] for d in dtypes & _NARROW.keys() or dtypes))
    taken = {size for size, raised in errors.items() if raised is None}
    if taken and not (taken == {0} and _has_elements(path, args, kwargs)):
        path.unknown_outcome(f"whether {names} holds {value} depends on the sizes")
    path.claim(False, f"a number that {names} holds, gets {value}", error=error)


def _check_size(path: Path, func: Any, args: Any, kwargs: Any, key: Key) -> None:
    """As :func:`_check_number`, of a number made from sizes."""
    narrow = _dtypes(args, kwargs) & _NARROW.keys()
    if not narrow or not any(_errors(func, args, kwargs, key, _BEYOND).values()):
        return
    value = node_value(args[key] if isinstance(key, int) else kwargs[key])
    if isinstance(value, Expr) and len(narrow) == 1:
        (dtype,) = narrow
        for low, high in _NARROW[dtype]:
            if any(any(_errors(func, args, kwargs, key, n).values()) for n in (low, high)):
                continue
            held = conj(ge(value, low), ge(high, value))
            beyond = [_errors(func, args, kwargs, key, n) for n in (low - 1, high + 1)]
            error = next(iter(beyond[0].values()), None)
            if error is not None and all(set(found.values()) == {error} for found in beyond):
                text = f"a number that {str(dtype)[6:]} holds, gets {{}}"
                path.claim(held, text, value, error=error)
                return
            if path.branch(held):
                return
            break
    path.unknown_outcome("whether a dtype holds a number made from sizes is not known")


def _dtypes(args: Any, kwargs: Any) -> set[torch.dtype]:
    found: set[torch.dtype] = {kwargs["dtype"]} if kwargs.get("dtype") is not None else set()
    map_tensors((args, kwargs), lambda tensor: found.add(spec_of(tensor).dtype))
    return found


def _has_elements(path: Path, args: Any, kwargs: Any) -> bool:
    """Whether no tensor of the call is empty: at size 0, nothing is converted."""
    dims: list[Any] = []
    map_tensors((args, kwargs), lambda tensor: dims.extend(spec_of(tensor).dims))
    return path.known(conj(*(ge(dim, 1) for dim in dims))) is True


def _holds(dtype: torch.dtype, value: float) -> bool:
    """Whether it is certain that a dtype holds a number."""
    if isinstance(value, int):
        return value in _INT64 and (dtype in _WIDE or dtype in (torch.int64, torch.bool))
    return dtype in _WIDE and (abs(value) < _FLOATS or abs(value) == float("inf"))


def _errors(func: Any, args: Any, kwargs: Any, key: Key, value: Any) -> _Answers:
    """What PyTorch raises with a number, at each of a few sizes at which it takes the number 1."""
    if func is torch.Tensor.__setitem__:
        args = (args[0], ..., args[2])  # where the number is written makes no difference
    question = _question(func, args, kwargs, key, value)
    found = {} if question is None else _answers(question)
    if not found:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            new = {
                size: _error(func, args, kwargs, key, value, size)
                for size in _FEW
                if _error(func, args, kwargs, key, 1, size) is None
            }
        found.update(new)
    return found


@lru_cache(maxsize=1024)
def _answers(question: Hashable) -> _Answers:
    """Those to a question, once it was asked: tensors of ones are alike in all models."""
    return {}


def _question(func: Any, args: Any, kwargs: Any, key: Key, value: Any) -> Hashable:
    """Equal for calls of which PyTorch is asked the same; ``None`` if they cannot be compared."""
    parts = [_part(arg) for arg in (*args, *kwargs.values())]
    if None in parts or torch.is_autocast_enabled("cpu"):
        return None
    number = key_of_value(value)
    return func, torch.get_default_dtype(), key, number, len(args), *kwargs, *parts


def _part(value: Any) -> Hashable:
    if isinstance(value, torch.Tensor):
        spec = spec_of(value)
        return torch.Tensor, spec.ndim, spec.dtype
    return torch.SymInt if is_symbolic_number(value) else key_of_value(value)


def _error(
    func: Any, args: Any, kwargs: Any, key: Key, value: Any, size: int
) -> type[Exception] | None:
    def ones(tensor: torch.Tensor) -> torch.Tensor:
        spec = spec_of(tensor)
        return torch.ones([size] * spec.ndim, dtype=spec.dtype, device="cpu")

    def number(leaf: Any) -> Any:
        return size if is_symbolic_number(leaf) else leaf

    def other(at: Key, number: Any) -> Any:  # another number that may not fit either
        plain = type(number) in (int, float) and at in _converted(func)
        return 1 if plain and not 0 <= number <= _HELD else number

    args = tuple(value if at == key else other(at, arg) for at, arg in enumerate(args))
    kwargs = {at: value if at == key else other(at, arg) for at, arg in kwargs.items()}
    try:
        arguments, settings = map_tensors((args, kwargs), ones, number)
        func(*arguments, **settings)
    except Exception as error:
        return type(error)
    return None
