"""A limit on what a model costs: at one size, or at every size with a condition."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from archlint.symbolic.formula import Bool

COSTS = ("flops", "parameters", "activations")
"""What a budget may limit."""
OPTIMIZERS = {
    "sgd": 0, "sgd-momentum": 1, "rmsprop": 1, "adagrad": 1, "adam": 2, "adamw": 2, "nadam": 2,
    "radam": 2, "adamax": 2, "adadelta": 2,
}  # fmt: skip
"""Optimizers of ``torch.optim``, and how many tensors of its size each keeps for a parameter."""


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


def unit_factor(unit: str) -> int:
    """The bytes of a unit such as ``B``, ``MB`` or ``GiB``."""
    prefix = unit.removesuffix("B")
    if not prefix:
        return 1
    return int((1024 if prefix.endswith("i") else 1000) ** ("KMGT".index(prefix[0].upper()) + 1))


def parse_bytes(text: str) -> int:
    """The number of bytes in ``24GiB``, ``512 MB`` or ``1000``; ``ValueError`` for other texts."""
    match = re.fullmatch(r"\s*([0-9]{1,18}(?:\.[0-9]{1,9})?)\s*((?:[kKMGT]i?)?B)?\s*", text)
    if match is None:
        raise ValueError(f"found {text.strip()!r:.40}, expected bytes such as 24GiB or 512 MB")
    return int(Decimal(match[1]) * unit_factor(match[2] or "B"))
