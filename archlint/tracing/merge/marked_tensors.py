"""Attributes that the model's code gives to tensors: ``x.seen = True``.

Code that runs again, or along another branch, would find those of the run before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trees import leaves

if TYPE_CHECKING:
    from archlint.tracing.trace import Call
    from archlint.tracing.tracer import Tracer

_OWN = frozenset({*vars(SymbolicTensor), *SymbolicTensor.__annotations__})


class MarkedTensors:
    """The tensors of a run of ``model`` that have attributes of the code's own.

    A call that is under way returns what others inside of it make, or what was there before.
    """

    def __init__(self, tracer: Tracer, model: nn.Module) -> None:
        self._tracer = tracer
        self._weights: list[torch.Tensor] = [*model.parameters(), *model.buffers()]
        self._calls: list[Call] = []  # those that were looked at
        self._made = [vars(tensor) for tensor in tracer.inputs]  # and what their results have
        self._ends = [len(self._made)]  # how many of these there were before each call, and are

    def __bool__(self) -> bool:
        names = set().union(*self._of_stand_ins())
        return any(map(vars, self._real())) or not _OWN.issuperset(names)

    def unmark(self) -> bool:
        """Take the attributes away, where there were none before; whether there were some."""
        if not self:
            return False
        for attributes in map(vars, self._real()):
            attributes.clear()
        for attributes in self._of_stand_ins():
            for name in attributes.keys() - _OWN:
                del attributes[name]
        return True

    def _real(self) -> list[torch.Tensor]:
        """The weights, and the real tensors that calls returned and that are still there."""
        made = (reference() for reference in self._tracer.run.made)
        return [*self._weights, *(tensor for tensor in made if tensor is not None)]

    def _of_stand_ins(self) -> list[dict[str, Any]]:
        """The attributes of the run's inputs and of what its calls returned."""
        calls, seen, made, ends = self._tracer.calls, self._calls, self._made, self._ends
        same = min(len(calls), len(seen))
        while same and seen[same - 1] is not calls[same - 1]:
            same -= 1  # the others were of a branch that is left
        del seen[same:], made[ends[same] :], ends[same + 1 :]
        for call in calls[same:]:
            result = call.result
            parts = (result,) if type(result) is SymbolicTensor else leaves(result)
            made += [vars(tensor) for tensor in parts if type(tensor) is SymbolicTensor]
            ends.append(len(made))
        seen += calls[same:]
        return made
