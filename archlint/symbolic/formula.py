"""Comparisons between sizes, and what ``and``, ``or`` and ``not`` make of them.

A *formula* is a Python ``bool`` or a :class:`Formula`. The constructors (:func:`ge`, :func:`eq`,
:func:`conj`, …) normalise: a comparison is always against zero, thresholds are pulled out of floor
divisions (``(H-1)//32 >= 6`` becomes ``H-193 >= 0``), and whatever is decided without knowing the
sizes becomes ``True`` or ``False`` at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Union

from archlint.symbolic import (
    Expr,
    FloorDiv,
    Size,
    cached,
    polynomial,
    printed_terms,
    substitute,
    sum_text,
)

Bool = Union[bool, "Formula"]


class Formula:
    """A statement about sizes. Interned: equal formulas are one object."""

    __slots__ = ()

    def evaluate(self, env: Mapping[str, int]) -> bool:
        """Whether it holds at concrete sizes."""
        raise NotImplementedError

    def symbols(self) -> frozenset[str]:
        """The names of the sizes it speaks of."""
        return frozenset().union(*(c.expr.symbols() for c in comparisons(self)))

    def __bool__(self) -> bool:
        raise TypeError(f"whether {self} holds depends on the input; use formula.conj / disj")

    def __copy__(self) -> Formula:
        return self

    def __deepcopy__(self, memo: object) -> Formula:
        return self


class Comparison(Formula):
    """``expr >= 0``, ``expr == 0`` or ``expr != 0``."""

    __slots__ = ("expr", "op")
    expr: Expr
    op: str

    def evaluate(self, env: Mapping[str, int]) -> bool:
        value = self.expr.evaluate(env)
        return value >= 0 if self.op == ">=" else (value == 0) == (self.op == "==")

    def __repr__(self) -> str:
        left, right, op = _sides(self)
        return f"{left} {op} {right}"

    def __reduce__(self) -> tuple[object, ...]:
        return _compare, (self.op, self.expr)


class Junction(Formula):
    """``and`` or ``or`` of two or more formulas."""

    __slots__ = ("args", "word")
    word: str
    args: tuple[Formula, ...]

    def evaluate(self, env: Mapping[str, int]) -> bool:
        every = all if self.word == "and" else any
        return every(a.evaluate(env) for a in self.args)

    def __repr__(self) -> str:
        return f" {self.word} ".join(
            f"({a})" if isinstance(a, Junction) else str(a) for a in self.args
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (conj if self.word == "and" else disj), self.args


_FORMULAS: dict[object, Formula] = {}


def _compare(op: str, expr: Expr) -> Comparison:
    key = (op, expr)
    found = _FORMULAS.get(key)
    if found is None:
        found = object.__new__(Comparison)
        found.op = op
        found.expr = expr
        found = _FORMULAS.setdefault(key, found)
    return found  # type: ignore[return-value]


@cached
def ge(left: Size, right: Size) -> Bool:
    """``left >= right``."""
    diff = left - right
    if isinstance(diff, int):
        return diff >= 0
    common = math.gcd(*(c for _, c in diff.terms))
    if common > 1:
        terms = tuple((m, c // common) for m, c in diff.terms)
        diff = polynomial(diff.const // common, terms)
    if len(diff.terms) == 1:
        (monomial, coef) = diff.terms[0]
        atom = monomial[0]
        if len(monomial) == 1 and isinstance(atom, FloorDiv) and isinstance(atom.den, int):
            if coef > 0:  # num//den >= q  iff  num >= q*den
                return ge(atom.num, -diff.const * atom.den)
            return ge(diff.const * atom.den + atom.den - 1, atom.num)
    return _compare(">=", diff)


def gt(left: Size, right: Size) -> Bool:
    """``left > right``."""
    return ge(left, right + 1)


def le(left: Size, right: Size) -> Bool:
    """``left <= right``."""
    return ge(right, left)


def lt(left: Size, right: Size) -> Bool:
    """``left < right``."""
    return ge(right, left + 1)


@cached
def eq(left: Size, right: Size) -> Bool:
    """``left == right``."""
    diff = left - right
    if isinstance(diff, int):
        return diff == 0
    common = math.gcd(*(c for _, c in diff.terms))
    if diff.const % common:
        return False
    if diff.terms[0][1] < 0:
        common = -common
    if common != 1:
        diff = polynomial(diff.const // common, tuple((m, c // common) for m, c in diff.terms))
    if len(diff.terms) == 1:
        (monomial, _) = diff.terms[0]
        atom = monomial[0]
        if len(monomial) == 1 and isinstance(atom, FloorDiv) and isinstance(atom.den, int):
            low = -diff.const * atom.den
            return conj(ge(atom.num, low), le(atom.num, low + atom.den - 1))
    return _compare("==", diff)


def ne(left: Size, right: Size) -> Bool:
    """``left != right``."""
    return negate(eq(left, right))


def compare_to_zero(op: str, size: Size) -> Bool:
    """``size >= 0``, ``size == 0`` or ``size != 0``; ``op`` as in a :class:`Comparison`."""
    return {">=": ge, "==": eq, "!=": ne}[op](size, 0)


def conj(*formulas: Bool) -> Bool:
    """All of them; ``True`` for none."""
    return _junction("and", formulas)


def disj(*formulas: Bool) -> Bool:
    """At least one of them; ``False`` for none."""
    return _junction("or", formulas)


def _junction(word: str, formulas: Iterable[Bool]) -> Bool:
    decisive = word == "or"
    kept: dict[Formula, None] = {}
    for f in formulas:
        if isinstance(f, bool):
            if f is decisive:
                return decisive
        elif isinstance(f, Junction) and f.word == word:
            kept.update(dict.fromkeys(f.args))
        else:
            kept[f] = None
    if not kept:
        return not decisive
    if len(kept) == 1:
        return next(iter(kept))
    for f in kept:
        if isinstance(f, Comparison) and negate(f) in kept:
            return decisive
    joined = _touching(word, kept)
    if joined is not None:
        return _junction(word, joined)
    args = tuple(kept)
    key = (word, args)
    found = _FORMULAS.get(key)
    if found is None:
        found = object.__new__(Junction)
        found.word = word
        found.args = args
        found = _FORMULAS.setdefault(key, found)
    return found


def _touching(word: str, parts: Mapping[Formula, None]) -> list[Bool] | None:
    """``x > 1 or x == 1`` as ``x >= 1``, ``x >= 1 and x != 1`` as ``x > 1``; ``None`` without."""
    for f in parts:
        if isinstance(f, Comparison) and f.op == ("==" if word == "or" else "!="):
            for expr in (f.expr, -f.expr):
                above, from_it = ge(expr, 1), ge(expr, 0)
                have, whole = (above, from_it) if word == "or" else (from_it, above)
                if have in parts:
                    return [whole if p is have else p for p in parts if p is not f]
    return None


@cached
def negate(formula: Bool) -> Bool:
    """The opposite, with ``not`` pushed down to the comparisons."""
    if isinstance(formula, bool):
        return not formula
    if isinstance(formula, Comparison):
        if formula.op == ">=":
            return ge(-formula.expr, 1)
        return _compare("!=" if formula.op == "==" else "==", formula.expr)
    assert isinstance(formula, Junction)
    return _junction("or" if formula.word == "and" else "and", map(negate, formula.args))


def implies(premise: Bool, conclusion: Bool) -> Bool:
    """``conclusion`` wherever ``premise`` holds."""
    return disj(negate(premise), conclusion)


def holds(formula: Bool, env: Mapping[str, int]) -> bool:
    """The truth of a formula at concrete sizes."""
    return formula if isinstance(formula, bool) else formula.evaluate(env)


def known_truth(formula: Bool, known: Callable[[Formula], bool | None]) -> bool | None:
    """The truth of a formula of which ``known`` tells some parts; ``None`` if they say nothing."""
    if isinstance(formula, bool):
        return formula
    found = known(formula)
    if found is not None or not isinstance(formula, Junction):
        return found
    decisive = formula.word == "or"
    unclear = False
    for part in formula.args:
        found = known_truth(part, known)
        if found is decisive:
            return decisive
        unclear = unclear or found is None
    return None if unclear else not decisive


def simplify(formula: Bool, known: Callable[[Formula], bool | None]) -> Bool:
    """The formula without the parts that ``known`` tells."""
    if isinstance(formula, bool):
        return formula
    found = known(formula)
    if found is not None or not isinstance(formula, Junction):
        return formula if found is None else found
    return _junction(formula.word, (simplify(part, known) for part in formula.args))


def map_comparisons(formula: Bool, change: Callable[[Comparison], Bool]) -> Bool:
    """The formula with every comparison changed; each is asked for once."""
    known: dict[Formula, Bool] = {}

    def walk(part: Bool) -> Bool:
        if isinstance(part, bool):
            return part
        found = known.get(part)
        if found is None:
            if isinstance(part, Junction):
                found = (conj if part.word == "and" else disj)(*map(walk, part.args))
            else:
                assert isinstance(part, Comparison)
                found = change(part)
            known[part] = found
        return found

    return walk(formula)


def comparisons(formula: Bool) -> Iterator[Comparison]:
    """Every comparison in the formula."""
    if isinstance(formula, Comparison):
        yield formula
    elif isinstance(formula, Junction):
        for arg in formula.args:
            yield from comparisons(arg)


def substitute_formula(formula: Bool, values: Mapping[str, Size]) -> Bool:
    """The formula with symbols replaced by sizes, in normal form again."""
    if isinstance(formula, bool):
        return formula
    if isinstance(formula, Comparison):
        return compare_to_zero(formula.op, substitute(formula.expr, values))
    assert isinstance(formula, Junction)
    return _junction(formula.word, (substitute_formula(a, values) for a in formula.args))


def _sides(comparison: Comparison) -> tuple[str, str, str]:
    """``H-32 >= 0`` as a person writes it: ``H >= 32``; negative terms go to the right."""
    parts, const = printed_terms(comparison.expr)
    left = [p for p in parts if p.coef > 0]
    right = [p._replace(coef=-p.coef) for p in parts if p.coef < 0]
    op = comparison.op
    if not left:
        left, right, const = right, left, -const
        op = {">=": "<="}.get(op, op)
    if right and op == ">=" and const == -1:
        return sum_text(left, 0), sum_text(right, 0), ">"
    return sum_text(left, 0), sum_text(right, -const), op
