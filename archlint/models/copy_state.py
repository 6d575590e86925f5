"""The state of a copy of a model, as it was made: what a run of it changes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from archlint.models.containers import differs, put_contents
from archlint.models.deepcopy import CopyParts
from archlint.models.meta_weights import leaned
from archlint.models.tensor_state import (
    TensorState,
    groups,
    is_like,
    joined,
    places,
    put_needs_grad,
    put_values,
)


class CopyState:
    """The modules, containers and tensors that ``parts`` lists; other state is a snapshot's."""

    def __init__(self, parts: CopyParts) -> None:
        self._parts = parts
        self._classes = list(map(type, parts.modules))
        self._attributes = [module.__dict__.copy() for module in parts.modules]
        self._contents = [container.copy() for container in parts.containers]
        self._tensors: TensorState | _CopiedTensors
        if parts.apart:
            self._tensors = _CopiedTensors(parts.tensors, parts.originals)
        else:
            parameters = [t for t in parts.tensors if isinstance(t, nn.Parameter)]
            others = [t for t in parts.tensors if not isinstance(t, nn.Parameter)]
            self._tensors = TensorState(parameters, others)

    def separated(self) -> bool:
        """Whether modules share nothing from now on, as a run wrote to what they share."""
        shared = self._parts.shared
        written = shared is not None and shared.written()
        if written:
            self.separate()
        return written

    def separate(self) -> None:
        """Let modules share nothing any more; everything is restored then."""
        if self._parts.shared is not None:
            self.restore()
            self._parts.separate()
            self._attributes = [module.__dict__.copy() for module in self._parts.modules]

    def restore(self) -> None:
        """Restore everything. May be called more than once."""
        parts = self._parts
        for module, kind, had in zip(parts.modules, self._classes, self._attributes, strict=True):
            if type(module) is not kind:
                module.__class__ = kind
            if differs(module.__dict__, dict, had):
                put_contents(module.__dict__, dict, had)
        for container, contents in zip(parts.containers, self._contents, strict=True):
            if differs(container, type(container), contents):
                put_contents(container, type(container), contents)
        for empty in parts.empty:
            empty.clear()
        self._tensors.restore()


class _CopiedTensors:
    """Tensors that share no memory: each is what another copy of its original would be.

    The originals are as they were when they were copied: code that could reach one by a name finds
    it in the snapshot of what the code can reach, which is restored first.
    """

    def __init__(self, copies: Sequence[Tensor], originals: Sequence[Tensor]) -> None:
        self._copies, self._originals = copies, originals
        self._places = places(copies)
        self._values: list[tuple[list[Tensor], Tensor]] | None = None

    def restore(self) -> None:
        """Restore everything. May be called more than once."""
        copies, originals = self._copies, self._originals
        if places(copies) != self._places or not all(map(is_like, copies, originals)):
            for copy, original, place in zip(copies, originals, self._places, strict=True):
                if places([copy]) != [place] or not is_like(copy, original):
                    no_memory = not place and original.numel() > 0
                    copy.data = leaned(set(), original, of_layer=no_memory).detach()
            self._places = places(copies)
        for copy, original in zip(copies, originals, strict=True):
            if copy.requires_grad is not original.requires_grad:
                put_needs_grad(copy, original.requires_grad)
            if copy.grad is not None:
                copy.grad = None
        if self._values is None:
            pairs = zip(copies, originals, strict=True)
            real = {id(t): copy for copy, t in pairs if type(copy) is Tensor and not copy.is_meta}
            found = groups([t for t in originals if id(t) in real])
            self._values = [([real[id(t)] for t in group], joined(group)) for group in found]
        put_values(self._values)
