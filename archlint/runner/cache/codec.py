"""Converts rule files and verdicts to JSON data and back.

A value that JSON cannot hold becomes a list that begins with a tag: ``["tuple", 1, 2]``,
``["contracts.contract.Budget", 64, 60.0, 4294967296]``. Sizes and formulas are written as a call
of the function that builds them, so that a decoded one is the same interned object as any other.

Every class, function and constant that a tag can stand for is listed here as an object. A tag is
looked up in that list only: decoding never imports a module, whatever the entry says.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from archlint.contracts.accepted_set import AcceptedSet, OutputCase, Refusal
from archlint.contracts.contract import (
    ANY_SIZE,
    ANY_SIZES,
    Artifact,
    Budget,
    Contract,
    DeclaredRange,
    ModelRef,
    RuleFile,
    SizeClause,
    TensorInput,
    TensorOutput,
    Waiver,
)
from archlint.contracts.cost_budget import CostBudget
from archlint.contracts.recorded_costs import RecordedCosts
from archlint.contracts.verdict import At, Proof, Samples, Verdict, Waived
from archlint.errors import Location
from archlint.symbolic.atom import Max, Min, extremum_atom, floordiv_atom, symbol_atom
from archlint.symbolic.expr import polynomial
from archlint.symbolic.formula import _compare, conj, disj
from archlint.symbolic.step_functions import STEP_FUNCTIONS, step_atom

_PACKAGE = __name__.partition(".")[0] + "."


def _tag(thing: Any) -> str:
    """``contracts.contract.Budget`` for a class or function of archlint."""
    return f"{thing.__module__.removeprefix(_PACKAGE)}.{thing.__qualname__}"


def _by_tag(*things: Any) -> dict[Any, Any]:
    return {_tag(thing): thing for thing in things}


_DATACLASSES = _by_tag(
    Artifact, Budget, Contract, CostBudget, DeclaredRange, ModelRef, RuleFile, SizeClause,
    TensorInput, TensorOutput, Waiver,
    At, Proof, Samples, Verdict, Waived, Location, AcceptedSet, OutputCase, Refusal,
    RecordedCosts,
)  # fmt: skip
_BUILDERS = _by_tag(  # the functions that ``__reduce__`` of sizes and formulas names
    polynomial, symbol_atom, floordiv_atom, extremum_atom, step_atom, _compare, conj, disj
)
_CLASSES = _by_tag(Min, Max, *STEP_FUNCTIONS)  # arguments of the builders
_CONSTANTS: dict[Any, Any] = {"ANY_SIZE": ANY_SIZE, "ANY_SIZES": ANY_SIZES}


def encode(value: object) -> Any:
    """Return ``value`` as JSON data.

    Raises ``TypeError`` for a value of a type that rule files and verdicts do not contain.
    """
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
        return ["class", _listed(_CLASSES, value)]
    for name, constant in _CONSTANTS.items():
        if value is constant:
            return [name]
    if kind in _DATACLASSES.values():
        parts = (encode(getattr(value, f.name)) for f in fields(value) if f.init)  # type: ignore[arg-type]
        return [_tag(kind), *parts]
    call = value.__reduce__() if kind.__module__.startswith(_PACKAGE) else ()
    if isinstance(call, str) or len(call) != 2:
        raise TypeError(f"{kind.__module__}.{kind.__qualname__} cannot be cached")
    builder, arguments = call
    return [_listed(_BUILDERS, builder), *map(encode, arguments)]


def decode(data: Any) -> Any:
    """Return the value that :func:`encode` wrote as ``data``.

    Raises ``ValueError`` or ``TypeError`` for data that :func:`encode` did not write.
    """
    if not isinstance(data, list):
        return data
    if not data or not isinstance(data[0], str):
        raise ValueError(f"{data!r:.80} does not begin with a tag")
    tag, *parts = data
    values = [decode(part) for part in parts]
    if tag in _PLAIN:
        return _PLAIN[tag](values)
    if tag in _CONSTANTS and not values:
        return _CONSTANTS[tag]
    make = _DATACLASSES.get(tag) or _BUILDERS.get(tag)
    if make is None:
        raise ValueError(f"{tag!r} is not a known tag")
    return make(*values)


def canonical(value: object) -> str:
    """Return ``value`` as text that is the same for equal values. Raises as :func:`encode`."""
    return json.dumps(encode(value), separators=(",", ":"))


def _class(values: list[Any]) -> Any:
    (name,) = values
    if name not in _CLASSES:
        raise ValueError(f"{name!r} is not a known class")
    return _CLASSES[name]


_PLAIN: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "dict": lambda values: dict(zip(values[::2], values[1::2], strict=True)),
    "path": lambda values: Path(*values),
    "date": lambda values: datetime.date.fromisoformat(*values),
    "class": _class,
}


def _listed(things: dict[Any, Any], thing: Any) -> str:
    """The tag of ``thing``. Raises ``TypeError`` if it is not one of ``things``."""
    for tag, each in things.items():
        if each is thing:
            return str(tag)
    raise TypeError(f"{thing!r} cannot be cached")
