"""Concrete sizes to look at: those of a user, or common ones that the model accepts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import prod

from archlint.engine.exploration import Exploration
from archlint.errors import ArchlintError
from archlint.symbolic.formula import Bool, conj, holds
from archlint.symbolic.solver.solver import Solver, Unsolved

COMMON = (224, 256, 64, 32, 28, 16)
LESS_COMMON = (112, 128, 96, 84, 160, 192, 384, 512)
LARGEST = 2**20  # the product of common sizes: volumes of 64 x 64 x 64, not of 224 x 224 x 224
ROUND = (100, 64, 50, 32, 16, 10, 8, 4, 2, 1)
NEAR = 8  # how much larger a round size may be than the smallest


_NUMBERS = re.compile(r"\d+(\s*[x×,\s]\s*\d+)*")
_NAMED = re.compile(r"\w+\s*=\s*\d+([\s,]+\w+\s*=\s*\d+)*")
_BATCH = ("N", "B")


def parse_sizes(names: Sequence[str], at: str | Mapping[str, int]) -> dict[str, int]:
    """Sizes from ``256x256`` (the last sizes in order) or by name (``H=5,W=7``).

    A batch that is left out is 1, as are the sizes before those of ``256x256``. Raises
    ``ArchlintError`` if they do not fit ``names``.
    """
    text = at.strip(" ,") if isinstance(at, str) else ""
    others = {name: 1 for name in names if name in _BATCH}
    if not isinstance(at, str):
        pairs = list(at.items())
    elif _NAMED.fullmatch(text):
        pairs = [(n, int(v)) for n, v in re.findall(r"(\w+)\s*=\s*(\d+)", text)]
    elif _NUMBERS.fullmatch(text):
        numbers = [int(n) for n in re.findall(r"\d+", text)]
        if len(numbers) > len(names):
            raise ArchlintError(f"{at!r} does not fit the sizes {', '.join(names) or '(none)'}")
        others = dict.fromkeys(names, 1)
        pairs = list(zip(names[len(names) - len(numbers) :], numbers, strict=True))
    else:
        example = ",".join(f"{name}=256" for name in names)
        raise ArchlintError(f"expected sizes such as 256x256 or {example}, got {at!r}")
    sizes = others | dict(pairs)
    if sizes.keys() != set(names) or len(dict(pairs)) < len(pairs):
        raise ArchlintError(f"expected sizes for {', '.join(names) or 'no name'}, got {at!r}")
    return {name: sizes[name] for name in names}


def common_sizes(
    exploration: Exploration, deadline: float, *, within: Bool = True, of_contract: Bool = False
) -> dict[str, int] | None:
    """Accepted sizes that are common, else the smallest accepted ones, else any known ones.

    Sizes ``within`` a set come before all others: common ones, the smallest of ``of_contract``, the
    sizes of a contract, less common and then round ones.
    ``None`` if none are known before ``deadline``, a time of :mod:`.effort_clock`.
    """

    def squares(sides: Sequence[int]) -> list[dict[str, int]]:
        points = [
            {n: 1 if n in exploration.batch else side for n in exploration.names} for side in sides
        ]
        return [p for p in points if prod(p.values()) <= LARGEST and exploration.accepts(p)]

    accepted = squares(COMMON)
    solver = Solver(exploration.names, exploration.box, deadline)
    solver.add(exploration.region)
    try:
        if within is not True:
            inside = conj(exploration.accepted, within)
            best = next((point for point in accepted if holds(within, point)), None)
            if best is None and (best := solver.smallest_or_any(inside)[0]) is not None:
                usual = [p for p in squares(LESS_COMMON) if holds(within, p)]
                if solver.smallest_or_any(of_contract)[0] != best:
                    best = usual[0] if usual else _round(inside, best)
            if best is not None:
                return best
        if accepted:
            return accepted[0]
        return solver.smallest(exploration.accepted) or solver.find(exploration.known)
    except Unsolved:
        return accepted[0] if accepted else None


def _round(where: Bool, point: dict[str, int]) -> dict[str, int]:
    """Sizes a little larger than these that are rounder: 400 where 397 to 400 are accepted."""

    def larger(by: int) -> dict[str, int]:
        return {n: v + by if v > 1 else v for n, v in point.items()}

    def roundness(by: int) -> int:
        return min(
            (next(r for r in ROUND if v % r == 0) for v in larger(by).values() if v > 1), default=1
        )

    fitting = [by for by in range(NEAR) if holds(where, larger(by))]
    return larger(max(fitting, key=lambda by: (roundness(by), -by)))
