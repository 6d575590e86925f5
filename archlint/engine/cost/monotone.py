"""Whether an amount grows with every size, checked on its formula."""

from __future__ import annotations

from collections.abc import Sequence

from archlint.symbolic import (
    Atom,
    FloorDiv,
    Max,
    Min,
    Size,
    StepFunction,
    Symbol,
    Unknown,
    evaluate,
    from_atom,
    symbol,
)
from archlint.symbolic.intervals import Box

_MOST = 1 << 30  # a size beyond which nothing is looked for


def grows(size: Size, box: Box) -> bool:
    """Whether the size is proved never to fall in the box as a symbol of it rises.

    Its atoms never fall, and it is a polynomial with coefficients of at least 0 in what each atom
    is above its smallest value.
    """
    if isinstance(size, int):
        return True
    found = dict.fromkeys(a for monomial, _ in size.terms for a in monomial)
    above: dict[Atom, Size] = {}
    for i, atom in enumerate(found):
        low, _ = box.interval(from_atom(atom))
        if low is None or not _atom_grows(atom, box):
            return False
        above[atom] = symbol(f"above{i}") + low
    shifted: Size = 0
    for monomial, coef in size.terms:
        term: Size = coef
        for atom in monomial:
            term = above[atom] * term
        shifted = shifted + term
    return isinstance(shifted, int) or all(coef > 0 for _, coef in shifted.terms)


def _atom_grows(atom: Atom, box: Box) -> bool:
    if isinstance(atom, Unknown):
        return False
    if isinstance(atom, Symbol):
        return True
    if isinstance(atom, FloorDiv):
        return isinstance(atom.den, int) and atom.den > 0 and grows(atom.num, box)
    steps = isinstance(atom, (Min, Max, StepFunction))
    return steps and all(grows(o, box) for o in atom.operands())


def smallest_over(
    size: Size, limit: int, names: Sequence[str], box: Box, effort: int = 50_000
) -> dict[str, int] | None:
    """The sizes of the box with the smallest sum at which a growing size exceeds ``limit``.

    Of several, the one whose values come first, in the order of ``names``. ``None`` if there are
    none, or if they are not found within ``effort`` evaluations.
    """
    ranges = [box.ranges.get(n, (1, None)) for n in names]
    low = [1 if r[0] is None else r[0] for r in ranges]
    high = [_MOST if r[1] is None else r[1] for r in ranges]
    left = effort
    best: tuple[int, ...] = ()

    def over(*values: int) -> bool:
        nonlocal left
        left -= 1
        return evaluate(size, dict(zip(names, values, strict=True))) > limit

    def last_after(before: tuple[int, ...]) -> int | None:
        """The smallest last value that exceeds the limit, if the sum is below that of the best."""
        most = min(high[-1], sum(best) - sum(before) - 1) if best else high[-1]
        if most < low[-1] or not over(*before, most):
            return None
        bottom, top = low[-1], most
        while bottom < top:
            middle = (bottom + top) // 2
            bottom, top = (bottom, middle) if over(*before, middle) else (middle + 1, top)
        return top

    def walk(before: tuple[int, ...]) -> None:
        """Consider all values after ``before``."""
        nonlocal best
        at = len(before)
        if at == len(names) - 1:
            last = last_after(before)
            best = best if last is None else (*before, last)
            return
        for value in range(low[at], high[at] + 1):
            if left <= 0 or (best and sum(before) + value + sum(low[at + 1 :]) >= sum(best)):
                return
            walk((*before, value))

    if names:
        walk(())
    return dict(zip(names, best, strict=True)) if best and left > 0 else None
