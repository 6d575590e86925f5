"""Models that change what their process shares with others."""

from __future__ import annotations

import builtins
import os
import sys
import time
import types

import torch
from hostile_case import Forward, ends, survives
from torch import nn


@survives
class PatchesConv(Forward):
    def effect(self) -> None:
        nn.Conv2d.forward = lambda self, x: x  # type: ignore[method-assign]


@survives
class PatchesCall(Forward):
    def effect(self) -> None:
        nn.Module.__call__ = lambda self, *a: a[0]  # type: ignore[method-assign]


@survives
class PatchesTensor(Forward):
    def effect(self) -> None:
        torch.Tensor.relu = torch.relu = lambda x: None  # type: ignore[assignment]


@ends
class PatchesLen(Forward):
    def effect(self) -> None:
        builtins.len = lambda x: 1


@survives
class PatchesImport(Forward):
    def effect(self) -> None:
        builtins.__import__ = None  # type: ignore[assignment]


@survives
class PatchesTime(Forward):
    def effect(self) -> None:
        time.monotonic = time.perf_counter = time.time = lambda: 0.0


@survives
class EmptiesModules(Forward):
    def effect(self) -> None:
        for name in [n for n in sys.modules if n.startswith("archlint")]:
            del sys.modules[name]


@survives
class ReplacesModules(Forward):
    def effect(self) -> None:
        sys.modules["json"] = sys.modules["pickle"] = types.ModuleType("json")


@survives
class EmptiesEnvironment(Forward):
    def effect(self) -> None:
        os.environ.clear()
        sys.path.clear()
        os.chdir("/")


@survives
class SetsDefaults(Forward):
    def effect(self) -> None:
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_grad_enabled(False)
        torch.manual_seed(1)
