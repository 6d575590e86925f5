"""Operators whose results, or first arguments, hold elements that nobody knows afterwards."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from archlint.ops.registry import INPLACE

_INTO = {
    "__iadd__", "__isub__", "__imul__", "__itruediv__", "__idiv__", "__ifloordiv__", "__imod__",
    "__ipow__", "__iand__", "__ior__", "__ixor__", "__ilshift__", "__irshift__", "__setitem__",
}  # fmt: skip
_RANDOM = {
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal",
    "bernoulli", "multinomial", "poisson", "binomial", "random_", "uniform_", "normal_",
    "bernoulli_", "exponential_", "cauchy_", "log_normal_", "geometric_",
}  # fmt: skip


@cache
def writes(function: Callable[..., Any]) -> bool:
    """Whether the operator writes into its first argument."""
    name = getattr(function, "__name__", "")
    return function in INPLACE or name in _INTO or (name.endswith("_") and not name.endswith("__"))


@cache
def is_random(function: Callable[..., Any]) -> bool:
    """Whether the elements that the operator gives are others the next time."""
    return getattr(function, "__name__", "") in _RANDOM
