"""Branches that are checks: where they are false, code raises, as an operator's claim does."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archlint.symbolic.formula import Bool, Formula, conj, negate


def without_guards(
    branches: Sequence[Formula], accepted: Bool, exists: Callable[[Bool], bool]
) -> list[Formula]:
    """The branches whose other side is accepted at some size.

    ``accepted`` are the sizes that the model accepts on all paths; ``exists`` tells whether there
    are sizes with a property.
    """
    left: list[Formula] = []
    for i, branch in enumerate(branches):
        if branch not in left and exists(conj(*branches[:i], negate(branch), accepted)):
            left.append(branch)
    return left
