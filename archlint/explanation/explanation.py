"""The result of ``explain``."""

from __future__ import annotations

from dataclasses import dataclass

from archlint.contracts.contract import Input
from archlint.engine.describe.describe import Description
from archlint.engine.exploration import ExploredPath
from archlint.explanation.explanation_text import explanation_text
from archlint.explanation.limiting_layers import LimitingLayers
from archlint.explanation.path_rows import Row
from archlint.explanation.tied_weights import Kind, Tie
from archlint.symbolic.formula import holds


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
    depend on the input size; ``kinds``: the layers with weights, by type.
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

    @property
    def exact(self) -> bool:
        """Whether ``accepts`` is proved to be all that the model accepts."""
        return self.covered and self.accepts.exact

    @property
    def accepted(self) -> bool:
        """Whether the model accepts ``point``."""
        return holds(self.path.accepted, self.point)

    def text(self, *, verbose: bool = False, layer: str = "") -> str:
        """The explanation as text. ``verbose`` shows all modules, ``layer`` those of a glob."""
        return explanation_text(self, verbose, layer)

    def __str__(self) -> str:
        return self.text()


__all__ = ["Explanation", "Step"]
