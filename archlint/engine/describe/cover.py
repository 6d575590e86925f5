"""A set of several sizes as a union of products: ``H, W in 1..4 or H, W in 221..224``."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

from archlint.engine.describe.equivalence import Point, Prover
from archlint.engine.describe.guess import Stretch, true_at, worded
from archlint.engine.describe.phrase_builder import Phrase, effort, either, every, ranged, text
from archlint.symbolic.formula import Bool, Formula, conj, negate

MAX_PIECES = 12


class _Block(NamedTuple):
    """A product of sets, with its smallest member."""

    phrase: Phrase
    corner: tuple[int, ...]
    outside: Phrase  # all other sizes


def cover(prover: Prover, formula: Formula) -> Phrase | None:
    """The union of at most :data:`MAX_PIECES` products that equals the formula, if there is one.

    Otherwise the complement of such a union: ``H != 224 or W != 224``.
    """
    names = prover.symbols_of(formula)
    lows = {n: prover.low[n] for n in names}
    best: Phrase | None = None
    for whole in (True, False):
        blocks = _blocks(prover, formula, names, whole)
        if blocks is not None:
            blocks.sort(key=lambda b: _order(b, names))
            phrase = ranged(either(*(b.phrase for b in blocks)), lows)
            if best is None or effort(text(phrase)) < effort(text(best)):
                best = phrase
        if best is not None and " or " not in "".join(p for p in text(best).split("(")[1:]):
            break
    if best is None:
        refused = negate(formula)
        assert isinstance(refused, Formula)
        blocks = _blocks(prover, refused, names, True)
        if blocks is not None:
            blocks.sort(key=lambda b: _order(b, names))
            return every(*(b.outside for b in blocks))
    return best


def _order(block: _Block, names: list[str]) -> tuple[object, ...]:
    """Short ones first, then by the sizes that they contain, then by their smallest member."""
    formula = block.phrase.formula
    symbols = () if isinstance(formula, bool) else formula.symbols()
    absent = tuple(n not in symbols for n in names)
    return effort(text(block.phrase)), absent, sum(block.corner), block.corner


def _blocks(prover: Prover, formula: Formula, names: list[str], whole: bool) -> list[_Block] | None:
    blocks: list[_Block] = []
    left: Bool = formula
    while True:
        members = [p for p in prover.samples if true_at(left, p)]
        start = (
            min(members, key=lambda p: (sum(p.values()), *p.values()))
            if members
            else prover.find(left)
        )
        if start is None:
            break
        block = None if len(blocks) == MAX_PIECES else _block(prover, formula, left, start, whole)
        if block is None:
            return None
        blocks.append(block)
        left = conj(left, negate(block.phrase.formula))
    for block in blocks[:-1]:
        others = either(*(b.phrase for b in blocks if b is not block))
        if prover.within(block.phrase.formula, others.formula):
            blocks.remove(block)
    return blocks


def _block(
    prover: Prover, formula: Formula, left: Bool, start: Point, whole: bool
) -> _Block | None:
    """A product inside ``formula`` with a member in ``left``.

    ``whole``: made of all members on the lines through a member, not only of the stretch around it.
    """
    names = prover.symbols_of(formula)
    for point in _corners(prover, left, start, names):
        phrases, corner, outside = [], [], []
        for name in names:
            line = prover.line(formula, point, name)
            if line is None:
                return None
            if not whole:
                line = [
                    p if p.surrounds(point[name]) else Stretch(p.low, p.high, 1, frozenset())
                    for p in line
                ]
            phrases.append(worded(line, name))
            outside.append(worded([_opposite(p) for p in line], name))
            corner.append(next((f for p in line if (f := p.first()) is not None), 0))
        block = every(*phrases)
        if prover.within(block.formula, formula):
            return _Block(block, tuple(corner), either(*outside))
    return None


def _opposite(part: Stretch) -> Stretch:
    return part._replace(residues=frozenset(range(part.modulus)) - part.residues)


def _corners(prover: Prover, left: Bool, start: Point, names: list[str]) -> Iterator[Point]:
    """Members of ``left`` at the ends of the lines through them, the smallest ones first."""
    done: list[Point] = []
    for upwards, order in itertools.product((False, True), (names, names[::-1])):
        point = start
        for name in order * 2:
            line = [p for p in prover.line(left, point, name) or () if p.first() is not None]
            if not line:
                continue
            end = line[-1].last() if upwards else line[0].first()
            if end is None:  # no largest: a large one
                end = line[-1].following(2 * (line[-1].low + line[-1].modulus))
            if end is not None:
                point = {**point, name: end}
        if point not in done:
            done.append(point)
            yield point
