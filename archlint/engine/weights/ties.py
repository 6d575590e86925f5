"""Which weights have a size that the input's sizes determine.

A weight is *tied* if an operator requires one of its sizes to equal a formula of the input's sizes
(the ``in_features`` of a linear layer behind a flatten), or to be at least that (the rows of a
table of positions). All others serve any size: a convolution slides the same kernel over any image.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from archlint.engine.check_run import CheckRun
from archlint.engine.weights.symbolic_weights import Readings, WeightClaim, WeightClaims, claims_of
from archlint.runtime.effort_clock import passed
from archlint.symbolic import (
    Atom,
    Expr,
    FloorDiv,
    Max,
    Min,
    Size,
    Symbol,
    atoms,
    evaluate,
    exact_quotient,
    from_atom,
    substitute,
)
from archlint.symbolic.factoring import factors
from archlint.symbolic.formula import Comparison, Formula, comparisons, substitute_formula
from archlint.tracing.trace import Call

MOST_READINGS = 24
"""How many runs may try which written numbers stand for formulas."""


@dataclass(frozen=True)
class Tie:
    """``shape[dim]`` of the parameter or buffer ``name`` must be ``needed``, or at least that.

    ``claim`` requires it: :func:`reached` has the sizes that reach it.
    """

    name: str
    shape: tuple[int, ...]
    dim: int
    needed: Expr
    at_least: bool
    claim: WeightClaim = field(compare=False, repr=False)

    @property
    def call(self) -> Call:
        """The call that requires it."""
        return self.claim.call

    @property
    def number(self) -> int:
        """The size that the weight has."""
        return self.shape[self.dim]

    def at(self, env: Mapping[str, int]) -> tuple[int, ...]:
        """The shape that the weight would need at these sizes."""
        size = evaluate(self.needed, env)
        if self.at_least:
            size = max(size, self.number)
        return (*self.shape[: self.dim], size, *self.shape[self.dim + 1 :])


@dataclass(frozen=True)
class Pin:
    """As :class:`Tie`, on a path on which the size that is needed is the number ``needed``."""

    name: str
    shape: tuple[int, ...]
    dim: int
    needed: int
    claim: WeightClaim = field(compare=False, repr=False)


def weight_claims(run: CheckRun, point: Mapping[str, int]) -> WeightClaims:
    """The claims on the path of ``point`` with symbolic weights.

    Where a reshape has several numbers for what depends on the input's sizes, as in
    ``x.view(N, 4, 48)``, one of them stands for a formula: the one that ties the fewest weights.
    """
    readings: Readings = {}
    best = claims_of(run, point, readings)
    fewest, runs = _number_of_ties(best), 1
    for written, numbers in list(best.written.items()):
        for other in range(1, numbers):
            if not fewest or runs == MOST_READINGS or passed(run.deadline):
                return best
            tried = {**readings, written: other}
            claims, runs = claims_of(run, point, tried), runs + 1
            if _number_of_ties(claims) < fewest:
                best, fewest, readings = claims, _number_of_ties(claims), tried
    return best


def _number_of_ties(claims: WeightClaims) -> int:
    return sum(not tie.at_least for tie in ties(claims))


def ties(claims: WeightClaims) -> tuple[Tie, ...]:
    """The ties that the claims of a run show, in their order, one for each size of a weight.

    A size that must equal a tied one is tied as well.
    """
    found: dict[str, Tie] = {}
    equal: dict[str, dict[str, WeightClaim]] = {}
    for claim in claims.claims:
        for comparison in comparisons(claim.formula):
            named = comparison.expr.symbols()
            weights = named & claims.sizes.keys()
            if not weights or comparison.op == "!=":
                continue
            if weights == named:
                pair = _equal_pair(comparison)
                if pair is not None:
                    equal.setdefault(pair[0], {}).setdefault(pair[1], claim)
                    equal.setdefault(pair[1], {}).setdefault(pair[0], claim)
                continue
            for label, needed, at_least in _solutions(comparison, weights, claims):
                before = found.get(label)
                if before is None or (before.at_least and not at_least):
                    found[label] = _tie(label, needed, at_least, claim, claims)
    todo = list(found)
    while todo:
        tie = found[todo[-1]]
        for other, claim in equal.get(todo.pop(), {}).items():
            if other not in found:
                found[other] = _tie(other, tie.needed, tie.at_least, claim, claims)
                todo.append(other)
    return tuple(found.values())


def pins(claims: WeightClaims) -> tuple[Pin, ...]:
    """The sizes of weights that an operator requires to be a number."""
    found: dict[str, Pin] = {}
    for claim in claims.claims:
        formula = claim.formula
        if not isinstance(formula, Comparison) or formula.op != "==":
            continue
        symbols = tuple(formula.expr.symbols())
        if len(symbols) == 1 and symbols[0] in claims.sizes:
            needed = _solution(formula.expr, symbols[0])
            size = claims.sizes[symbols[0]]
            if isinstance(needed, int):
                pin = Pin(size.name, size.shape, size.dim, needed, claim)
                found.setdefault(symbols[0], pin)
    return tuple(found.values())


def reached(claim: WeightClaim, claims: WeightClaims) -> tuple[list[Formula], list[Formula]]:
    """The condition to reach a claim: the branches taken, and the bounds claimed before.

    The weights have the sizes that they have.
    """
    numbers: dict[str, Size] = {k: each.number for k, each in claims.sizes.items()}
    branches = [substitute_formula(b, numbers) for b in claims.branches[: claim.branches]]
    before = claims.claims[: claims.claims.index(claim)]
    bounds = [
        c.formula
        for c in before
        if c.call is not claim.call
        and all(b.op == ">=" and not b.expr.symbols() & claims.sizes.keys()
                for b in comparisons(c.formula))
    ]  # fmt: skip
    return [b for b in branches if isinstance(b, Formula)], bounds


def shape_formula(tie: Tie | Pin) -> str:
    """The shape as formulas of the input's sizes: ``10 x 8*(H//4)*(W//4)``."""
    sizes = (*tie.shape[: tie.dim], tie.needed, *tie.shape[tie.dim + 1 :])
    texts = (str(s).replace(" ", "") for s in sizes)
    return " x ".join(f"({t})" if "+" in t or "-" in t else t for t in texts)


def _tie(label: str, needed: Expr, at_least: bool, claim: WeightClaim, claims: WeightClaims) -> Tie:
    size = claims.sizes[label]
    return Tie(size.name, size.shape, size.dim, needed, at_least, claim)


def _equal_pair(comparison: Comparison) -> tuple[str, str] | None:
    """The two symbols of ``a - b == 0``."""
    expr = comparison.expr
    if comparison.op != "==" or expr.const or len(expr.terms) != 2:
        return None
    (one, c1), (other, c2) = expr.terms
    if c1 + c2 or len(one) != 1 or len(other) != 1:
        return None
    first, second = one[0], other[0]
    if isinstance(first, Symbol) and isinstance(second, Symbol):
        return first.name, second.name
    return None


def _solutions(
    comparison: Comparison, weights: frozenset[str], claims: WeightClaims
) -> Iterator[tuple[str, Expr, bool]]:
    """For each symbol of a weight: what it must be, and whether at least that.

    The other weights have the sizes that they have.
    """
    product = list(_by_factors(comparison, weights))
    if product:
        yield from product
        return
    rounded: list[tuple[str, Size]] = []
    solved = False
    for label in sorted(weights):
        numbers: dict[str, Size] = {w: claims.sizes[w].number for w in weights if w != label}
        expr = substitute(comparison.expr, numbers)
        at_least = comparison.op == ">="
        if not at_least:
            bound = _within_minimum(expr, label)
            at_least, expr = bound is not None, expr if bound is None else bound
        needed = _solution(expr, label, at_least)
        if needed is None and not at_least:
            needed = _solution(_without_rounding(expr, label), label)
        if isinstance(needed, Expr) and _grows(needed):
            solved = True
            yield label, needed, at_least
        elif needed is None and not at_least:
            rounded.append((label, _solution(expr, label, rounded=True)))  # type: ignore[arg-type]
    if not solved:
        for label, size in rounded[-1:]:
            if isinstance(size, Expr) and _grows(size):
                yield label, size, False


def _by_factors(
    comparison: Comparison, weights: frozenset[str]
) -> Iterator[tuple[str, Expr, bool]]:
    """The solution of ``a*b - H*W == 0`` for the sizes ``a``, ``b`` of one weight, in order."""
    expr = comparison.expr
    for monomial, coef in expr.terms:
        names = [a.name for a in monomial if isinstance(a, Symbol) and a.name in weights]
        if len(names) < 2 or len(names) != len(monomial) or abs(coef) != 1:
            continue
        rest = (from_atom(*monomial) * coef - expr) * coef
        if not isinstance(rest, Expr) or comparison.op != "==" or rest.symbols() & weights:
            continue
        parts = factors(rest)
        if parts.number == 1 and len(parts.factors) == len(names):
            for name, part in zip(sorted(names), parts.factors, strict=True):
                yield name, part, False
            return


def _without_rounding(expr: Size, label: str) -> Size:
    """``w - 2*a``, if ``expr`` is ``w//2 - a``: where the first is 0, so is the second."""
    for monomial, coef in expr.terms if isinstance(expr, Expr) else ():
        atom = monomial[0]
        if len(monomial) == 1 and isinstance(atom, FloorDiv) and label in _names(atom.num):
            rest = expr - from_atom(atom) * coef
            return atom.num * coef + rest * atom.den
    return expr


def _within_minimum(expr: Size, label: str) -> Size | None:
    """``w - a``, if ``expr`` is ``±(a - min(a, w))``: where it is 0, ``w`` is at least ``a``.

    The same with ``max(0, min(a, w))``, the length of a slice of a table up to ``a``.
    """
    if isinstance(expr, int):
        return None
    for monomial, coef in expr.terms:
        if len(monomial) != 1 or abs(coef) != 1:
            continue
        other = from_atom(monomial[0]) - expr * coef
        operands = _minimum(monomial[0])
        for inner in operands:
            if isinstance(inner, Expr) and label in inner.symbols() and other in operands:
                return inner - other
    return None


def _minimum(atom: Atom) -> tuple[Size, ...]:
    """The operands of ``min(a, b)`` and of ``max(0, min(a, b))``."""
    if isinstance(atom, Max) and 0 in atom.operands():
        rest = [each for each in atom.operands() if isinstance(each, Expr)]
        for inner in {a for each in rest for a in atoms(each)} if len(rest) == 1 else ():
            if from_atom(inner) is rest[0]:
                atom = inner
    return atom.operands() if isinstance(atom, Min) else ()


def _solution(expr: Size, label: str, at_least: bool = False, rounded: bool = False) -> Size | None:
    """The symbol ``label`` where ``expr`` is 0, or its least value where ``expr`` is at least 0.

    ``rounded``: rounded down, where it is not a whole number at all sizes.
    """
    if isinstance(expr, int):
        return None
    factor: Size = 0
    rest: Size = expr.const
    for monomial, coef in expr.terms:
        left = [a for a in monomial if not (isinstance(a, Symbol) and a.name == label)]
        term = from_atom(*left) * coef if left else coef
        if len(left) == len(monomial):
            rest = rest + term
        elif len(left) == len(monomial) - 1:
            factor = factor + term
        else:
            return None
    if label in _names(factor) | _names(rest):
        return None
    if at_least and not (isinstance(factor, int) and factor > 0):
        return None
    if rounded and isinstance(factor, int) and factor:
        return -rest // factor
    return exact_quotient(-rest, factor)


def _names(size: Size) -> frozenset[str]:
    return size.symbols() if isinstance(size, Expr) else frozenset()


def _grows(size: Expr) -> bool:
    """Whether all terms of the highest degree are positive: the size grows with the input's."""
    degree = len(size.terms[0][0])
    return all(coef > 0 for monomial, coef in size.terms if len(monomial) == degree)
