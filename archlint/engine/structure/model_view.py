"""What a structural check sees of a model: its modules and, of a run, every explored path."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import fx, nn

from archlint.contracts.contract import Input
from archlint.engine.explore import Exploration, ExploredPath
from archlint.engine.structure.definition_site import made_at
from archlint.ops.registry import TensorSpec
from archlint.symbolic import Size
from archlint.symbolic.formula import Bool, conj
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.solver import Solver
from archlint.tracing import fx_graph as graph
from archlint.tracing.model_tracer import ModelTracer
from archlint.tracing.outputs import structure
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trace import Call, Trace
from archlint.tracing.trees import find


class ModelView:
    """A model under a structural contract.

    ``paths`` are the explored paths; there are none where the contract has no input. ``region``
    are the sizes that the contract names; ``reasons`` say why not all of them were explored.
    """

    def __init__(
        self, subject: ModelTracer, found: Exploration | None = None, deadline: float = 0.0
    ) -> None:
        self._subject = subject
        self._found = found
        self._deadline = deadline
        self.input: Input = subject.contract.input
        self.paths: tuple[ExploredPath, ...] = tuple(found.paths) if found else ()
        self.reasons: tuple[str, ...] = tuple(found.reasons) if found else ()
        self.region: Bool = found.region if found else True
        self.names: tuple[str, ...] = found.names if found else ()
        self.box: Box = found.box if found else Box({})

    @property
    def model(self) -> nn.Module:
        """The model as it was built; large weights have shapes and no values."""
        return self._subject.model

    @property
    def explored(self) -> bool:
        """Whether the model ran on symbolic sizes."""
        return self._found is not None

    @property
    def accepting(self) -> list[ExploredPath]:
        """The paths that lead to an output."""
        return [w for w in self.paths if w.trace.outcome == "accepted" and w.accepted is not False]

    @cached_property
    def graphs(self) -> list[fx.Graph]:
        """The paths that lead to an output as :mod:`archlint.tracing.fx_graph` records them."""
        return [graph.of(w.trace, self.model) for w in self.accepting]

    def source(self, path: str) -> str:
        """``file:line`` where the user's code makes the module at ``path``, or empty."""
        return made_at(self.model, path, self._subject.source.maker)

    def importing(self) -> Any:
        """A context in which the model's own modules can be imported."""
        return self._subject.source.importable()

    # -- sizes ----------------------------------------------------------------------------------

    def smallest(self, formula: Bool) -> dict[str, int] | None:
        """The smallest sizes of the region with a property, or ``None`` if there are none.

        Raises ``Unsolved``.
        """
        return None if formula is False else self.solver().smallest(conj(self.region, formula))

    def solver(self, names: tuple[str, ...] = (), box: Box | None = None) -> Solver:
        """A solver for sizes in the box, or for others."""
        return Solver(names or self.names, box or self.box, self._deadline)

    # -- tensors --------------------------------------------------------------------------------

    def made_by(self, path: ExploredPath, spec: TensorSpec) -> Call | None:
        """The call of the model that made a tensor of the output."""
        for call in reversed(path.trace.calls):
            if any(t.spec is spec for t in graph.tensors((call.result, call.args))):
                return call
        return None

    def leaving(self, layer: str) -> list[tuple[ExploredPath, list[tuple[Size, ...]]]]:
        """For each path that leads to an output, the shapes that left a module, call by call."""
        return [(path, self._watch(path, layer)) for path in self.accepting]

    def _watch(self, path: ExploredPath, layer: str) -> list[tuple[Size, ...]]:
        shapes: list[tuple[Size, ...]] = []

        def watch(module: nn.Module, args: Any, output: Any) -> None:
            if module is self.model.get_submodule(layer):
                nested = structure(output, _dims, lambda v: isinstance(v, torch.Tensor))
                shapes.extend(find(nested, lambda v: isinstance(v, tuple)))

        hook = nn.modules.module.register_module_forward_hook(watch)
        try:
            self._subject.trace(path.trace.path.env, box=self.box)
        finally:
            hook.remove()
        return shapes


def outputs(trace: Trace) -> list[TensorSpec]:
    """The tensors that a path returns, in their order."""
    return find(trace.output, lambda v: isinstance(v, TensorSpec))


def _dims(tensor: torch.Tensor) -> tuple[Size, ...]:
    return tensor.spec.dims if type(tensor) is SymbolicTensor else tuple(tensor.shape)
