"""Phrases for sizes that depend on each other through equations and comparisons.

Every function returns a phrase that is proved to equal the formula, or ``None``. The argument
``describe`` is the function that describes the formula that remains.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace

from archlint.contracts.region import in_box
from archlint.engine.describe.equivalence import Prover
from archlint.engine.describe.phrase_builder import Fact, Joined, Phrase, effort, every, text
from archlint.engine.describe.restrict import restrict, simplified
from archlint.symbolic import Expr, Size, polynomial, symbol
from archlint.symbolic.formula import (
    Bool,
    Comparison,
    Formula,
    comparisons,
    conj,
    eq,
    ge,
    map_comparisons,
    negate,
)
from archlint.symbolic.intervals import Box

Describe = Callable[[Prover, Bool], "Phrase | None"]
TERM = "_term"  # a size that stands for a term of several


def equation(prover: Prover, formula: Formula, describe: Describe) -> Phrase | None:
    """``H == W+3 and …``: in what remains, one size is replaced by what it equals."""
    names = prover.symbols_of(formula)
    pairs = [eq(symbol(a), symbol(b)) for a, b in itertools.combinations(names, 2)]
    for comparison in dict.fromkeys((*pairs, *comparisons(formula))):
        solved = _solved(comparison, names)
        if solved is None or not prover.within(formula, comparison):
            continue
        name, value = solved
        inside = in_box(Box({name: prover.box.ranges[name]}))
        rest = simplified(restrict(conj(formula, inside), {name: value}), prover.box)
        inner = describe(prover, rest)
        if inner is None:
            return None
        parts = inner.parts if isinstance(inner, Joined) and inner.word == "and" else (inner,)
        needed = [p for p in parts if not prover.within(comparison, p.formula)]
        whole = every(Fact(str(comparison), "", comparison), *needed)
        return whole if prover.same(whole.formula, formula) else None
    return None


def _solved(comparison: Bool, names: Iterable[str]) -> tuple[str, Size] | None:
    """``name, value`` if this is an equation that defines one size by the others."""
    if not isinstance(comparison, Comparison) or comparison.op != "==":
        return None
    if len(comparison.expr.symbols()) < 2:
        return None
    for name in reversed(list(names)):
        own = symbol(name)
        for monomial, coef in comparison.expr.terms:
            if polynomial(0, ((monomial, 1),)) is own and abs(coef) == 1:
                value = own - comparison.expr * coef
                if isinstance(value, int) or name not in value.symbols():
                    return name, value
    return None


def one_term(prover: Prover, formula: Formula, describe: Describe) -> Phrase | None:
    """If several sizes occur in one term only: the values of that term, and other conditions."""
    terms = {_term(c.expr) for c in comparisons(formula) if len(c.expr.symbols()) > 1}
    if len(terms) != 1:
        return None
    term = terms.pop()
    low, high = prover.box.interval(term)
    if low is None:
        return None

    def shorten(c: Comparison) -> Bool:
        if len(c.expr.symbols()) < 2:
            return c
        rest = symbol(TERM) if _term(c.expr) - c.expr == -c.expr.const else -symbol(TERM)
        if c.op == ">=":
            return ge(rest + c.expr.const, 0)
        equal = eq(rest + c.expr.const, 0)
        return equal if c.op == "==" else negate(equal)

    short = simplified(
        map_comparisons(formula, shorten), Box({**prover.box.ranges, TERM: (low, high)})
    )
    names = [*prover.names, TERM]
    inner = Prover(names, Box({**prover.box.ranges, TERM: (low, high)}), prover.deadline)
    words = describe(inner, short)
    return None if words is None else _put(words, term)


def _term(expr: Expr) -> Expr:
    """The expression without its constant and sign."""
    plain = expr - expr.const
    assert isinstance(plain, Expr)
    return plain if plain.terms[0][1] > 0 else -plain


def _put(phrase: Phrase, term: Expr) -> Phrase:
    """The phrase with the term where :data:`TERM` stands."""
    if isinstance(phrase, Joined):
        parts = [_put(p, term) for p in phrase.parts]
        if phrase.word == "or":
            parts.sort(key=lambda p: effort(text(p)))
        return replace(phrase, parts=tuple(parts))
    written = str(term) if phrase.subject == TERM else f"({term})"
    formula = restrict(phrase.formula, {TERM: term})
    return Fact(phrase.subject.replace(TERM, written), phrase.tail, formula)


def all_comparisons(prover: Prover, formula: Formula, describe: Describe) -> Phrase | None:
    """The comparisons that hold for all members, if together they are the whole formula."""
    kept = [c for c in dict.fromkeys(comparisons(formula)) if prover.within(formula, c)]
    if not kept or not prover.within(conj(*kept), formula):
        return None
    for c in sorted(kept, key=lambda c: (len(c.expr.symbols()), len(str(c))), reverse=True):
        others = [k for k in kept if k is not c]
        if others and prover.within(conj(*others), c):
            kept = others
    alone = []
    for name in prover.names:
        own = conj(*(c for c in kept if c.expr.symbols() == {name}))
        words = describe(prover, own)
        if words is None:
            return None
        alone.append(words)
    joint = [c for c in kept if len(c.expr.symbols()) > 1]
    return every(*alone, *(Fact(str(c), "", c) for c in joint))


def pins_a_term(phrase: Phrase) -> bool:
    """Whether it lists the values of a term of several sizes; a union may be clearer."""
    if isinstance(phrase, Joined):
        return any(map(pins_a_term, phrase.parts))
    assert isinstance(phrase.formula, Formula)
    several = len(phrase.formula.symbols()) > 1
    return several and any(w in text(phrase) for w in (" == ", " in "))
