"""Checks that a model makes itself."""

from __future__ import annotations

import torch

from archlint.formula import Bool, Formula
from archlint.ops.registry import Path, TensorSpec, shape_rule


@shape_rule(torch._assert)
def torch_assert(path: Path, condition: Bool | TensorSpec, message: object) -> None:
    """``torch._assert(condition, message)``: what the model's author demands of the sizes."""
    text = str(message).replace("{", "{{").replace("}", "}}")
    if isinstance(condition, (bool, Formula)):
        path.claim(condition, text)
    else:
        path.unproved(f"the model asserts something about values: {message}")
