"""Operators that refuse values: a probability of 2, a negative rate, weights that are all 0.

No size decides that. Where the values come from an operator whose results are never refused, or
have bounds that are known, nothing is to say; otherwise the path is not proved.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import torch
from torch import nn

from archlint.ops.aliases import methods, spellings
from archlint.ops.registry import Path, TensorSpec
from archlint.ops.traits import Function, written_by
from archlint.symbolic.formula import conj, ge, le
from archlint.tracing.tensors.specs import known_of
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trace import Call, call_name
from archlint.tracing.trees import leaves


class Wanted(Enum):
    """Which values an operator wants, in words."""

    PROBABILITIES = "are from 0 to 1"
    RATES = "are not below 0"
    WEIGHTS = "are not below 0, and not all 0"


_P, _R, _W = Wanted.PROBABILITIES, Wanted.RATES, Wanted.WEIGHTS
_WANTED: dict[Function, dict[int | str, Wanted]] = {
    torch._C._nn.binary_cross_entropy: {0: _P, 1: _P, "input": _P, "target": _P},
    torch.bernoulli: {0: _P, "input": _P},
    torch.poisson: {0: _R, "input": _R},
    torch.normal: {1: _R, "std": _R},
    torch.multinomial: {0: _W, "input": _W},
}
_WANTED |= {method: {1: _P, "p": _P} for method in methods("bernoulli_")}
_WANTED |= {method: {0: _P} for method in methods("bernoulli")}
_WANTED |= {method: {0: _W} for method in methods("multinomial")}

_FRACTIONS = frozenset(
    (
        *spellings("sigmoid", "softmax", "hardsigmoid", "rand", "rand_like", "bernoulli"),
        *(nn.functional.softmin, nn.functional.gumbel_softmax),
    )
)  # from 0 to 1
_POSITIVE = frozenset(
    spellings("sigmoid", "softmax", "exp", "exp2", "softplus", "rand", "rand_like")
)
_NOT_NEGATIVE = _POSITIVE | frozenset(spellings("relu", "relu6", "abs", "square", "sqrt", "norm"))
_GIVEN_BY = {_P: _FRACTIONS, _R: _FRACTIONS | _NOT_NEGATIVE, _W: _POSITIVE}
# Operators whose results consist of elements of their first operand.
_KEPT = frozenset(
    (
        *spellings(
            "view", "reshape", "squeeze", "unsqueeze", "flatten", "unflatten", "transpose",
            "permute", "movedim", "expand", "expand_as", "repeat", "repeat_interleave", "clone",
            "detach", "select", "narrow", "chunk", "split", "unbind", "flip", "roll", "tile",
        ),
        *methods("contiguous", "to", "float", "double", "type_as", "view_as", "reshape_as", "t"),
        torch.Tensor.__getitem__,
    )
)  # fmt: skip
# Operators whose results are such values where all of their operands are.
_JOINED = frozenset(spellings("cat", "concat", "concatenate", "stack", "hstack", "vstack", "mean"))
_PRODUCTS = frozenset((*spellings("mul", "multiply"), *methods("__mul__", "__rmul__")))
_SUMS = frozenset(
    (*spellings("add", "div", "divide"), *methods("__add__", "__radd__", "__truediv__"))
)
_COMBINED = {
    _P: _JOINED | _PRODUCTS,
    _R: _JOINED | _PRODUCTS | _SUMS,
    _W: _JOINED | _PRODUCTS | _SUMS,
}
_DEEPEST = 20


def refusable(path: Path, call: Call, calls: Sequence[Call]) -> str:
    """What of the values of a call's operands decides whether it is refused; empty if nothing."""
    wanted = _WANTED.get(call.func)
    if wanted is None:
        return ""
    given: list[tuple[int | str, Any]] = [*enumerate(call.args), *call.kwargs.items()]
    for where, operand in given:
        kind = wanted.get(where)
        if kind is None or not isinstance(operand, torch.Tensor):
            continue
        if not _is_given(path, operand, kind, calls, _DEEPEST):
            return f"tensor values determine whether those of {call_name(call.func)} {kind.value}"
    return ""


def _is_given(path: Path, tensor: Any, kind: Wanted, calls: Sequence[Call], deepest: int) -> bool:
    if type(tensor) in (int, float):
        return tensor > 0 and (kind is not _P or tensor <= 1)
    spec = known_of(tensor)
    if isinstance(spec, TensorSpec) and isinstance(spec.values, tuple):
        low, high = spec.values
        least = 1 if kind is _W else 0
        if low is not None and (kind is not _P or high is not None):
            bounds = conj(ge(low, least), le(high, 1) if kind is _P else True)
            if path.known(bounds) is True:
                return True
    if not isinstance(tensor, SymbolicTensor) or tensor.made_by < 0 or not deepest:
        return False
    call = calls[tensor.made_by]
    if any(_writes(later) for later in calls[tensor.made_by : -1]):
        return False
    if call.func in _GIVEN_BY[kind]:
        return True
    if call.func in _KEPT:
        sources = call.args[:1]
    elif call.func in _COMBINED[kind] and not call.kwargs.keys() & {"alpha", "rounding_mode"}:
        joined = call.func in _JOINED
        sources = tuple(leaves(call.args[:1] if joined else call.args[:2]))
    else:
        return False
    given = (_is_given(path, s, kind, calls, deepest - 1) for s in sources)
    return bool(sources) and all(given)


def _writes(call: Call) -> bool:
    return written_by(call.func, call.args, call.kwargs) != () or "out" in call.kwargs
