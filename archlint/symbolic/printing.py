"""The text of a sum: remainders and ceilings as a person writes them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from archlint.symbolic.atom import (
    Atom,
    FloorDiv,
    Monomial,
    atom_order,
    divide_monomial,
    factor_text,
)
from archlint.symbolic.term_factors import Terms, common_factors, divided, split, term_order

if TYPE_CHECKING:
    from archlint.symbolic.expr import Expr


class PrintedTerm(NamedTuple):
    """A term as text: its coefficient, and the rest as a factor and as a term of its own."""

    coef: int
    factor: str
    alone: str


@lru_cache(maxsize=1 << 15)  # without it, each level of nested quotients would double the work
def expr_text(expr: Expr) -> str:
    """The text of an expression, such as ``2*(H % 7)+1``; as a product where that is shorter."""
    text = sum_text(*printed_terms(expr))
    if len(expr.terms) < 2 or all(len(monomial) < 2 for monomial, _ in expr.terms):
        return text
    product = _product_text({**dict(expr.terms), **({(): expr.const} if expr.const else {})})
    return product if len(product) < len(text) else text


def _product_text(terms: Terms) -> str:
    """The text of a polynomial as a product of a number, atoms and sums; the text may be longer."""
    monomial, number = common_factors(terms)
    factors = [atom.factor_text() for atom in monomial]
    parts = split(divided(terms, {monomial: number}) or {})
    for part in sorted(parts, key=lambda p: term_order(min(p, key=term_order))):
        if part[min(part, key=term_order)] < 0:
            part = {m: -c for m, c in part.items()}
            number = -number
        if part != {(): 1}:
            sums = {m: c for m, c in part.items() if m}
            text = sum_text(*_printed(sums, part.get((), 0)))
            factors.append(text if text.isalnum() else f"({text})")
    times = "" if abs(number) == 1 else f"{abs(number)}*"
    return f"{'-' if number < 0 else ''}{times}{'*'.join(factors)}"


def printed_terms(expr: Expr) -> tuple[list[PrintedTerm], int]:
    """The printed terms of an expression and its constant.

    Terms that form a remainder become one: ``c*x - c*k*(x//k)`` is printed as ``c*(x % k)``.
    """
    return _printed(dict(expr.terms), expr.const)


def _printed(terms: dict[Monomial, int], const: int) -> tuple[list[PrintedTerm], int]:
    remainders: list[PrintedTerm] = []
    for monomial in list(terms):
        for atom in monomial:
            if isinstance(atom, FloorDiv) and monomial in terms:
                extracted = _extract_remainder(terms, monomial, atom)
                if extracted is not None:
                    remainders.append(extracted[0])
                    const -= extracted[1]
    return [_printed_term(m, c) for m, c in terms.items() if c] + remainders, const


def sum_text(terms: Iterable[PrintedTerm], const: int) -> str:
    """The text of the sum of printed terms and a constant, positive terms first."""
    ordered = sorted(terms, key=lambda t: t.coef < 0)
    single = len(ordered) == 1 and not const
    text = ""
    for coef, factor, alone in ordered:
        if coef == 1 and (single or " % " not in alone):
            text += f"+{alone}"
        else:
            times = "" if abs(coef) == 1 else f"{abs(coef)}*"
            text += f"{'-' if coef < 0 else '+'}{times}{factor}"
    if const or not text:
        text += f"{const:+d}"
    return text.removeprefix("+")


def _extract_remainder(
    terms: dict[Monomial, int], monomial: Monomial, atom: FloorDiv
) -> tuple[PrintedTerm, int] | None:
    """Remove a multiple of ``atom.num % atom.den`` from ``terms``, if they contain one.

    The result is the printed remainder, and the constant that belongs to it.
    """
    den: Monomial = ()
    den_coef = atom.den
    if not isinstance(den_coef, int):
        if den_coef.const or len(den_coef.terms) != 1:
            return None
        (den, den_coef) = den_coef.terms[0]
    others = divide_monomial(monomial, (atom, *den))
    if others is None or not atom.num.terms:
        return None
    times, odd = divmod(-terms[monomial], den_coef)
    if odd or not times:
        return None
    num_const, num_terms = atom.num.const, atom.num.terms
    text = f"{factor_text(atom.num)} % {factor_text(atom.den)}"
    sign = 1
    if times < 0 and isinstance(atom.den, int) and num_const == atom.den - 1:
        num_const = 0  # k*ceil(x/k) - x is (-x) % k
        text = f"{factor_text(-(atom.num - atom.num.const))} % {atom.den}"
        sign = -1
    multiple = {_times(m, others): c * times for m, c in num_terms}
    if others and num_const:
        multiple[others] = num_const * times
    rest = {m: terms.get(m, 0) - c for m, c in multiple.items()}
    if not all(abs(c) < abs(terms.get(m, 0)) for m, c in rest.items()):
        return None
    terms.update(rest)
    del terms[monomial]
    factor = "*".join([*(a.factor_text() for a in others), f"({text})"])
    const = 0 if others else num_const * times
    return PrintedTerm(sign * times, factor, factor if others else text), const


def _times(monomial: Monomial, others: Monomial) -> Monomial:
    return tuple(sorted(monomial + others, key=atom_order)) if others else monomial


def _printed_term(monomial: Monomial, coef: int) -> PrintedTerm:
    (atom, *others) = monomial
    if not others and (coef == 1 or (coef == -1 and not _is_symbolic_quotient(atom))):
        return PrintedTerm(coef, atom.factor_text(), repr(atom))
    factors = []
    for atom in monomial:
        text = atom.factor_text()
        if coef < 0 and isinstance(atom, FloorDiv) and _is_symbolic_quotient(atom):
            num = -atom.num
            if all(c > 0 for _, c in num.terms) and num.const >= 0:
                text = f"ceil({factor_text(num)}/{factor_text(atom.den)})"
                coef = -coef
        factors.append(text)
    text = "*".join(factors)
    return PrintedTerm(coef, text, text)


def _is_symbolic_quotient(atom: Atom) -> bool:
    return isinstance(atom, FloorDiv) and not isinstance(atom.den, int)
