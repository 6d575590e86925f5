"""What a model costs at one size, as lock files record it, and what changed since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from archlint.contracts.size_text import size_text
from archlint.errors import one_line

_NAMED = 2  # layers


@dataclass(frozen=True)
class RecordedCosts:
    """Operations, parameters and the least bytes of activations at the sizes ``at``.

    ``layers``: the operations of each top-level layer.
    """

    at: dict[str, int]
    flops: int
    parameters: int
    activations: int
    layers: dict[str, int] = field(default_factory=dict)


def cost_changes(before: RecordedCosts | None, after: RecordedCosts | None) -> tuple[str, ...]:
    """The changes as lines: ``FLOPs at H=224 W=224 grew by 12 % (100 to 112), mostly in layer3``.

    None where nothing was recorded before.
    """
    if before is None:
        return ()
    if after is None:
        return (f"can no longer be counted{_where(before)} ({before.flops:,} FLOPs before)",)
    return tuple(_changes(before, after))


def _where(costs: RecordedCosts) -> str:
    return f" at {size_text(costs.at)}" if costs.at else ""


def _changes(before: RecordedCosts, after: RecordedCosts) -> Iterator[str]:
    at = _where(after)
    amounts = [("parameters", "", before.parameters, after.parameters)]
    if before.at == after.at:
        flops = "FLOPs", at, before.flops, after.flops
        amounts = [flops, *amounts, ("activations", at, before.activations, after.activations)]
    else:
        yield f"are counted{at} now, and were{_where(before)}"
    for name, where, old, new in amounts:
        if old != new:
            share = f" by {100 * abs(new - old) / old:.3g} %" if old else ""
            line = f"{name}{where} {'grew' if new > old else 'shrank'}{share} ({old:,} to {new:,})"
            layers = _layers(before, after) if name == "FLOPs" else ""
            yield line + (f", mostly in {layers}" if layers else "")


def _layers(before: RecordedCosts, after: RecordedCosts) -> str:
    """The layers that changed most in the direction of the whole."""
    names = dict.fromkeys([*before.layers, *after.layers])
    change = {n: after.layers.get(n, 0) - before.layers.get(n, 0) for n in names}
    sign = 1 if after.flops > before.flops else -1
    least = max(change[n] * sign for n in names) // 10 if names else 0
    many = (n for n in names if change[n] * sign > least)
    most = sorted(many, key=lambda n: -change[n] * sign)
    return ", ".join(one_line(n) or "the model" for n in most[:_NAMED])
