"""All that a plugin imports. docs/extending.md has an example of each hook.

Names are imported when they are first used: a plugin whose hooks need no torch imports none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from archlint.errors import TargetError
from archlint.hooks import hookimpl

if TYPE_CHECKING:
    from archlint.engine.structure.violation import CannotCheck, Vacuous, Violation
    from archlint.ops.registry import NoRule, Path, TensorSpec, shape_rule
    from archlint.ops.traits import Bounds, Traits, Unchecked, View, declare_traits, traits_of
    from archlint.symbolic.formula import conj, disj, eq, ge, gt, le, lt, ne

__all__ = [
    "Bounds",
    "CannotCheck",
    "NoRule",
    "Path",
    "TargetError",
    "TensorSpec",
    "Traits",
    "Unchecked",
    "Vacuous",
    "View",
    "Violation",
    "conj",
    "declare_traits",
    "disj",
    "eq",
    "ge",
    "gt",
    "hookimpl",
    "le",
    "lt",
    "ne",
    "shape_rule",
    "traits_of",
]

_MODULES = {
    "archlint.engine.structure.violation": "CannotCheck Vacuous Violation",
    "archlint.ops.registry": "NoRule Path TensorSpec shape_rule",
    "archlint.ops.traits": "Bounds Traits Unchecked View declare_traits traits_of",
    "archlint.symbolic.formula": "conj disj eq ge gt le lt ne",
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
