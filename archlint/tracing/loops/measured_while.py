"""``while`` loops whose test compares two numbers, of which each turn may change both.

Such as ``while queue:`` with a ``queue.pop(0)`` in its body, ``while len(outs) < n:`` with an
``append``, ``while x.shape[1] > 4: x = x[:, 4:]`` and ``while i != n:``. They become loops over
their turns, of which :mod:`.falling` knows how many there are::

    for turn in loop(falling(kind, one, other), site):
        if turn is None and not (one < other): break   # where they are not counted
        at_turn(turn, kind, one, other)
        …
    else:
        at_end(kind, one, other)
"""

from __future__ import annotations

import ast
import copy
from functools import lru_cache
from typing import NamedTuple

from archlint.tracing.loops.counted_while import TURN, counter_of, is_plain, with_test

BELOW, UP_TO, UNEQUAL, TRUE = "<", "<=", "!=", "true"
"""What the test says: ``one < other``, ``one <= other``, ``one != other``, or that ``one`` is true;
``other`` is 0 then."""

_KINDS: dict[type[ast.cmpop], tuple[str, bool]] = {
    ast.Lt: (BELOW, False), ast.LtE: (UP_TO, False), ast.Gt: (BELOW, True),
    ast.GtE: (UP_TO, True), ast.NotEq: (UNEQUAL, False),
}  # fmt: skip
_NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq,
}  # fmt: skip


class Measured(NamedTuple):
    """The test of a loop; ``kind``: what it says of ``one`` and ``other``."""

    kind: str
    one: ast.expr
    other: ast.expr


def measured_of(node: ast.While) -> Measured | None:
    """What the test of a loop compares; ``None`` if it may do more than compare numbers."""
    test = node.test
    negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    if isinstance(test, ast.UnaryOp) and negated:
        test = test.operand
    if node.orelse:
        return None
    if not isinstance(test, ast.Compare):
        named = isinstance(test, (ast.Name, ast.Attribute, ast.Call)) and is_plain(test)
        return Measured(TRUE, test, ast.Constant(0)) if named and not negated else None
    op: type[ast.cmpop] | None = type(test.ops[0])
    if negated:
        op = _NEGATED.get(op) if op is not None else None
    if len(test.ops) != 1 or op not in _KINDS:
        return None
    (kind, turned), one, other = _KINDS[op], test.left, test.comparators[0]
    if not is_plain(one) or not is_plain(other):
        return None
    return Measured(kind, other, one) if turned else Measured(kind, one, other)


def measured_loop(node: ast.While, measured: Measured, helper: str) -> ast.For:
    """The loop over its turns; ``helper``: the name of the object that counts them."""
    turn = f"{TURN}{node.lineno}_{node.col_offset}__"
    here = ast.Name(turn, ast.Load())

    def call(name: str, *args: ast.expr) -> ast.Call:
        numbers = copy.deepcopy((measured.one, measured.other))
        method = ast.Attribute(ast.Name(helper, ast.Load()), name, ast.Load())
        return ast.Call(method, [*args, ast.Constant(measured.kind), *numbers], [])

    uncounted = ast.Compare(here, [ast.Is()], [ast.Constant(None)])
    over = ast.BoolOp(ast.And(), [uncounted, ast.UnaryOp(ast.Not(), node.test)])
    first = [ast.If(over, [ast.Break()], []), ast.Expr(call("at_turn", here))]
    last, items = ast.Expr(call("at_end")), call("falling")
    loop = ast.For(ast.Name(turn, ast.Store()), items, [*first, *node.body], [last])
    for made in (*first, last, items, loop.target):
        for part in ast.walk(made):
            ast.copy_location(part, node.test)
    return ast.fix_missing_locations(ast.copy_location(loop, node))


def is_followed(node: ast.While) -> bool:
    """Whether the turns of a loop may be counted in one of these ways."""
    return counter_of(node) is not None or measured_of(node) is not None


@lru_cache(maxsize=64)
def counting_lines(module: ast.Module) -> frozenset[int]:
    """The lines of the tests of all loops of a module whose turns may be counted."""
    loops = [node for node in ast.walk(module) if isinstance(node, ast.While)]
    found = {node.test.lineno for node in loops if is_followed(node)}
    for node in loops:
        for tested in (with_test(node), with_test(node, is_followed)):
            for inner in ast.walk(tested) if tested is not None else ():
                if isinstance(inner, ast.While) and is_followed(inner):
                    found.add(inner.test.lineno)
    return frozenset(found)
