"""Whether two tensors have the same elements because one is the other, padded and cropped.

``(F.pad(x, (2, 3), "reflect")[..., 2 : 2 + length] == x).all()`` holds for every ``x`` without NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from archlint.ops.registry import INPLACE, TensorSpec
from archlint.ops.traits import Function, View, is_inplace, traits_of
from archlint.symbolic import Size
from archlint.symbolic.formula import conj, eq
from archlint.tracing.path import TracedPath
from archlint.tracing.tensors.aliasing import subscript_steps
from archlint.tracing.tensors.specs import known_of
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trace import Call

_TRUTHS = {torch.Tensor.__eq__: True, torch.eq: True, torch.Tensor.eq: True}
_TRUTHS |= {torch.Tensor.__ne__: False, torch.ne: False, torch.Tensor.ne: False}
_MOST = 8  # calls from one tensor to the other


def compares_elements(function: Function) -> bool:
    """Whether an operator compares the elements of two tensors."""
    return function in _TRUTHS


def with_truth(path: TracedPath, call: Call, calls: Sequence[Call], result: Any) -> Any:
    """The ``result`` of a comparison, with its elements where both operands have the same ones."""
    truth = _TRUTHS.get(call.func)
    if truth is None or not isinstance(result, TensorSpec) or len(call.args) != 2:
        return result
    a, b = call.args
    if not (type(a) is type(b) is SymbolicTensor) or a.spec.dims != b.spec.dims:
        return result
    if not (_is_inside(path, a, b, calls) or _is_inside(path, b, a, calls)):
        return result
    return result.like(result.dims, strides=result.strides, values=(int(truth), int(truth)))


def _is_inside(
    path: TracedPath, part: SymbolicTensor, whole: SymbolicTensor, calls: Sequence[Call]
) -> bool:
    """Whether ``part`` is cut from a padded ``whole``, just where that is."""
    first: list[Size] = [0] * len(part.spec.dims)  # of the part, in the tensor that it is cut from
    for _ in range(_MOST):
        if part is whole:
            return path.known(conj(*(eq(at, 0) for at in first))) is True
        if part.made_by < 0 or part.older is not None or any(map(_writes, calls[part.made_by :])):
            return False
        call = calls[part.made_by]
        before = _before(path, call)
        if before is None or len(before) != len(first):
            return False
        first = [at + more for at, more in zip(first, before, strict=True)]
        part = call.args[0]
    return False


def _before(path: TracedPath, call: Call) -> list[Size] | None:
    """By dimension, where the result begins in the first argument; ``None`` if that is unclear."""
    if not call.args or type(call.args[0]) is not SymbolicTensor:
        return None
    rank = len(call.args[0].spec.dims)
    if call.func is F.pad:
        pad = known_of(call.args[1] if len(call.args) > 1 else call.kwargs.get("pad"))
        mode = call.args[2] if len(call.args) > 2 else call.kwargs.get("mode", "constant")
        if not isinstance(pad, (list, tuple)) or mode == "circular":
            return None
        return [0] * (rank - len(pad) // 2) + [-n for n in reversed(pad[::2])]
    if traits_of(call.func).view is View.SUBSCRIPT:
        steps = subscript_steps(path, call.args[0], call.args[1])
        if not steps:
            return [0] * rank
        kind, *index, kept = steps[0]
        if kind != "cut" or None in index[0] or None in kept.values():
            return None
        return [kept[at][0] if at in kept else 0 for at in range(rank)]
    return None


def _writes(call: Call) -> bool:
    if call.func in INPLACE or is_inplace(call.func, call.args, call.kwargs):
        return True
    return "out" in call.kwargs or traits_of(call.func).writes != ()
