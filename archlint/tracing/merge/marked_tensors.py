"""Attributes that the model's code gives to tensors: ``x.seen = True``.

Code that runs again, or along another branch, would find those of the run before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import nn

from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor

if TYPE_CHECKING:
    from archlint.tracing.tracer import Tracer

_OWN = frozenset({*vars(SymbolicTensor), *SymbolicTensor.__annotations__})


class MarkedTensors:
    """The tensors of a run of ``model`` that have attributes of the code's own."""

    def __init__(self, tracer: Tracer, model: nn.Module) -> None:
        self._tracer = tracer
        self._weights = [*model.parameters(), *model.buffers()]

    def __iter__(self) -> Iterator[torch.Tensor]:
        yield from (t for t in self._weights if vars(t))
        yield from (t for t in self._tracer.inputs if not _OWN.issuperset(vars(t)))
        for call in self._tracer.calls:
            result = call.result
            for tensor in result if type(result) in (tuple, list) else (result,):
                if type(tensor) is SymbolicTensor and not _OWN.issuperset(vars(tensor)):
                    yield tensor

    def __bool__(self) -> bool:
        return next(iter(self), None) is not None

    def unmark(self) -> bool:
        """Take the attributes away, where there were none before; whether there were some."""
        marked = list(self)
        for tensor in marked:
            for name in vars(tensor).keys() - (_OWN if type(tensor) is SymbolicTensor else set()):
                del vars(tensor)[name]
        return bool(marked)
