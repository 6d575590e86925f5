"""One formula for a size that the branches of a module write differently."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from archlint.runtime.effort_clock import now
from archlint.symbolic import Atom, Expr, FloorDiv, Size, ceildiv, floordiv, map_atoms, polynomial
from archlint.symbolic.formula import Bool, comparisons, conj, eq, holds, ne
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.path import TracedPath
from archlint.tracing.signals import CannotMerge

_EFFORT = 5_000_000  # for one small question to the solver
_SECONDS = 20.0  # for it on the slowest of machines


def one_size(path: TracedPath, sizes: list[tuple[Bool, Size]]) -> Size:
    """One size that equals each of ``sizes`` where its condition holds.

    Raises :class:`CannotMerge` if none is known.
    """
    unique = list(dict.fromkeys(s for _, s in sizes))
    odd = _odd(path, sizes[0][0])
    for candidate in (*unique, *_rounded_up(unique), *_made_even(unique, odd)):
        if all(_same(path, when, size, candidate) for when, size in sizes):
            return candidate
    raise CannotMerge


def _same(path: TracedPath, when: Bool, one: Size, other: Size) -> bool:
    """Whether two sizes are proved to be the same where ``when`` holds."""
    if one == other or path.same(conj(when, *_rests(when)), one, other):
        return True
    differ = conj(when, ne(one, other))
    points = ({n: v + i * (k + 1) for k, (n, v) in enumerate(path.env.items())} for i in range(64))
    if any(_holds_at(differ, p) for p in points):
        return False
    solver = Solver(tuple(path.env), path.box, now() + _SECONDS, _EFFORT)
    try:
        return solver.find(differ) is None
    except Unsolved:
        return False


def _holds_at(formula: Bool, point: Mapping[str, int]) -> bool:
    """Whether a formula holds at sizes that may not be those of this path."""
    try:
        return holds(formula, point)
    except ZeroDivisionError:
        return False


def _rests(when: Bool) -> Iterator[Bool]:
    """``ceil(H/4) == H//4 + 1`` where ``H % 4 != 0``."""
    for comparison in comparisons(when) if not isinstance(when, bool) else ():
        for division in _divisions(comparison.expr):
            down = floordiv(division.num, division.den)
            if comparison.op == "!=" and comparison.expr == division.num - division.den * down:
                yield eq(_up(division), down + 1)


def _up(division: FloorDiv) -> Size:
    return ceildiv(division.num, division.den)


def _divisions(size: Size) -> list[FloorDiv]:
    """Divisions by a number that the size is made of."""
    atoms = (a for m, _ in size.terms for a in m) if isinstance(size, Expr) else ()
    found = (a for a in atoms if isinstance(a, FloorDiv) and isinstance(a.den, int))
    return list(dict.fromkeys(found))


def _rounded_up(sizes: list[Size]) -> Iterator[Size]:
    """What the sizes are too where divisions in them leave a rest."""
    for size in sizes:
        divisions = _divisions(size)
        yield _replaced(size, {d: _up(d) - 1 for d in divisions})
        for d in divisions:
            assert isinstance(d.den, int)
            for step in (s for s in range(1, d.den) if d.den % s == 0):
                yield _replaced(size, {d: floordiv(d.num + d.den - step, d.den) - 1})


def _replaced(size: Size, values: dict[FloorDiv, Size]) -> Size:
    """The size with divisions written otherwise."""

    def written(atom: Atom) -> Size:
        known = values.get(atom) if isinstance(atom, FloorDiv) else None
        return polynomial(0, (((atom,), 1),)) if known is None else known

    return map_atoms(size, written)


def _odd(path: TracedPath, when: Bool) -> list[Expr]:
    """Sizes that are 0 or 1, and that the condition depends on."""
    if isinstance(when, bool):
        return []
    found = {c.expr for c in comparisons(when) if path.box.interval(c.expr) == (0, 1)}
    return sorted(found, key=str)


def _made_even(sizes: list[Size], odd: list[Expr]) -> Iterator[Size]:
    """``H + H % 2`` for the sizes ``H`` and ``H + 1``."""
    for one, other in itertools.permutations(sizes, 2):
        if isinstance(more := other - one, int):
            yield from (one + more * rest for rest in odd)
