"""archlint's nouns as JSON, and back: no code is named in it but archlint's own dataclasses.

A value that is not plain becomes a list that begins with a tag: ``["tuple", 1, 2]``,
``["contracts.contract.Budget", 64, 60.0, 4294967296]``. Sizes and formulas are written as the
call of the constructor that makes them, so that they are interned as all others are.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

_PACKAGE = __name__.partition(".")[0] + "."
_CONSTRUCTORS = (  # what sizes and formulas say with __reduce__ that they are made by
    "symbolic.expr.polynomial", "symbolic.atom.symbol_atom", "symbolic.atom.floordiv_atom",
    "symbolic.atom.extremum_atom",
    "symbolic.formula._compare", "symbolic.formula.conj", "symbolic.formula.disj",
)  # fmt: skip
_CLASSES = ("symbolic.atom.Min", "symbolic.atom.Max")
_CONSTANTS = ("contracts.contract.ANY_SIZE", "contracts.contract.ANY_SIZES")


def encode(value: object) -> Any:
    """The value as JSON can hold it. ``TypeError`` for what no rule file or verdict is made of."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind in (list, tuple):
        return [kind.__name__, *map(encode, value)]  # type: ignore[call-overload]
    if isinstance(value, dict) and kind is dict:
        return ["dict", *(encode(part) for item in value.items() for part in item)]
    if isinstance(value, Path):
        return ["path", str(value)]
    if kind is datetime.date:
        return ["date", value.isoformat()]  # type: ignore[attr-defined]
    if isinstance(value, type):
        return ["class", _among(_CLASSES, value)]
    if is_dataclass(value) and kind.__module__.startswith(_PACKAGE):
        return [_name(kind), *(encode(getattr(value, f.name)) for f in fields(value) if f.init)]
    made = value.__reduce__() if kind.__module__.startswith(_PACKAGE) else ()
    if isinstance(made, str):
        return [f"{kind.__module__.removeprefix(_PACKAGE)}.{made}"]
    if len(made) != 2:
        raise TypeError(f"{kind.__module__}.{kind.__qualname__} is not kept")
    return [_among(_CONSTRUCTORS, made[0]), *map(encode, made[1])]


def decode(data: Any) -> Any:
    """The inverse of :func:`encode`. Raises ``ValueError`` and its like for what it did not write.

    Only names that :func:`encode` can have written are looked up.
    """
    if not isinstance(data, list):
        return data
    tag, *parts = data
    values = [decode(part) for part in parts]
    if tag in _PLAIN:
        return _PLAIN[tag](values)
    if tag in _CONSTANTS:
        return _found(tag)
    if not isinstance(tag, str) or not _makes(tag):
        raise ValueError(f"{tag!r} is no tag")
    return _found(tag)(*values)


def canonical(value: object) -> str:
    """The value as text: the same for equal values."""
    return json.dumps(encode(value), separators=(",", ":"))


def _class(values: list[Any]) -> Any:
    (name,) = values
    if name not in _CLASSES:
        raise ValueError(f"{name!r} is no class of sizes")
    return _found(name)


_PLAIN: dict[Any, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "dict": lambda values: dict(zip(values[::2], values[1::2], strict=True)),
    "path": lambda values: Path(*values),
    "date": lambda values: datetime.date.fromisoformat(*values),
    "class": _class,
}


def _name(thing: Any) -> str:
    return f"{thing.__module__.removeprefix(_PACKAGE)}.{thing.__qualname__}"


def _among(names: tuple[str, ...], thing: Any) -> str:
    name = _name(thing)
    if name not in names:
        raise TypeError(f"{name} is not kept")
    return name


@lru_cache(None)
def _found(name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(_PACKAGE + module), attribute)


@lru_cache(None)
def _makes(name: str) -> bool:
    """Whether the name is that of a dataclass of archlint's, or of a constructor of sizes."""
    if name in _CONSTRUCTORS:
        return True
    found = _found(name)
    return isinstance(found, type) and is_dataclass(found) and _name(found) == name
