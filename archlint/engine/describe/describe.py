"""Describes a set of sizes by the shortest phrase that is proved to equal it.

A closed form is guessed from where the formula is true (:mod:`.guess`); the solver then
proves that it equals the formula in the whole box, or names sizes where it does not, at which
later guesses are tried. From the simplest form to the last resort:

1. a set for each size by itself: ``H, W >= 32``;
2. independent sizes are separated; for the others
3. an equation between sizes, and what remains: ``H == W and H % 8 == 0``;
4. the values of one term: ``ceil(H/4)*ceil(W/4) in {1, 3136}``;
5. comparisons that all hold: ``H*W <= 1024 and H+W >= 8``;
6. a union of products (:mod:`.cover`): ``H, W in 1..4 or H, W in 221..224``;
7. the formula itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archlint.engine.describe.cover import cover
from archlint.engine.describe.equivalence import Point, Prover
from archlint.engine.describe.guess import worded
from archlint.engine.describe.phrase_builder import (
    ANY,
    NONE,
    Fact,
    Phrase,
    effort,
    either,
    every,
    text,
)
from archlint.engine.describe.relations import all_comparisons, equation, one_term, pins_a_term
from archlint.engine.describe.restrict import restrict, simplified
from archlint.runtime.effort_clock import now
from archlint.symbolic.formula import Bool, Comparison, Formula, Junction, conj, disj
from archlint.symbolic.intervals import Box
from archlint.symbolic.products import factored
from archlint.symbolic.solver.solver import Unsolved

MAX_TEXT = 4000  # characters; 61 ways to halve a size take 3,200
LONG = 100  # characters; a longer phrase is compared with others
MANY = 3  # cases of divisors; a product of sizes with as many is described as it is
SECONDS = 5.0  # for a shorter phrase than the formula; few need half of one
EASY = 12  # a relation between sizes of less effort is preferred to a union


@dataclass(frozen=True)
class Description:
    """A set of sizes as a phrase that can be used after ``accepts: only``.

    ``formula`` is the phrase as a formula. ``exact``: it is proved that this is the described set
    in the whole box, and the phrase is complete.
    """

    text: str
    formula: Bool
    exact: bool


def describe(
    names: Sequence[str], box: Box, accepted: Bool, *, solver_deadline: float
) -> Description:
    """The shortest exact phrase for ``accepted`` in ``box``.

    ``solver_deadline`` is a time of :mod:`.effort_clock`; if it passes before a shorter phrase is
    proved, the phrase is the formula itself.
    """
    solver_deadline = min(solver_deadline, now() + SECONDS)
    formula, whole = simplified(accepted, box), simplified(accepted, box, by_cases=False)
    phrase: Phrase | None = None
    if isinstance(formula, Formula):
        prover = _prover(names, formula, box, solver_deadline)
        of_whole = _prover(names, whole, box, solver_deadline)
        try:
            phrase = _divisible(of_whole, whole) or _phrase(prover, formula)
            phrase = phrase or _parts(prover, formula)
        except Unsolved:
            phrase = None
        if phrase is None or len(text(phrase)) > LONG:
            phrase = _shorter(phrase, _whole(of_whole, whole))
    if phrase is None:
        phrase = _raw(formula)
    words = text(phrase)
    if len(words) <= MAX_TEXT:
        return Description(words, phrase.formula, True)
    cut = words.rfind(" ", 0, MAX_TEXT // 4)
    return Description(f"{words[:cut]} … ({len(words)} characters)", phrase.formula, False)


def _prover(names: Sequence[str], formula: Bool, box: Box, deadline: float) -> Prover:
    symbols = formula.symbols() if isinstance(formula, Formula) else set()
    return Prover([n for n in names if n in symbols], box, deadline)


def _divisible(prover: Prover, formula: Bool) -> Phrase | None:
    """Products of sizes that a number divides, in many ways, beside sets of single sizes.

    They are no union of few boxes or grids, which would be long to look for.
    """
    parts = formula.args if isinstance(formula, Junction) and formula.op == "and" else (formula,)
    joint = [p for p in parts if isinstance(p, Formula) and len(p.symbols()) > 1]
    if not joint or not all(_has_many_divisors(p, prover.box) for p in joint):
        return None
    alone: dict[str, Bool] = {}
    for part in parts:
        if isinstance(part, Formula) and part not in joint:
            (name,) = part.symbols()
            alone[name] = conj(alone.get(name, True), part)
    phrases = [_phrase(prover, part) or _raw(part) for part in alone.values()]
    return every(*phrases, *map(_raw, joint))


def _has_many_divisors(formula: Formula, box: Box) -> bool:
    if not isinstance(formula, Comparison) or formula.op != "==":
        return False
    cases = factored(formula, box)
    return isinstance(cases, Junction) and cases.op == "or" and len(cases.args) >= MANY


def _whole(prover: Prover, formula: Bool) -> Phrase:
    """The parts of a formula in which no comparison is split into cases."""
    try:
        return _parts(prover, formula) if isinstance(formula, Formula) else _raw(formula)
    except Unsolved:
        return _raw(formula)


def _shorter(one: Phrase | None, other: Phrase | None) -> Phrase | None:
    return min(
        (p for p in (one, other) if p is not None), key=lambda p: effort(text(p)), default=None
    )


# Each of these returns a phrase that is proved to equal the formula, or None.


def _phrase(prover: Prover, formula: Bool) -> Phrase | None:
    """The best phrase for the formula."""
    if isinstance(formula, bool):
        return ANY if formula else NONE
    point = prover.member(formula)
    if point is None:
        return NONE
    factors = _factors(prover, formula, point)
    if len(factors) == len(prover.symbols_of(formula)):
        whole = every(*factors.values())
        if prover.same(whole.formula, formula):
            return whole
    if len(prover.symbols_of(formula)) < 2:
        return None
    prover.add_grid(formula, point)
    independent: list[Phrase] = []
    for name, factor in factors.items():
        rest = simplified(restrict(formula, {name: point[name]}), prover.box)
        if prover.same(conj(factor.formula, rest), formula):
            independent.append(factor)
            formula = rest
    if not independent:
        return _joint(prover, formula)
    inner = _phrase(prover, formula)
    return every(*independent, _raw(formula) if inner is None else inner)


def _factors(prover: Prover, formula: Formula, point: Point) -> dict[str, Phrase]:
    """For each size, the values that it can take while the others are as in ``point``."""
    factors = {}
    for name in prover.symbols_of(formula):
        line = prover.line(formula, point, name)
        if line is not None:
            factors[name] = worded(line, name)
    return factors


def _joint(prover: Prover, formula: Bool) -> Phrase | None:
    """A phrase for sizes that depend on each other."""
    assert isinstance(formula, Formula)
    equal = equation(prover, formula, _phrase)
    if equal is not None:
        return equal
    related = one_term(prover, formula, _phrase) or all_comparisons(prover, formula, _phrase)
    pinned = related is not None and pins_a_term(related)
    if related is not None and not pinned and effort(text(related)) < EASY:
        return related
    union = cover(prover, formula)
    if related is None or union is None:
        return related or union
    return union if pinned else min(union, related, key=lambda p: effort(text(p)))


def _parts(prover: Prover, formula: Formula) -> Phrase:
    """Each part of the formula in its best phrase, without parts that the others imply."""
    if not isinstance(formula, Junction):
        return _raw(formula)
    join, joined = (conj, every) if formula.op == "and" else (disj, either)
    kept = list(formula.args)
    for part in formula.args:
        others = join(*(k for k in kept if k is not part))
        inner, outer = (others, part) if formula.op == "and" else (part, others)
        if len(kept) > 1 and prover.within(inner, outer):
            kept.remove(part)
    phrases = [_shorter(_phrase(prover, part), _raw(part)) or _raw(part) for part in kept]
    return joined(*sorted(phrases, key=lambda p: effort(text(p))))


def _raw(formula: Bool) -> Phrase:
    """The formula as it is."""
    if isinstance(formula, bool):
        return ANY if formula else NONE
    if isinstance(formula, Junction):
        return (every if formula.op == "and" else either)(*map(_raw, formula.args))
    return Fact(str(formula), "", formula)
