"""Loads what the first check of a process loads, before the process forks others."""

from __future__ import annotations

from torch import nn

from archlint.contracts.plugins import without_plugins
from archlint.contracts.rulefile.load import loads
from archlint.engine.pipeline import check_source
from archlint.models.targets import from_instance
from archlint.runtime.forks import one_thread

_RULES = """
archlint: 1
contracts:
  - id: warm-up
    models: "python:model"
    input: N 3 H W
    accepts: any N >= 1 and H, W >= 8
"""


def warm_up() -> None:
    """Check a small model once: a fourth of a second, which no job then needs."""
    with one_thread():
        contract = loads(_RULES).contracts[0]
        layers = nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        with without_plugins(), from_instance(nn.Sequential(*layers, nn.Linear(4, 2))) as source:
            check_source(contract, source)
