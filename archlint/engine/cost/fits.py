"""The largest sizes that fit in memory: the largest square of a batch, the batch of a square.

Memory is that of weights, gradients and optimizer, which no size changes, and of activations, of
which the formulas are lower bounds. So what does not fit here fits nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from archlint.contracts.region import bounds_of
from archlint.engine.cost.activations import Peak
from archlint.engine.cost.amount import Amount, at_most, product_text
from archlint.engine.cost.monotone import grows
from archlint.engine.exploration import Exploration, ExploredPath
from archlint.symbolic.formula import holds
from archlint.symbolic.linear_sums import linear_parts

BATCHES = tuple(2**i for i in range(11))
SQUARES = (128, 224, 256, 384, 512, 1024, 2048)
_MOST = 1 << 24  # a size beyond which nothing is looked for
_STEPS = 4096  # sizes tried below the largest that would fit, until the model accepts one

ByPath = Sequence[tuple[ExploredPath, "Amount | Peak"]]


@dataclass(frozen=True)
class Fit:
    """The largest sizes that fit, and the bytes that they need at the least.

    ``fixed``: the sizes that were set; ``found``: the others, ``None`` if no size fits.
    ``unbounded``: larger ones fit too, and the search ended.
    """

    fixed: Mapping[str, int]
    found: Mapping[str, int] | None
    needed: int = 0
    unbounded: bool = False


@dataclass(frozen=True)
class Fits:
    """What fits in ``limit`` bytes.

    ``constant``: the bytes that every size needs. ``squares``: for each batch the largest size of
    all else; ``batches``: for such sizes the largest batch. ``formula``: the condition, where the
    path of the sizes shown is taken. ``grows``: whether more was proved never to need less.
    """

    limit: int
    text: str
    constant: int
    squares: tuple[Fit, ...]
    batches: tuple[Fit, ...]
    formula: str
    grows: bool


def fits(
    exploration: Exploration,
    spent: ByPath,
    point: Mapping[str, int],
    batch: str,
    constant: int,
    limit: int,
    text: str,
) -> Fits:
    """What fits in ``limit`` bytes, ``text``; ``batch`` is the name of the batch, or empty.

    ``spent``: the bytes of activations on each path. ``point``: sizes to find the batch for.
    """
    search = _Search(exploration, spent, constant, limit)
    others = [n for n in exploration.names if n != batch]
    squares: list[Fit] = []
    for count in BATCHES if batch and others else (0,) if others else ():
        set_ = {batch: count} if batch else {}
        squares.append(search.largest(set_, others))
        if squares[-1].found is None:
            break
    if len({tuple(s.found.values()) for s in squares if s.found}) == 1 and len(squares) > 1:
        squares = []  # no size but the batch is free
    sides: list[dict[str, int]] = []
    if batch:
        own = {n: point[n] for n in others}
        sides = [dict.fromkeys(others, side) for side in SQUARES] if others else []
        sides = sorted([own, *(s for s in sides if s != own)], key=lambda s: sum(s.values()))
    batches = [search.largest(side, [batch]) for side in sides]
    found = tuple(b for b in batches if b.found or dict(b.fixed) == {n: point[n] for n in others})
    here = exploration.path_at(point)
    amount = next(a for path, a in spent if path is here)
    growing = all(
        grows(size, exploration.box.within(bounds_of(path.accepted)))
        for path, amount_of_path in spent
        for size in amount_of_path.sizes
    )
    formula = _formula(amount, batch, constant, limit)
    return Fits(limit, text, constant, tuple(squares), found, formula, growing)


class _Search:
    def __init__(self, exploration: Exploration, spent: ByPath, constant: int, limit: int) -> None:
        self.exploration = exploration
        self.spent = spent
        self.constant = constant
        self.limit = limit

    def largest(self, fixed: Mapping[str, int], names: Sequence[str]) -> Fit:
        """The largest common value of ``names`` that fits, on any path."""
        best, needed = 0, 0
        for path, amount in self.spent:
            value = self._on(path, amount, lambda v: {**fixed, **dict.fromkeys(names, v)}, names)
            if value > best:
                point = {**fixed, **dict.fromkeys(names, value)}
                best, needed = value, self.constant + amount.at(point)
        found = dict.fromkeys(names, best) if best else None
        return Fit(fixed, found, needed, unbounded=best > _MOST - _STEPS)

    def _on(
        self,
        path: ExploredPath,
        amount: Amount | Peak,
        at: Callable[[int], dict[str, int]],
        names: Sequence[str],
    ) -> int:
        ranges = self.exploration.box.within(bounds_of(path.accepted)).ranges
        highs = [ranges.get(n, (1, None))[1] for n in names]
        low, high = 0, min((h for h in highs if h is not None), default=_MOST)
        while low < high:
            middle = (low + high + 1) // 2
            if at_most(amount.at, at(middle), self.limit - self.constant):
                low = middle
            else:
                high = middle - 1
        for value in range(low, max(low - _STEPS, 0), -1):
            sizes = {n: at(value)[n] for n in self.exploration.names}
            inside = holds(self.exploration.region, sizes) and holds(path.accepted, sizes)
            if inside and self.constant + amount.at(sizes) <= self.limit:
                return value
        return 0


def _formula(amount: Amount | Peak, batch: str, constant: int, limit: int) -> str:
    """``N <= (limit-constant)//(bytes of one)`` where all grow with the batch, else the sum."""
    conditional = isinstance(amount, Amount) and amount.parts
    parts = [] if conditional or not batch else [linear_parts(s, batch) for s in amount.sizes]
    if parts and all(p is not None and p[0] != 0 and isinstance(p[1], int) for p in parts):
        by_rest: dict[int, list[str]] = {}
        for one, rest in filter(None, parts):
            assert isinstance(rest, int)
            by_rest.setdefault(limit - constant - rest, []).append(product_text(one))
        quotients = [f"{left}//{_divisor(each)}" for left, each in by_rest.items()]
        least = quotients[0] if len(quotients) == 1 else f"min({', '.join(quotients)})"
        return f"{batch} <= {least}"
    return f"{amount} <= {limit - constant}"


def _divisor(texts: Sequence[str]) -> str:
    if len(texts) > 1:
        return f"max({', '.join(texts)})"
    return texts[0] if texts[0].isalnum() else f"({texts[0]})"
