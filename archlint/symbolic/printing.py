"""A size as a person writes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from archlint.symbolic.arithmetic import collected
from archlint.symbolic.atom import FloorDiv, Monomial, Size, as_factor, tight
from archlint.symbolic.division import without
from archlint.symbolic.expr import Expr


def printed(expr: Expr) -> str:
    """The expression as it is printed."""
    return written(*pieces(expr))


class Piece(NamedTuple):
    """A printed term: its coefficient, its text as a factor, and its text when it stands alone."""

    coef: int
    factor: str
    alone: str


def pieces(expr: Expr) -> tuple[list[Piece], int]:
    """The terms and the constant as a person writes them.

    What belongs together is put together: ``c*x - c*k*(x//k)`` is ``c`` times ``x % k``.
    """
    terms = dict(expr.terms)
    const = expr.const
    remainders: list[Piece] = []
    for monomial, _ in expr.terms:
        for atom in monomial:
            if isinstance(atom, FloorDiv) and monomial in terms:
                found = _take_remainder(terms, monomial, atom)
                if found is not None:
                    remainders.append(found[0])
                    const -= found[1]
    return [_piece(m, c) for m, c in terms.items() if c] + remainders, const


def written(parts: Iterable[Piece], const: int) -> str:
    """The sum of printed terms and a constant."""
    ordered = sorted(parts, key=lambda p: p.coef < 0)
    single = len(ordered) == 1 and not const
    out = ""
    for coef, factor, alone in ordered:
        if coef == 1 and (single or " % " not in alone):
            out += f"+{alone}"
        else:
            times = "" if abs(coef) == 1 else f"{abs(coef)}*"
            out += f"{'-' if coef < 0 else '+'}{times}{factor}"
    if const or not out:
        out += f"{const:+d}"
    return out.removeprefix("+")


def _take_remainder(
    terms: dict[Monomial, int], monomial: Monomial, atom: FloorDiv
) -> tuple[Piece, int] | None:
    """Take a multiple of ``atom.num % atom.den`` out of ``terms``, if it is in there.

    Also gives the constant that goes with it.
    """
    den: Monomial = ()
    den_coef = atom.den
    if isinstance(den_coef, Expr):
        if den_coef.const or len(den_coef.terms) != 1:
            return None
        (den, den_coef) = den_coef.terms[0]
    others = without(monomial, (atom, *den))
    if others is None or not atom.num.terms:
        return None
    times, odd = divmod(-terms[monomial], den_coef)
    if odd or not times:
        return None
    num: Size = atom.num
    text = f"{tight(num)} % {tight(atom.den)}"
    sign = 1
    if times < 0 and isinstance(atom.den, int) and atom.num.const == atom.den - 1:
        num = num - atom.num.const  # k*ceil(x/k) - x is (-x) % k
        text = f"{tight(-num)} % {atom.den}"
        sign = -1
    lifted = num * (collected(0, {others: times}) if others else times)
    assert isinstance(lifted, Expr)
    left = {m: terms.get(m, 0) - c for m, c in lifted.terms}
    if not all(abs(c) < abs(terms.get(m, 0)) for m, c in left.items()):
        return None
    terms.update(left)
    del terms[monomial]
    factor = "*".join([*map(as_factor, others), f"({text})"])
    return Piece(sign * times, factor, factor if others else text), lifted.const


def _piece(monomial: Monomial, coef: int) -> Piece:
    if len(monomial) == 1 and coef == 1:
        return Piece(coef, as_factor(monomial[0]), repr(monomial[0]))
    factors = []
    for atom in monomial:
        text = as_factor(atom)
        if coef < 0 and isinstance(atom, FloorDiv) and isinstance(atom.den, Expr):
            num = -atom.num
            if all(c > 0 for _, c in num.terms) and num.const >= 0:
                text = f"ceil({tight(num)}/{tight(atom.den)})"
                coef = -coef
        factors.append(text)
    text = "*".join(factors)
    return Piece(coef, text, text)
