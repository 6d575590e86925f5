"""Checks budgets of operations, activations and parameters.

An amount that grows with every size (which is checked on its formula) is largest at the corner of
a bounded region; if it fits there, it fits everywhere. Otherwise the solver looks for a size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from archlint.contracts.cost_budget import CostBudget
from archlint.contracts.region import bounds_of
from archlint.contracts.size_text import size_text
from archlint.engine.cost.activations import Peak, peak
from archlint.engine.cost.amount import Amount, at_most
from archlint.engine.cost.flops import Flops, flops
from archlint.engine.cost.monotone import grows, smallest_over
from archlint.engine.cost.parameters import parameters
from archlint.engine.exploration import ExploredPath
from archlint.engine.structure.model_view import ModelView
from archlint.engine.structure.violation import CannotCheck, Vacuous, Violation
from archlint.symbolic import Size, evaluate
from archlint.symbolic.formula import Bool, conj, ge, holds, negate
from archlint.symbolic.intervals import Box
from archlint.symbolic.solver.solver import Unsolved

LAYERS = 3  # named in a message
_MOST = 1 << 40  # a size beyond which nothing is looked for
_CASES = 4  # conditions of an amount, each of which doubles the cases


@dataclass(frozen=True)
class _Case:
    """An amount where ``when`` holds."""

    when: Bool
    size: Size


@dataclass(frozen=True)
class _Spent:
    """What a path costs; ``counted`` has the operations of each module, if these are limited."""

    path: ExploredPath
    amount: Amount | Peak
    counted: Flops | None

    @staticmethod
    def of(path: ExploredPath, budget: CostBudget) -> _Spent:
        """The cost of a path. Raises ``CannotCheck`` if its operations cannot be counted."""
        if budget.kind != "flops":
            return _Spent(path, peak(path.trace), None)
        counted = flops(path.trace)
        if counted.uncounted:
            raise CannotCheck(f"flops of {counted.uncounted[0]} cannot be counted")
        return _Spent(path, counted.total, counted)


def cost_budgets(view: ModelView, budgets: Sequence[CostBudget]) -> Iterator[Violation]:
    """The budgets that the model exceeds, each with the sizes, the layers and what fits."""
    for budget in budgets:
        if budget.kind == "parameters":
            yield from _parameters(view, budget)
        else:
            yield from _traced(view, budget)


def _parameters(view: ModelView, budget: CostBudget) -> Iterator[Violation]:
    own = {m: sum(p.numel() for p in each) for m, each in parameters(view.model).items()}
    count = sum(own.values())
    if count > budget.limit:
        most = _most(own)
        text = f"parameters {count:,}, expected {budget.text}; most in {most[1]}"
        yield Violation(text, most[0], "", view.source(most[0]))


def _traced(view: ModelView, budget: CostBudget) -> Iterator[Violation]:
    spent = [_Spent.of(path, budget) for path in view.accepting]
    applies = False
    exceeding: list[tuple[dict[str, int], bool]] = []
    unsolved: Unsolved | None = None
    for one in spent:
        where = conj(view.region, one.path.accepted, budget.where)
        if view.smallest(conj(one.path.accepted, budget.where)) is None:
            continue
        applies = True
        for case in _cases(one.amount):
            try:
                point, smallest = _exceeding(view, case, where, budget)
            except Unsolved as e:
                unsolved = e
                continue
            if point is not None:
                exceeding.append((point, smallest))
    if exceeding:
        point = min((p for p, _ in exceeding), key=lambda p: (sum(p.values()), *p.values()))
        smallest = unsolved is None and all(each for _, each in exceeding)
        yield _violation(view, budget, spent, point, smallest)
    elif unsolved is not None:
        raise unsolved
    elif not applies and view.paths and not view.reasons:
        raise Vacuous(f"the model accepts no size that {budget.kind}: {budget.text} is about")


def _cases(amount: Amount | Peak) -> list[_Case]:
    """The amount as plain sizes with their conditions; the sum of all parts where they are many."""
    if isinstance(amount, Peak):
        return [_Case(True, size) for size in amount.sizes]
    cases = [_Case(True, amount.always)]
    if len(amount.parts) > _CASES:
        raise CannotCheck(f"flops have {len(amount.parts)} parts that depend on conditions")
    for when, more in amount.parts:
        cases = [
            case
            for c in cases
            for case in (
                _Case(conj(c.when, when), c.size + more),
                _Case(conj(c.when, negate(when)), c.size),
            )
        ]
    return cases


def _exceeding(
    view: ModelView, case: _Case, where: Bool, budget: CostBudget
) -> tuple[dict[str, int] | None, bool]:
    """Sizes that exceed the budget, and whether they are the smallest; ``None`` if none do.

    Raises ``Unsolved``.
    """
    region = conj(where, case.when)
    if region is False:
        return None, True
    if budget.point is not None:
        point = dict(budget.point)
        over = holds(region, point) and evaluate(case.size, point) > budget.limit
        return (point if over else None), True
    box = view.box.within(bounds_of(region))
    if isinstance(case.size, int):
        return (view.smallest(region) if case.size > budget.limit else None), True
    growing = grows(case.size, box)
    corner = {n: box.ranges.get(n, (1, None))[1] for n in view.names}
    bounded = {n: high for n, high in corner.items() if high is not None}
    needed = case.size.symbols()
    if growing and needed <= bounded.keys():
        full = {n: bounded.get(n, 1) for n in view.names}
        if evaluate(case.size, full) <= budget.limit:
            return None, True
    if growing:
        least = smallest_over(case.size, budget.limit, view.names, box)
        if least is not None and holds(region, least):
            return least, True  # the smallest of the whole box, and so of the region
        found = _walk(view, case, region, box, budget.limit)
        if found is not None:
            return found
    return view.smallest(conj(region, ge(case.size, budget.limit + 1))), True


def _walk(
    view: ModelView, case: _Case, region: Bool, box: Box, limit: int
) -> tuple[dict[str, int], bool] | None:
    """Sizes of the region that exceed the limit, by doubling and then lowering each of them."""
    start = view.smallest(region)
    if start is None:
        return None
    point = dict(start)

    def over(sizes: Mapping[str, int]) -> bool:
        return holds(region, sizes) and evaluate(case.size, sizes) > limit

    while not over(point):
        grown = {n: _raised(point[n], box.ranges.get(n, (1, None))[1]) for n in point}
        if grown == point or max(grown.values()) > _MOST:
            return None
        point = grown
    for name in reversed(list(point)):
        low, high = start[name], point[name]
        while low < high:
            middle = (low + high) // 2
            if over({**point, name: middle}):
                high = middle
            else:
                low = middle + 1
        if over({**point, name: high}):
            point[name] = high
    return point, False


def _raised(size: int, most: int | None) -> int:
    doubled = 2 * max(size, 1)
    return doubled if most is None else min(doubled, most)


def _violation(
    view: ModelView,
    budget: CostBudget,
    spent: Sequence[_Spent],
    point: dict[str, int],
    smallest: bool,
) -> Violation:
    here = next(one for one in spent if holds(one.path.accepted, point))
    value, counted = here.amount.at(point), here.counted
    if counted is not None and counted.bounded:
        most = f"{budget.kind} at {size_text(point)}: at most {value:,}"
        raise CannotCheck(f"tensor values determine {most}, expected {budget.text}")
    if counted is not None:
        module, most = _most({m: a.at(point) for m, a in counted.modules.items()})
    else:
        moment = peak(here.path.trace).moment(point)
        module = here.path.trace.calls[moment].module if moment >= 0 else ""
        most = module or "the model"
    amount = f"{value:,}" if counted is not None else f"of at least {value:,} bytes"
    text = f"{budget.kind} {amount} at {size_text(point)}, expected {budget.text}"
    text += f"; most in {most}"
    fits = _fits(view, spent, here, budget.limit, point)
    text += f"; {fits}" if fits else ""
    layer = dict(view.model.named_modules()).get(module)  # none for one that forward makes
    op = module if layer is None else type(layer).__name__
    return Violation(text, module, op, view.source(module), point, run=False, smallest=smallest)


def _most(amounts: Mapping[str, int]) -> tuple[str, str]:
    """The layer with the most, and the first few with their shares."""
    whole = max(sum(amounts.values()), 1)
    ordered = sorted(amounts, key=lambda m: -amounts[m])[:LAYERS]
    texts = [f"{m or 'the model'} ({100 * amounts[m] / whole:.0f} %)" for m in ordered]
    return (ordered[0] if ordered else ""), ", ".join(texts)


def _fits(
    view: ModelView, spent: Sequence[_Spent], here: _Spent, limit: int, point: Mapping[str, int]
) -> str:
    """The largest value of each size that fits while the others stay, if the contract has one."""
    texts = []
    for name in point:
        low, high = 0, point[name] - 1
        while low < high:  # the amount grows with this size, or the result is checked and dropped
            middle = (low + high + 1) // 2
            if at_most(here.amount.at, {**point, name: middle}, limit):
                low = middle
            else:
                high = middle - 1
        sizes = {**point, name: low}
        inside = low >= 1 and holds(view.region, sizes)
        taken = (one for one in spent if inside and holds(one.path.accepted, sizes))
        if any(one.amount.at(sizes) <= limit for one in taken):
            texts.append(f"{name}={low}")
    return f"the budget holds with {' or '.join(texts)} instead" if texts else ""
