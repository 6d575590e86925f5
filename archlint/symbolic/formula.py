"""Comparisons between sizes, combined with ``and``, ``or`` and ``not``.

A *formula* is a Python ``bool`` or a :class:`Formula`. The constructors (:func:`ge`, :func:`eq`,
:func:`conj`, …) normalise: a comparison is always against zero, thresholds are pulled out of floor
divisions (``(H-1)//32 >= 6`` becomes ``H-193 >= 0``), and a formula becomes ``True`` or ``False``
where its normal form shows that the sizes do not matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Union

from archlint.symbolic import (
    Expr,
    FloorDiv,
    Size,
    StepFunction,
    cached,
    factor_text,
    polynomial,
    printed_terms,
    substitute,
    sum_text,
)
from archlint.symbolic.factoring import Product, products_with_rest

Bool = Union[bool, "Formula"]


class Formula:
    """A statement about sizes. Interned: equal formulas are one object."""

    __slots__ = ()

    def evaluate(self, env: Mapping[str, int]) -> bool:
        """Whether it holds at concrete sizes. ``KeyError`` for a symbol that ``env`` lacks."""
        raise NotImplementedError

    def symbols(self) -> frozenset[str]:
        """The names of the symbols in its comparisons."""
        return frozenset().union(*(c.expr.symbols() for c in comparisons(self)))

    def __bool__(self) -> bool:
        raise TypeError(
            f"whether {self} holds depends on the input; use conj or disj of archlint.extend"
        )

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
    """``and`` or ``or`` (``op``) of two or more formulas."""

    __slots__ = ("args", "op")
    op: str
    args: tuple[Formula, ...]

    def evaluate(self, env: Mapping[str, int]) -> bool:
        """The truth at concrete sizes.

        A part may divide by 0 where another says that the part does not matter. Raises
        ``ZeroDivisionError`` where none does.
        """
        decides, undefined = self.op == "or", None
        for part in self.args:
            try:
                if part.evaluate(env) is decides:
                    return decides
            except ZeroDivisionError as error:
                undefined = error
        if undefined is not None:
            raise undefined
        return not decides

    def __repr__(self) -> str:
        return f" {self.op} ".join(
            f"({a})" if isinstance(a, Junction) else str(a) for a in self.args
        )

    def __reduce__(self) -> tuple[object, ...]:
        return (conj if self.op == "and" else disj), self.args


_FORMULAS: dict[object, Formula] = {}


def _compare(op: str, expr: Expr) -> Comparison:
    key = (op, expr)
    formula = _FORMULAS.get(key)
    if formula is None:
        formula = object.__new__(Comparison)
        formula.op = op
        formula.expr = expr
        formula = _FORMULAS.setdefault(key, formula)
    return formula  # type: ignore[return-value]


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
        if len(monomial) == 1 and isinstance(atom, StepFunction):
            if coef > 0:  # f(n) >= q  iff  n >= the first argument with this result
                first = atom.first(-diff.const)
                return True if first is None else ge(atom.arg, first)
            first = atom.first(diff.const + 1)
            return False if first is None else gt(first, atom.arg)
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
        if len(monomial) == 1 and isinstance(atom, StepFunction):
            return conj(ge(diff, 0), le(diff, 0))
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


def _junction(op: str, formulas: Iterable[Bool]) -> Bool:
    absorbing = op == "or"  # one such part makes the junction equal to it
    parts: dict[Formula, None] = {}  # without duplicates, in order
    for f in formulas:
        if isinstance(f, bool):
            if f is absorbing:
                return absorbing
        elif isinstance(f, Junction) and f.op == op:
            parts.update(dict.fromkeys(f.args))
        else:
            parts[f] = None
    if not parts:
        return not absorbing
    if len(parts) == 1:
        return next(iter(parts))
    for f in parts:
        if isinstance(f, Comparison) and negate(f) in parts:
            return absorbing
    merged = _merge_adjacent(op, parts)
    if merged is not None:
        return _junction(op, merged)
    args = tuple(parts)
    key = (op, args)
    junction = _FORMULAS.get(key)
    if junction is None:
        junction = object.__new__(Junction)
        junction.op = op
        junction.args = args
        junction = _FORMULAS.setdefault(key, junction)
    return junction


def _merge_adjacent(op: str, parts: Mapping[Formula, None]) -> list[Bool] | None:
    """Merge ``x > 1 or x == 1`` to ``x >= 1``, ``x >= 1 and x <= 1`` to ``x == 1`` and so on.

    ``None`` if there is no such pair among the parts.
    """
    for f in parts:
        if isinstance(f, Comparison) and f.op == ">=":
            other = ge(-f.expr, 0) if op == "and" else ge(-f.expr - 2, 0)
            if other in parts:
                both = eq(f.expr, 0) if op == "and" else ne(f.expr, -1)
                return [both if p is f else p for p in parts if p is not other]
        if isinstance(f, Comparison) and f.op == ("==" if op == "or" else "!="):
            for expr in (f.expr, -f.expr):
                above, at_least = ge(expr, 1), ge(expr, 0)
                bound, merged = (above, at_least) if op == "or" else (at_least, above)
                if bound in parts:
                    return [merged if p is bound else p for p in parts if p is not f]
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
    return _junction("or" if formula.op == "and" else "and", map(negate, formula.args))


def holds(formula: Bool, env: Mapping[str, int]) -> bool:
    """The truth of a formula at concrete sizes."""
    return formula if isinstance(formula, bool) else formula.evaluate(env)


def known_truth(formula: Bool, known: Callable[[Formula], bool | None]) -> bool | None:
    """The truth of a formula in three-valued logic; ``None`` if it is not known.

    ``known`` gives the truth of a comparison or junction, or ``None``.
    """
    if isinstance(formula, bool):
        return formula
    truth = known(formula)
    if truth is not None or not isinstance(formula, Junction):
        return truth
    absorbing = formula.op == "or"
    unclear = False
    for part in formula.args:
        truth = known_truth(part, known)
        if truth is absorbing:
            return absorbing
        unclear = unclear or truth is None
    return None if unclear else not absorbing


def simplify(formula: Bool, known: Callable[[Formula], bool | None]) -> Bool:
    """The formula with the parts replaced whose truth ``known`` gives (``None`` for others)."""
    if isinstance(formula, bool):
        return formula
    truth = known(formula)
    if truth is not None or not isinstance(formula, Junction):
        return formula if truth is None else truth
    return _junction(formula.op, (simplify(part, known) for part in formula.args))


def map_comparisons(formula: Bool, change: Callable[[Comparison], Bool]) -> Bool:
    """The formula with every comparison replaced by ``change(comparison)``, called once each."""
    return _mapped(formula, change, {})


def _mapped(
    formula: Bool, change: Callable[[Comparison], Bool], results: dict[Formula, Bool]
) -> Bool:
    if isinstance(formula, bool):
        return formula
    result = results.get(formula)
    if result is None:
        if isinstance(formula, Junction):
            parts = [_mapped(part, change, results) for part in formula.args]
            result = (conj if formula.op == "and" else disj)(*parts)
        else:
            assert isinstance(formula, Comparison)
            result = change(formula)
        results[formula] = result
    return result


def comparisons(formula: Bool) -> Iterator[Comparison]:
    """Every comparison in the formula, as often as it occurs."""
    if isinstance(formula, Comparison):
        yield formula
    elif isinstance(formula, Junction):
        for arg in formula.args:
            yield from comparisons(arg)


def substitute_formula(formula: Bool, values: Mapping[str, Size]) -> Bool:
    """The formula with symbols replaced by ``values``; other symbols stay."""
    if isinstance(formula, bool):
        return formula
    if isinstance(formula, Comparison):
        return compare_to_zero(formula.op, substitute(formula.expr, values))
    assert isinstance(formula, Junction)
    return _junction(formula.op, (substitute_formula(a, values) for a in formula.args))


def _sides(comparison: Comparison) -> tuple[str, str, str]:
    """Left side, right side and operator as text: ``H-32 >= 0`` is ``H >= 32``.

    Negative terms go to the right. A product of sums is printed as one where that is shorter.
    """
    sides = _sides_of_sums(comparison)
    if all(len(monomial) < 2 for monomial, _ in comparison.expr.terms):
        return sides
    products = (_sides_of_product(comparison.op, p) for p in products_with_rest(comparison.expr))
    return min((*products, sides), key=lambda s: sum(map(len, s)))


def _sides_of_sums(comparison: Comparison) -> tuple[str, str, str]:
    terms, const = printed_terms(comparison.expr)
    left = [t for t in terms if t.coef > 0]
    right = [t._replace(coef=-t.coef) for t in terms if t.coef < 0]
    op = comparison.op
    if not left:
        left, right, const = right, left, -const
        op = {">=": "<="}.get(op, op)
    if right and op == ">=" and const == -1:
        return sum_text(left, 0), sum_text(right, 0), ">"
    return sum_text(left, 0), sum_text(right, -const), op


def _sides_of_product(op: str, product: Product) -> tuple[str, str, str]:
    number, rest = product.number, product.rest
    if number < 0:
        number, rest = -number, -rest
        op = {">=": "<="}.get(op, op)
    ordered = sorted(product.factors, key=lambda f: (len(f.terms) > 1 or f.const != 0, str(f)))
    text = "*".join(map(factor_text, ordered))
    return f"{number}*{text}" if number > 1 else text, str(-rest), op
