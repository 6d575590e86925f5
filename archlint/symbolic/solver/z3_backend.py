"""The one room that knows z3."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from archlint.runtime.uninterruptible import uninterrupted
from archlint.symbolic import Atom, Expr, FloorDiv, Min, Size, Symbol, Unknown
from archlint.symbolic.formula import Bool, Comparison, Junction
from archlint.symbolic.intervals import Box
from archlint.symbolic.products import factored


class Unsolved(Exception):
    """Z3 gave no answer in the time it had."""


class Z3Solver:
    """Sizes that satisfy what was :meth:`add`-ed, as :class:`.Solver` says it.

    Each has a z3 context of its own: in a shared one the search, and so what is found in time,
    depends on every formula that the process has seen before. ``effort`` bounds every question in
    z3's own units, of which a second has some millions: the same on any machine. No time limit of
    another rings in a question: z3's objects do not survive that.
    """

    @uninterrupted()
    def __init__(
        self, names: Sequence[str], box: Box, deadline: float, effort: int | None = None
    ) -> None:
        import z3

        self._z3 = z3
        self.names = tuple(names)
        self.box = box
        self.deadline = deadline
        self._known: dict[Any, Any] = {}
        self._context = z3.Context()
        self._solver = z3.Solver(ctx=self._context)
        if effort is not None:
            self._solver.set("rlimit", effort)
        self._symbols = {n: z3.Int(n, self._context) for n in self.names}
        for name in self.names:
            low, high = box.ranges.get(name, (None, None))
            if low is not None:
                self._solver.add(self._symbols[name] >= low)
            if high is not None:
                self._solver.add(self._symbols[name] <= high)

    @uninterrupted()
    def add(self, formula: Bool) -> None:
        """Only sizes with this property, from now on."""
        self._solver.add(self._bool(formula))

    @uninterrupted()
    def find(self, formula: Bool = True) -> dict[str, int] | None:
        """Some sizes with the property, or ``None`` if there are none at all."""
        if formula is False:
            return None
        return self._check([] if formula is True else [self._bool(formula)])

    @uninterrupted()
    def smallest(self, formula: Bool = True) -> dict[str, int] | None:
        """The sizes of the smallest sum with the property; of those, the first in name order."""
        found = self.find(formula)
        if found is None:
            return None
        z3 = self._z3
        self._solver.push()
        try:
            self._solver.add(self._bool(formula))
            lows = [self.box.ranges.get(n, (None, None))[0] for n in self.names]
            floor = sum(low for low in lows if low is not None) if None not in lows else None
            total = z3.Sum([self._symbols[n] for n in self.names])
            found = self._least(total, sum(found.values()), floor, found)
            self._solver.add(total == sum(found.values()))
            for name, low in zip(self.names[:-1], lows[:-1], strict=True):
                found = self._least(self._symbols[name], found[name], low, found)
                self._solver.add(self._symbols[name] == found[name])
        finally:
            self._solver.pop()
        return found

    def _least(
        self, term: Any, known: int, floor: int | None, found: dict[str, int]
    ) -> dict[str, int]:
        """Move ``found`` to where ``term`` (now ``known``) is least, by halving."""
        step = 1
        while floor is None:  # nothing is known below: stride down, twice as far each time
            better = self._check([term <= known - step])
            if better is None:
                floor = known - step + 1
            elif step > 1 << 64:
                raise Unsolved("there is no smallest")
            else:
                found = better
                known = self._value(term, better)
                step *= 2
        while floor < known:
            middle = (floor + known) // 2
            self._solver.push()
            better = self._check([term <= middle])
            self._solver.pop()
            if better is None:
                floor = middle + 1
            else:
                found = better
                known = self._value(term, better)
        return found

    def _value(self, term: Any, env: dict[str, int]) -> int:
        z3 = self._z3
        pairs = [(self._symbols[n], self._constant(v)) for n, v in env.items()]
        return int(z3.simplify(z3.substitute(term, *pairs)).as_long())

    def _check(self, assumptions: list[Any]) -> dict[str, int] | None:
        z3 = self._z3
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise Unsolved("no time left")
        self._solver.set("timeout", max(1, int(left * 1000)))
        self._solver.push()
        try:
            for a in assumptions:
                self._solver.add(a)
            answer = self._solver.check()
            if answer == z3.unsat:
                return None
            if answer != z3.sat:
                raise Unsolved(f"z3: {self._solver.reason_unknown()}")
            model = self._solver.model()
            return {
                n: model.eval(s, model_completion=True).as_long() for n, s in self._symbols.items()
            }
        finally:
            self._solver.pop()

    # -- translation ------------------------------------------------------------------------------

    def _bool(self, formula: Bool) -> Any:
        z3 = self._z3
        if isinstance(formula, bool):
            return z3.BoolVal(formula, self._context)
        found = self._known.get(formula)
        if found is None:
            if isinstance(formula, Comparison):
                said = factored(formula, self.box)
                found = self._comparison(formula) if said is formula else self._bool(said)
            else:
                assert isinstance(formula, Junction)
                parts = [self._bool(a) for a in formula.args]
                found = z3.And(parts) if formula.word == "and" else z3.Or(parts)
            self._known[formula] = found
        return found

    def _comparison(self, comparison: Comparison) -> Any:
        left, op = self._size(comparison.expr), comparison.op
        return left >= 0 if op == ">=" else left == 0 if op == "==" else left != 0

    def _size(self, size: Size) -> Any:
        if isinstance(size, int):
            return self._constant(size)
        found = self._known.get(size)
        if found is None:
            found = self._known[size] = self._polynomial(size)
        return found

    def _constant(self, number: int) -> Any:
        return self._z3.IntVal(number, self._context)

    def _polynomial(self, expr: Expr) -> Any:
        terms = [] if expr.const == 0 else [self._constant(expr.const)]
        for monomial, coef in expr.terms:
            factors = [self._atom(a) for a in monomial]
            body = factors[0] if len(factors) == 1 else self._z3.Product(factors)
            terms.append(body if coef == 1 else coef * body)
        return terms[0] if len(terms) == 1 else self._z3.Sum(terms)

    def _atom(self, atom: Atom) -> Any:
        if isinstance(atom, Unknown):
            raise Unsolved("values decide a size")
        if isinstance(atom, Symbol):
            if atom.name not in self._symbols:
                raise KeyError(f"the size {atom.name} is not among {', '.join(self.names)}")
            return self._symbols[atom.name]
        parts = [self._size(p) for p in atom.operands()]
        z3 = self._z3
        if isinstance(atom, FloorDiv):
            num, den = parts
            low, _ = self.box.interval(atom.den)
            if low is not None and low > 0:  # z3's division is Euclidean: floor for den > 0
                return num / den
            return z3.If(den > 0, num / den, (-num) / (-den))
        result = parts[0]
        for part in parts[1:]:
            smaller = part < result if isinstance(atom, Min) else part > result
            result = z3.If(smaller, part, result)
        return result
