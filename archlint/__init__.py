"""Checks, for all input sizes at once, which sizes a PyTorch model accepts.

This is the public interface. Names are imported on first use, so ``import archlint`` is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archlint.api import check
    from archlint.contracts.contract import Contract
    from archlint.contracts.rulefile.load import load
    from archlint.contracts.verdict import Verdict
    from archlint.engine.cost.model_cost import cost
    from archlint.engine.infer.acceptance import Acceptance
    from archlint.engine.infer.infer import infer
    from archlint.engine.structure.violation import Violation
    from archlint.errors import ArchlintError
    from archlint.explanation.explain import explain
    from archlint.ops.registry import shape_rule

__all__ = [
    "Acceptance",
    "ArchlintError",
    "Contract",
    "Verdict",
    "Violation",
    "check",
    "cost",
    "explain",
    "infer",
    "load",
    "shape_rule",
]

_MODULES = {
    "Acceptance": "archlint.engine.infer.acceptance",
    "ArchlintError": "archlint.errors",
    "Contract": "archlint.contracts.contract",
    "Verdict": "archlint.contracts.verdict",
    "Violation": "archlint.engine.structure.violation",
    "check": "archlint.api",
    "cost": "archlint.engine.cost.model_cost",
    "explain": "archlint.explanation.explain",
    "infer": "archlint.engine.infer.infer",
    "load": "archlint.contracts.rulefile.load",
    "shape_rule": "archlint.ops.registry",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from archlint.errors import needing_torch

    with needing_torch():
        value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
