"""Attributes that the model's code gives to tensors: ``x.seen = True``.

Code that runs again, or along another branch, would find those of the run before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from archlint.models.containers import differs, put_contents
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trees import leaves

if TYPE_CHECKING:
    from archlint.tracing.trace import Call
    from archlint.tracing.tracer import Tracer

_OWN = frozenset({*vars(SymbolicTensor), *SymbolicTensor.__annotations__})
_PLAIN = frozenset({int, float, bool, str, bytes, type(None)})


def _are_plain(attributes: dict[str, Any]) -> bool:
    """Whether there are attributes, and none of their values can change."""
    return bool(attributes) and _PLAIN.issuperset(map(type, attributes.values()))


def is_marked(tensor: SymbolicTensor) -> bool:
    """Whether a stand-in has an attribute of the code's own."""
    return not _OWN.issuperset(vars(tensor))


class MarkedTensors:
    """The tensors of a run of ``model`` that have attributes of the code's own.

    Weights may have had some before (``weight.no_decay = True``), if this is made before the run:
    ``begun`` says that it is not. A call that is under way returns what others inside of it make,
    or what was there before.
    """

    def __init__(self, tracer: Tracer, model: nn.Module, begun: bool) -> None:
        self._tracer = tracer
        weights: list[torch.Tensor] = [*model.parameters(), *model.buffers()]
        had = {id(w) for w in weights if not begun and _are_plain(vars(w))}
        self._had = [(w, vars(w).copy()) for w in weights if id(w) in had]
        self._weights = [w for w in weights if id(w) not in had]
        self._calls: list[Call] = []  # those that were looked at
        self._made = [vars(tensor) for tensor in tracer.inputs]  # and what their results have
        self._ends = [len(self._made)]  # how many of these there were before each call, and are

    def __bool__(self) -> bool:
        names = set().union(*self._of_stand_ins())
        if any(map(vars, self._real())) or not _OWN.issuperset(names):
            return True
        return any(differs(vars(weight), dict, had) for weight, had in self._had)

    def unmark(self) -> bool:
        """Take the attributes away, where there were none before; whether there were some."""
        if not self:
            return False
        for attributes in map(vars, self._real()):
            attributes.clear()
        for weight, had in self._had:
            put_contents(vars(weight), dict, had)
        for attributes in self._of_stand_ins():
            for name in attributes.keys() - _OWN:
                del attributes[name]
        return True

    def _real(self) -> list[torch.Tensor]:
        """The weights that had none, and the real tensors that calls returned, if still there."""
        made = [reference() for reference in self._tracer.run.made]
        had = {id(weight) for weight, _ in self._had}
        return [*self._weights, *(t for t in made if t is not None and id(t) not in had)]

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
