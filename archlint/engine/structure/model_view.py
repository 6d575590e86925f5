"""What a structural check can read: the model's modules and every explored path."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import fx, nn

from archlint.contracts.contract import Input
from archlint.engine.check_run import CheckRun
from archlint.engine.exploration import Exploration, ExploredPath
from archlint.engine.structure.definition_site import definition_site
from archlint.engine.weights.symbolic_weights import WeightClaims
from archlint.engine.weights.ties import weight_claims
from archlint.ops.registry import TensorSpec
from archlint.symbolic import Size
from archlint.symbolic.formula import Bool, conj
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.solver import Solver
from archlint.tracing import fx_graph as graph
from archlint.tracing.outputs import structure
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trace import Trace
from archlint.tracing.trees import find


class ModelView:
    """A model under a structural contract.

    ``paths`` are the explored paths; there are none if the contract has no input. ``region`` are
    the sizes of the contract, ``names`` their names and ``box`` their bounds; ``reasons`` explain
    why not all of them were explored.
    """

    def __init__(self, run: CheckRun, exploration: Exploration | None = None) -> None:
        self._run = run
        self.explored = exploration is not None
        """Whether the model was run on symbolic sizes."""
        self.input: Input = run.contract.input
        self.paths: tuple[ExploredPath, ...] = tuple(exploration.paths) if exploration else ()
        self.reasons: tuple[str, ...] = tuple(exploration.reasons) if exploration else ()
        self.region: Bool = exploration.region if exploration else True
        self.names: tuple[str, ...] = exploration.names if exploration else ()
        self.box: Box = exploration.box if exploration else Box({})

    @property
    def model(self) -> nn.Module:
        """The model as it was built; large weights have shapes and no values."""
        return self._run.model

    @property
    def accepting(self) -> list[ExploredPath]:
        """The paths that reach an output."""
        return [p for p in self.paths if p.trace.outcome == "accepted" and p.accepted is not False]

    @cached_property
    def graphs(self) -> list[fx.Graph]:
        """The paths that reach an output, as :mod:`archlint.tracing.fx_graph` records them."""
        return [graph.graph_of(p.trace, self.model) for p in self.accepting]

    def source(self, path: str) -> str:
        """``file:line`` where the user's code makes the module at ``path``, or empty."""
        return definition_site(self.model, path, self._run.source.maker)

    def importing(self) -> Any:
        """A context in which the model's own modules can be imported."""
        return self._run.source.importable()

    def weight_claims(self, path: ExploredPath) -> WeightClaims:
        """What the path claims of the sizes of the model's weights."""
        return weight_claims(self._run, path.trace.path.env)

    # -- sizes ----------------------------------------------------------------------------------

    def smallest(self, formula: Bool) -> dict[str, int] | None:
        """The smallest sizes of the region with a property, or ``None`` if there are none.

        Raises ``Unsolved``.
        """
        return None if formula is False else self.solver().smallest(conj(self.region, formula))

    def solver(self, names: tuple[str, ...] = (), box: Box | None = None) -> Solver:
        """A solver for the sizes in the box, or for other names and another box."""
        return Solver(names or self.names, box or self.box, self._run.deadline)

    # -- tensors --------------------------------------------------------------------------------

    def made_at(self, path: ExploredPath, spec: TensorSpec) -> tuple[str, str, str]:
        """Module, operator and line of the call that made a tensor of the output; empty if none."""
        for call in reversed(path.trace.calls):
            if any(t.spec is spec for t in graph.tensors((call.result, call.args))):
                return call.module, call.op, call.source
        return "", "", ""

    def leaving(self, layer: str) -> list[tuple[ExploredPath, list[tuple[Size, ...]]]]:
        """For each path that reaches an output, the shapes that a module returned, call by call."""
        return [(path, self._returned(path, layer)) for path in self.accepting]

    def _returned(self, path: ExploredPath, layer: str) -> list[tuple[Size, ...]]:
        shapes: list[tuple[Size, ...]] = []

        def watch(module: nn.Module, args: Any, output: Any) -> None:
            if module is self.model.get_submodule(layer):
                nested = structure(output, _dims, lambda v: isinstance(v, torch.Tensor))
                shapes.extend(find(nested, lambda v: isinstance(v, tuple)))

        hook = nn.modules.module.register_module_forward_hook(watch)
        try:
            self._run.tracer.trace(path.trace.path.env, box=self.box)
        finally:
            hook.remove()
        return shapes


def outputs(trace: Trace) -> list[TensorSpec]:
    """The tensors that a path returns, in order."""
    return find(trace.output, lambda v: isinstance(v, TensorSpec))


def _dims(tensor: torch.Tensor) -> tuple[Size, ...]:
    return tensor.spec.dims if type(tensor) is SymbolicTensor else tuple(tensor.shape)
