"""Concrete sizes to look at: those of a user, or common ones that the model accepts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from archlint.engine.exploration import Exploration
from archlint.errors import ArchlintError
from archlint.symbolic.solver.solver import Solver, Unsolved

COMMON = (224, 256, 64, 32, 28, 16)


def parse_sizes(names: Sequence[str], at: str | Mapping[str, int]) -> dict[str, int]:
    """Sizes from ``256x256`` (the last sizes in order) or by name (``H=5,W=7``); the others are 1.

    ``ArchlintError`` if they do not fit ``names``.
    """
    if not isinstance(at, str):
        sizes = dict(at)
    elif "=" in at:
        pairs = re.findall(r"(\w+)\s*=\s*(\d+)", at)
        sizes = {name: int(value) for name, value in pairs}
    else:
        numbers = [int(n) for n in re.findall(r"\d+", at)]
        sizes = dict(zip(names[len(names) - len(numbers) :], numbers, strict=False))
        if not numbers or len(numbers) > len(names):
            raise ArchlintError(f"{at!r} does not fit the sizes {', '.join(names) or '(none)'}")
    unknown = sizes.keys() - set(names)
    if unknown or (not sizes and names):
        raise ArchlintError(f"expected sizes for {', '.join(names)}, got {at!r}")
    return {name: sizes.get(name, 1) for name in names}


def common_sizes(exploration: Exploration, deadline: float) -> dict[str, int] | None:
    """Accepted sizes that are common, else the smallest accepted ones, else any known ones.

    ``None`` if none are known before ``deadline``, a time of :mod:`.effort_clock`.
    """
    for base in COMMON:
        point = {n: base if i else 1 for i, n in enumerate(exploration.names)}
        if exploration.accepts(point):
            return point
    solver = Solver(exploration.names, exploration.box, deadline)
    solver.add(exploration.region)
    try:
        return solver.smallest(exploration.accepted) or solver.find(exploration.known)
    except Unsolved:
        return None


__all__ = ["common_sizes", "parse_sizes"]
