"""Whether the known bounds of a tensor's elements are reached.

A bound always holds. The whole of ``arange(n)`` reaches both of its own; a part of it, or a choice
between it and something else, may not; nor may what was made of values that nobody knows. An index
that is out of range by a bound that may not be reached proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from archlint.dims import Size
from archlint.formula import Bool
from archlint.ops.layout import decide
from archlint.ops.registry import Path, TensorSpec

_PARTS = {"getitem", "narrow", "select", "split", "split_with_sizes", "chunk", "unbind"} | {
    "tensor_split", "index_select", "gather", "take", "take_along_dim", "diagonal", "unfold",
}  # fmt: skip
_CHOICES = {"where", "masked_fill", "masked_fill_", "tril", "triu", "min", "max", "minimum"} | {
    "maximum", "fmin", "fmax", "remainder", "fmod", "mod", "imod", "rmod", "median", "mode",
    "kthvalue", "topk", "sort", "amin", "amax",
}  # fmt: skip


_SUMS = {"cumsum", "sum", "cumprod", "prod"}


def reaches(name: str, operands: Iterable[Any], result: TensorSpec) -> bool:
    """Whether the result of an operator (its short name) reaches the bounds that its rule gave."""
    if not isinstance(result.values, tuple) or result.values[0] is result.values[1]:
        return True
    specs = [s for s in operands if isinstance(s, TensorSpec)]
    if name in _CHOICES or any(s.loose or not isinstance(s.values, tuple) for s in specs):
        return False
    if name in _SUMS:
        return all(_constant(s) for s in specs)
    return name not in _PARTS or not specs or result.numel() == specs[0].numel()


def _constant(spec: TensorSpec) -> bool:
    return isinstance(spec.values, tuple) and spec.values[0] == spec.values[1]


def in_range(path: Path, index: TensorSpec, inside: Bool, text: str, *sizes: Size) -> None:
    """Claim ``inside``, which speaks of a bound of ``index``, if that bound is reached."""
    if index.loose and not decide(path, inside):
        path.unproved(f"whether {text.format(*sizes)}, a bound that may not be reached")
    else:
        path.claim(inside, text, *sizes)
