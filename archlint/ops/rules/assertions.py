"""Checks that a model makes itself."""

from __future__ import annotations

import torch

from archlint.ops.registry import Path, TensorSpec, refuse, shape_rule
from archlint.symbolic.formula import Bool, Formula, conj, disj, eq, ge, le

ASSERT = torch._assert


@shape_rule(ASSERT)
def torch_assert(path: Path, condition: Bool | TensorSpec, message: object) -> None:
    """``torch._assert(condition, message)``: what the model's author demands of the sizes."""
    text = str(message).replace("{", "{{").replace("}", "}}")
    if isinstance(condition, (bool, Formula)):
        path.claim(condition, text)
    else:
        path.unproved(f"tensor values determine whether the assertion holds: {message}")


@shape_rule(torch._assert_async)
def assert_async(path: Path, input: TensorSpec, assert_msg: str = "") -> None:
    """``torch._assert_async(tensor)``: its one element is not 0."""
    numel = input.numel()
    path.claim(eq(numel, 1), "a tensor of one element to assert, gets {}", numel)
    low, high = input.values if isinstance(input.values, tuple) else (None, None)
    if low is not None and high is not None:
        if path.known(disj(ge(low, 1), le(high, -1))):
            return
        if path.known(conj(eq(low, 0), eq(high, 0))):
            refuse(path, "a number other than 0 to assert")
    text = f"tensor values determine whether the assertion holds: {assert_msg}"
    path.unproved(text.removesuffix(": "))
