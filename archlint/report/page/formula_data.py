"""Sizes and formulas as data that the script of a page evaluates.

A table of nodes, each a list of an operator and its operands. An operand is the index of an earlier
node, so one pass in order evaluates all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archlint.symbolic import Expr, FloorDiv, Size, StepFunction, Symbol
from archlint.symbolic.atom import Atom, Extremum, Unknown
from archlint.symbolic.formula import Bool, Comparison, Junction

Node = list[Any]

_COMPARISONS = {">=": "ge", "==": "eq", "!=": "ne"}


class NodeTable:
    """The nodes of any number of sizes and formulas; equal ones share a node."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._indexes: dict[object, int] = {}

    def size(self, size: Size) -> int:
        """The index of the node of a size."""
        if isinstance(size, int):
            return self._node(("number", size), ["number", size])
        known = self._known(size)
        return self._add(size, self._sum(size)) if known is None else known

    def sizes(self, sizes: Sequence[Size]) -> list[int]:
        """The indexes of several sizes."""
        return [self.size(s) for s in sizes]

    def formula(self, formula: Bool) -> int:
        """The index of the node of a formula; its value is a truth value."""
        if isinstance(formula, bool):
            return self._node(("truth", formula), ["truth", formula])
        known = self._known(formula)
        if known is not None:
            return known
        if isinstance(formula, Comparison):
            return self._add(formula, [_COMPARISONS[formula.op], self.size(formula.expr)])
        assert isinstance(formula, Junction)
        return self._add(formula, [formula.op, *(self.formula(a) for a in formula.args)])

    def most(self, sizes: Sequence[Size]) -> int:
        """The index of the node of the largest of several sizes."""
        return self._node(("most", *sizes), ["max", *self.sizes(sizes)])

    def amount(self, parts: Sequence[tuple[Bool, Size]]) -> int:
        """The index of the sum of the sizes whose conditions hold."""
        pairs = [[self.formula(when), self.size(size)] for when, size in parts]
        return self._node(("amount", *parts), ["amount", *pairs])

    def cases(self, cases: Sequence[tuple[Bool, int]]) -> int:
        """The index of the node of the first case whose condition holds; it may have no value."""
        pairs = [[self.formula(when), index] for when, index in cases]
        return self._node(("cases", *cases), ["cases", *pairs])

    def _sum(self, expr: Expr) -> Node:
        """``["sum", constant, [coefficient, factor, ...], ...]``."""
        terms = [[coef, *map(self._atom, monomial)] for monomial, coef in expr.terms]
        return ["sum", expr.const, *terms]

    def _atom(self, atom: Atom) -> int:
        known = self._known(atom)
        if known is not None:
            return known
        if isinstance(atom, Unknown):
            low = -1 if atom.low is None else self.size(atom.low)
            return self._add(atom, ["unknown", low, *self.sizes(atom.most)])
        if isinstance(atom, Symbol):
            return self._add(atom, ["symbol", atom.name])
        if isinstance(atom, FloorDiv):
            return self._add(atom, ["floordiv", self.size(atom.num), self.size(atom.den)])
        if isinstance(atom, (Extremum, StepFunction)):
            return self._add(atom, [atom.function, *self.sizes(atom.operands())])
        raise TypeError(f"{type(atom).__name__} has no form on a page")

    def _known(self, key: object) -> int | None:
        return self._indexes.get(key)

    def _node(self, key: object, node: Node) -> int:
        known = self._known(key)
        return self._add(key, node) if known is None else known

    def _add(self, key: object, node: Node) -> int:
        self.nodes.append(node)
        return self._indexes.setdefault(key, len(self.nodes) - 1)
