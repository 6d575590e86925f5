"""A limit on what a model costs: at one size, or at every size with a condition."""

from __future__ import annotations

from dataclasses import dataclass

from archlint.symbolic.formula import Bool

COSTS = ("flops", "parameters", "activations")
"""What a budget may limit."""


@dataclass(frozen=True)
class CostBudget:
    """At most ``limit`` where ``where`` holds: all sizes of the contract if it is ``True``.

    ``kind`` is one of :data:`COSTS`; activations are in bytes. ``point``: the one size that it is
    about, if it is about one. ``text`` is the author's.
    """

    kind: str
    limit: int
    where: Bool
    point: tuple[tuple[str, int], ...] | None
    text: str


def budgets_text(budgets: tuple[CostBudget, ...]) -> str:
    """The budgets on one line, as the author wrote them."""
    return ", ".join(f"{b.kind}: {b.text}" for b in budgets)
