"""The result of ``explain``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from archlint.contracts.accepted_set import AcceptedSet
from archlint.contracts.contract import Input
from archlint.contracts.size_map import size_map
from archlint.contracts.size_map_svg import notebook_html
from archlint.engine.cost.model_cost import ModelCost
from archlint.engine.describe.describe import Description
from archlint.engine.exploration import Exploration, ExploredPath
from archlint.engine.infer.acceptance import Acceptance
from archlint.engine.reach.receptive_field import Field
from archlint.engine.weights.ties import Tie
from archlint.explanation.explanation_text import explanation_text
from archlint.explanation.limiting_layers import LimitingLayers
from archlint.explanation.path_rows import Row
from archlint.explanation.tied_weights import Kind
from archlint.symbolic.formula import Bool, holds


@dataclass(frozen=True)
class Step:
    """A row of the path, and the sizes accepted up to here if the row narrows them."""

    row: Row
    accepts: str = ""


@dataclass(frozen=True)
class Explanation:
    """The path of ``point`` from the input to the output, or to the layer that refuses it.

    ``accepts`` describes all sizes that the model accepts; if not ``covered``, ``reasons`` explain
    why that is not all. ``requested``: the caller chose ``point``. ``path`` is one of ``paths``,
    taken by sizes with ``condition``. ``steps`` are its rows folded to the top levels of modules,
    ``unfolded`` all rows; ``chain`` leads from the input to the call that refuses ``point``.
    ``limiting``: layers without which the model would accept more. ``ties``: weights whose shapes
    depend on the input size; ``kinds``: the layers with weights, by type. ``branches`` is the
    condition of the path as a formula; ``exploration`` has all paths. ``mismatch``: what is
    probably wrong with the input. ``cost``: what the model costs, if it was requested.
    ``fields``: for each tensor of the output what a position of it depends on, where that is
    known.
    """

    model: str
    mode: str
    input: Input
    accepts: Description
    covered: bool
    reasons: tuple[str, ...]
    point: dict[str, int]
    requested: bool
    path: ExploredPath
    paths: int
    condition: str
    steps: tuple[Step, ...]
    unfolded: tuple[Step, ...]
    chain: tuple[Row, ...]
    limiting: tuple[LimitingLayers, ...]
    ties: tuple[Tie, ...]
    kinds: tuple[Kind, ...]
    exploration: Exploration
    branches: Bool
    mismatch: str = ""
    cost: ModelCost | None = None
    fields: tuple[tuple[Field, ...], ...] = ()

    @property
    def exact(self) -> bool:
        """Whether ``accepts`` is proved to be all that the model accepts."""
        return self.covered and self.accepts.exact

    @property
    def accepted(self) -> bool:
        """Whether the model accepts ``point``."""
        return holds(self.path.accepted, self.point)

    @property
    def layers(self) -> tuple[str, ...]:
        """The modules that run on any explored path, and those that contain them."""
        paths = (self.path, *self.exploration.paths)
        found = dict.fromkeys(s.row.module for s in self.unfolded)
        found |= dict.fromkeys(call.module for path in paths for call in path.trace.calls)
        parts = [name.split(".") for name in found if name]
        return tuple(dict.fromkeys(".".join(p[:n]) for p in parts for n in range(1, len(p) + 1)))

    def accepted_set(self) -> AcceptedSet:
        """What the model accepts, with the layers that refuse, as ``infer`` reports it."""
        acceptance = Acceptance(
            self.model,
            self.mode,
            self.input,
            self.exploration,
            self.accepts,
            0.0,
            mismatch=self.mismatch,
        )
        return acceptance.entry()

    def text(self, *, verbose: bool = False, layer: str = "") -> str:
        """The explanation as text. ``verbose`` shows all modules, ``layer`` those of a glob."""
        return explanation_text(self, verbose, layer)

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        """For notebooks: a map of the accepted sizes above the text."""
        return notebook_html(self.text(), size_map(self.accepted_set()))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """For IPython's terminal."""
        printer.text(self.text())
