"""Formulas over sizes in Z3: translation, some solution, the smallest solution."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from archlint.runtime.effort_clock import seconds_left, waited
from archlint.runtime.uninterruptible import uninterrupted
from archlint.symbolic import (
    Atom,
    Expr,
    FloorDiv,
    ISqrt,
    Min,
    Size,
    StepFunction,
    Symbol,
    Unknown,
)
from archlint.symbolic.formula import Bool, Comparison, Junction
from archlint.symbolic.intervals import Box
from archlint.symbolic.products import factored

_SHORT = 0.01
"""Seconds of waiting for a processor that do not prolong a question."""

_TOO_LARGE = 1 << 63
"""More than any size of PyTorch."""


_MOST_BITS = 4096
"""Of a number that z3 reads as text, of which Python writes 4,300 digits at most."""


class Unsolved(Exception):
    """The solver has no answer within its deadline or effort."""


class Z3Solver:
    """The part of :class:`.Solver` that Z3 does; the arguments and errors are the same.

    Each solver has a z3 context of its own: in a shared context the search, and so the answer
    within a limit, depends on every formula that the process has translated before. ``effort`` is
    z3's ``rlimit``, some millions of which pass in a second. Signals of an outer deadline wait
    until a question is answered: z3's objects do not survive an exception in the middle.
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
        self._translated: dict[Any, Any] = {}
        self._context = z3.Context()
        self._solver = z3.Solver(ctx=self._context)
        if effort is not None:
            self._solver.set("rlimit", effort)
        self._definitions: list[Any] = []  # of variables that stand for square roots
        self._symbols = {n: z3.Int(n, self._context) for n in self.names}
        for name in self.names:
            low, high = box.ranges.get(name, (None, None))
            if low is not None:
                self._solver.add(self._symbols[name] >= low)
            if high is not None:
                self._solver.add(self._symbols[name] <= high)

    @uninterrupted()
    def add(self, formula: Bool) -> None:
        """Restrict all later answers to sizes where the formula holds."""
        self._solver.add(self._bool(formula))

    @uninterrupted()
    def find(self, formula: Bool = True) -> dict[str, int] | None:
        """Sizes where the formula holds too, or ``None`` if there are none at all."""
        if formula is False:
            return None
        return self._check([] if formula is True else [self._bool(formula)])

    @uninterrupted()
    def smallest(self, formula: Bool = True) -> dict[str, int] | None:
        """The smallest sizes where the formula holds too, as :meth:`.Solver.smallest`."""
        point = self.find(formula)
        if point is None:
            return None
        z3 = self._z3
        self._solver.push()
        try:
            self._solver.add(self._bool(formula))
            lows = [self.box.ranges.get(n, (None, None))[0] for n in self.names]
            floor = sum(low for low in lows if low is not None) if None not in lows else None
            total = z3.Sum([self._symbols[n] for n in self.names])
            point = self._minimize(total, sum(point.values()), floor, point)
            self._solver.add(total == sum(point.values()))
            for name, low in zip(self.names[:-1], lows[:-1], strict=True):
                point = self._minimize(self._symbols[name], point[name], low, point)
                self._solver.add(self._symbols[name] == point[name])
        finally:
            self._solver.pop()
        return point

    def _minimize(
        self, term: Any, value: int, floor: int | None, point: dict[str, int]
    ) -> dict[str, int]:
        """The point where ``term`` is smallest, by bisection between ``floor`` and ``value``.

        ``value`` is that of the term at ``point``. ``floor`` is a lower bound of the term;
        without one it is searched for below ``value``, twice as far each time.
        """
        step = 1
        while floor is None:
            better = self._check([term <= value - step])
            if better is None:
                floor = value - step + 1
            elif step > 1 << 64:
                raise Unsolved("there is no smallest")
            else:
                point = better
                value = self._value(term, better)
                step *= 2
        while floor < value:
            middle = (floor + value) // 2
            self._solver.push()
            better = self._check([term <= middle])
            self._solver.pop()
            if better is None:
                floor = middle + 1
            else:
                point = better
                value = self._value(term, better)
        return point

    def _value(self, term: Any, env: dict[str, int]) -> int:
        z3 = self._z3
        pairs = [(self._symbols[n], self._constant(v)) for n, v in env.items()]
        return int(z3.simplify(z3.substitute(term, *pairs)).as_long())

    def _check(self, assumptions: list[Any]) -> dict[str, int] | None:
        z3 = self._z3
        left = seconds_left(self.deadline)
        if left <= 0:
            raise Unsolved("no time left")
        self._solver.push()
        try:
            for a in (*self._definitions, *assumptions):
                self._solver.add(a)
            with _interrupted_after(left, self._context):
                answer = self._solver.check()
            if answer == z3.unsat:
                return None
            if answer != z3.sat:
                reason = self._solver.reason_unknown()
                raise Unsolved(f"z3: {'timeout' if reason == 'canceled' else reason}")
            try:
                model = self._solver.model()
            except z3.Z3Exception as e:  # interrupted after the answer, before the model
                raise Unsolved(f"z3: {e}") from None
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
        term = self._translated.get(formula)
        if term is None:
            if isinstance(formula, Comparison):
                simpler = factored(formula, self.box)
                term = self._comparison(formula) if simpler is formula else self._bool(simpler)
            else:
                assert isinstance(formula, Junction)
                parts = [self._bool(a) for a in formula.args]
                term = z3.And(parts) if formula.op == "and" else z3.Or(parts)
            self._translated[formula] = term
        return term

    def _comparison(self, comparison: Comparison) -> Any:
        left, op = self._size(comparison.expr), comparison.op
        return left >= 0 if op == ">=" else left == 0 if op == "==" else left != 0

    def _size(self, size: Size) -> Any:
        if isinstance(size, int):
            return self._constant(size)
        term = self._translated.get(size)
        if term is None:
            term = self._translated[size] = self._polynomial(size)
        return term

    def _constant(self, number: int) -> Any:
        if number.bit_length() <= _MOST_BITS:
            return self._z3.IntVal(number, self._context)
        high, low = divmod(number, 1 << _MOST_BITS)
        return self._constant(high) * self._constant(1 << _MOST_BITS - 1) * 2 + self._constant(low)

    def _polynomial(self, expr: Expr) -> Any:
        terms = [] if expr.const == 0 else [self._constant(expr.const)]
        for monomial, coef in expr.terms:
            factors = [self._atom(a) for a in monomial]
            body = factors[0] if len(factors) == 1 else self._z3.Product(factors)
            terms.append(body if coef == 1 else coef * body)
        return terms[0] if len(terms) == 1 else self._z3.Sum(terms)

    def _atom(self, atom: Atom) -> Any:
        if isinstance(atom, Unknown):
            raise Unsolved("a size depends on tensor values")
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
        if isinstance(atom, StepFunction):
            return self._step_function(atom, parts[0])
        result = parts[0]
        for part in parts[1:]:
            smaller = part < result if isinstance(atom, Min) else part > result
            result = z3.If(smaller, part, result)
        return result

    def _step_function(self, atom: StepFunction, arg: Any) -> Any:
        z3 = self._z3
        if isinstance(atom, ISqrt):
            root = z3.FreshInt("root", self._context)
            size = z3.If(arg > 0, arg, self._constant(0))
            self._definitions += [root >= 0, root * root <= size, size < (root + 1) * (root + 1)]
            return root
        result = self._constant(atom.at(atom.start))
        first = atom.first(atom.at(atom.start) + 1)
        while first is not None and first < _TOO_LARGE:
            value = atom.at(first)
            result = z3.If(arg >= self._constant(first), self._constant(value), result)
            first = atom.first(value + 1)
        return result


@contextmanager
def _interrupted_after(seconds: float, context: Any) -> Iterator[None]:
    """Interrupt z3 after ``seconds`` by this thread's :mod:`.effort_clock`, which z3 lacks."""
    asking, before = threading.get_native_id(), waited()
    done = threading.Event()

    def watch() -> None:
        left, known = seconds, before
        while not done.wait(left):
            late = waited(thread=asking)
            left, known = late - known, late
            if left < _SHORT:
                context.interrupt()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
