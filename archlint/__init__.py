"""Decides, for all input sizes at once, whether a PyTorch model accepts them.

The public door. Names are imported when they are first asked for, so ``import archlint`` is free.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archlint.api import check
    from archlint.contract import Contract
    from archlint.errors import ArchlintError
    from archlint.explanation.explain import explain
    from archlint.inference.acceptance import Acceptance
    from archlint.inference.infer import infer
    from archlint.ops.registry import shape_rule
    from archlint.rulefile.load import load
    from archlint.structure.violation import Violation
    from archlint.verdict import Verdict

__all__ = [
    "Acceptance",
    "ArchlintError",
    "Contract",
    "Verdict",
    "Violation",
    "check",
    "explain",
    "infer",
    "load",
    "shape_rule",
]

_ROOMS = {
    "Acceptance": "archlint.inference.acceptance",
    "ArchlintError": "archlint.errors",
    "Contract": "archlint.contract",
    "Verdict": "archlint.verdict",
    "Violation": "archlint.structure.violation",
    "check": "archlint.api",
    "explain": "archlint.explanation.explain",
    "infer": "archlint.inference.infer",
    "load": "archlint.rulefile.load",
    "shape_rule": "archlint.ops.registry",
}


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_ROOMS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
