"""Factors of polynomials given by their terms: ``H*W - 2*H - 2*W + 4`` is ``(H-2)*(W-2)``.

Factors that are sums are those that a linear atom or an integer root shows; a polynomial may have
others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from archlint.symbolic.atom import Atom, Monomial, atom_order, divide_monomial, shared_factors

Terms = Mapping[Monomial, int]
"""The coefficient of each monomial, none of them 0; that of the constant at ``()``."""

MAX_TERMS = 16
"""A longer polynomial is not factored."""

_MAX_ROOT = 4096


def common_factors(terms: Terms) -> tuple[Monomial, int]:
    """The atoms and the positive number that are factors of every term."""
    first, *others = terms
    for monomial in others:
        first = shared_factors(first, monomial)
    return first, math.gcd(*terms.values())


def split(terms: Terms) -> list[Terms]:
    """The factors of a polynomial whose terms have no factor in common."""
    if len(terms) < 2 or len(terms) > MAX_TERMS:
        return [terms]
    for divisor in _possible_divisors(terms):
        quotient = divided(terms, divisor)
        if quotient is not None:
            return [*split(divisor), *split(quotient)]
    return [terms]


def divided(terms: Terms, divisor: Terms) -> dict[Monomial, int] | None:
    """The quotient if the divisor divides the polynomial, else ``None``."""
    lead = min(divisor, key=term_order)
    rest, quotient = dict(terms), {}
    while rest:
        first = min(rest, key=term_order)
        factor = divide_monomial(first, lead)
        if factor is None or rest[first] % divisor[lead]:
            return None
        times = quotient[factor] = rest[first] // divisor[lead]
        for monomial, coef in divisor.items():
            key = tuple(sorted(factor + monomial, key=atom_order))
            left = rest.pop(key, 0) - times * coef
            if left:
                rest[key] = left
    return quotient


def term_order(monomial: Monomial) -> tuple[object, ...]:
    """The sort key of terms: by degree, so that multiplication respects the order."""
    return (-len(monomial), [a.order for a in monomial])


def degrees(terms: Terms) -> dict[Atom, int]:
    """The highest power of each atom that is in a product."""
    powers: dict[Atom, int] = {}
    for monomial in terms:
        for atom in monomial:
            powers[atom] = max(powers.get(atom, 0), monomial.count(atom))
    return powers


def coefficient(terms: Terms, atom: Atom) -> dict[Monomial, int]:
    """What an atom is multiplied with, if it occurs in no higher power."""
    parts = ((divide_monomial(m, (atom,)), c) for m, c in terms.items())
    return {m: c for m, c in parts if m is not None}


def _possible_divisors(terms: Terms) -> Iterator[Terms]:
    """Sums that may divide the polynomial: factors of an atom's coefficient, and linear ones."""
    const = abs(terms.get((), 0))
    for atom, degree in degrees(terms).items():
        if degree > 1 and const <= _MAX_ROOT:
            for root in range(1, const + 1):
                if const % root == 0:
                    yield from ({(atom,): 1, (): -root}, {(atom,): 1, (): root})
        if degree == 1:
            cofactor = coefficient(terms, atom)
            monomial, number = common_factors(cofactor)
            yield from (f for f in split(divided(cofactor, {monomial: number}) or {}) if len(f) > 1)
