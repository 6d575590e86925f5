"""The state of a copy of a model, as it was made: what a run of it changes."""

from __future__ import annotations

from torch import nn

from archlint.models.containers import differs, held_in, put_contents
from archlint.models.deepcopy import CopyParts
from archlint.models.tensor_state import TensorState


class CopyState:
    """The modules, containers and tensors that ``parts`` lists; other state is a snapshot's."""

    def __init__(self, parts: CopyParts) -> None:
        self._parts = parts
        kinds = [(container, type(container)) for container in parts.containers]
        kinds += [(module.__dict__, dict) for module in parts.modules]
        self._containers = [(c, kind, held_in(c, kind)) for c, kind in kinds]
        self._classes = [(module, type(module)) for module in parts.modules]
        parameters = [t for t in parts.tensors if isinstance(t, nn.Parameter)]
        tensors = [t for t in parts.tensors if not isinstance(t, nn.Parameter)]
        self._tensors = TensorState(parameters, tensors)

    def restore(self) -> None:
        """Restore everything. May be called more than once."""
        for module, kind in self._classes:
            if type(module) is not kind:
                module.__class__ = kind
        for container, base, had in self._containers:
            if differs(container, base, had):
                put_contents(container, base, had)
        for empty in self._parts.empty:
            empty.clear()
        self._tensors.restore()
