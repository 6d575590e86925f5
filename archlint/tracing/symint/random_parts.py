"""Whole numbers that are computed from a random fraction, as in ``int(random.random() * n)``.

The fraction is a multiple ``k`` of ``1 / DENOMINATOR``, with an unknown ``k``. The rounded number
has bounds of its own, tighter than those of a quotient with such a denominator.
"""

from __future__ import annotations

from archlint.symbolic import Size, exact_quotient, substitute
from archlint.symbolic.formula import conj, ge
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.symbolic.rational import Ratio
from archlint.tracing.symint.numbers import SizePath

DENOMINATOR = 1 << 53
"""``random.random()`` is a multiple of its reciprocal, from 0 to 1, without 1."""

Parts = tuple[Size, Size]
"""``n`` and ``c`` of ``n * fraction + c``."""


def parts_of(ratio: Ratio) -> Parts | None:
    """A ratio as a multiple of one random fraction plus a size; ``None`` if it is none."""
    unknowns = unknowns_in(ratio.num)
    if ratio.den != DENOMINATOR or len(unknowns) != 1 or unknowns[0].most != (DENOMINATOR - 1,):
        return None
    at = [substitute(ratio.num, {unknowns[0].name: k}) for k in (0, 1, 2)]
    if at[2] - at[1] != at[1] - at[0]:
        return None
    constant = exact_quotient(at[0], DENOMINATOR)
    return None if constant is None else (at[1] - at[0], constant)


def floor(path: SizePath, parts: Parts) -> Size | None:
    """The largest size that is not above the number; ``None`` where the factor is negative."""
    factor, constant = parts
    if not path.branch(ge(factor, 0)):
        return None
    if not path.branch(ge(factor, 1)):
        return constant
    return path.unknown("random.random", constant, constant + factor - 1)


def trunc(path: SizePath, parts: Parts) -> Size | None:
    """The number without its fraction; ``None`` where its sign depends on the draw."""
    factor, constant = parts
    if constant == 0 and not path.branch(ge(factor, 0)):
        whole = floor(path, (-factor, 0))
        return None if whole is None else -whole
    if path.branch(conj(ge(factor, 0), ge(constant, 0))):
        return floor(path, parts)
    return None
