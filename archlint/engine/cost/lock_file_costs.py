"""What a lock file records of a model's costs."""

from __future__ import annotations

from archlint.contracts.recorded_costs import RecordedCosts
from archlint.engine.cost.activations import peak
from archlint.engine.cost.flops import flops
from archlint.engine.example_sizes import common_sizes
from archlint.engine.exploration import Exploration


def recorded_costs(
    exploration: Exploration, parameters: int, deadline: float
) -> RecordedCosts | None:
    """The costs at common sizes that the model accepts; ``None`` if they cannot be counted."""
    point = common_sizes(exploration, deadline)
    path = exploration.path_at(point) if point is not None else None
    if path is None or point is None or exploration.accepts(point) is not True:
        return None
    counted = flops(path.trace)
    if counted.uncounted or counted.bounded:
        return None
    layers: dict[str, int] = {}
    for module, amount in counted.modules.items():
        top = module.split(".")[0]
        layers[top] = layers.get(top, 0) + amount.at(point)
    whole = counted.total.at(point)
    return RecordedCosts(point, whole, parameters, peak(path.trace).at(point), layers)
