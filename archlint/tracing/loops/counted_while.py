"""``while`` loops that count: ``while t < n:`` whose body adds the same number to ``t`` once.

Such a loop has as many turns as ``range(t, n, step)``, as long as ``n`` and the step stay what they
are. So it becomes a loop over these turns::

    for turn in loop(turns(t, offset, n, step, up, closed), site):
        if turn is None and not (t + offset < n): break   # where they cannot be counted
        …
        still(turn, offset, n, step)

``turns`` gives ``None`` again and again where the numbers are no sizes, and ``still`` starts the
run again where they change. A loop ``while True:`` that such a test ends, as one of its statements,
is one of these, perhaps after a part of its first turn.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from archlint.tracing.loops.names import assigned_names

TURN = "__archlint_turn_"
"""How the names of the variables begin that hold the turns of such loops."""

_FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE,
}  # fmt: skip
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt,
}  # fmt: skip
_LEAVING = (ast.Break, ast.Return)
_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv)


@dataclass(frozen=True)
class Counter:
    """The test of a loop: ``name + offset`` is compared with ``end``, and changes by ``step``."""

    name: str
    offset: ast.expr
    end: ast.expr
    step: ast.expr
    up: bool
    closed: bool


def counter_of(node: ast.While) -> Counter | None:
    """What the loop counts; ``None`` if it is another one."""
    test, kinds = node.test, {op: op for op in _OPPOSITE}
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, kinds = test.operand, _OPPOSITE
    if node.orelse or _ends(node.body, ast.Continue):
        return None
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or type(test.ops[0]) not in _FLIPPED:
        return None
    changed = assigned_names(node.body)
    left, op, right = test.left, kinds[type(test.ops[0])], test.comparators[0]
    for one, other, kind in ((left, right, op), (right, left, _FLIPPED[op])):
        found = _counted(one, changed)
        if found is None or not is_plain(other, changed):
            continue
        name, offset = found
        step, up = _step(name, node.body, changed)
        if step is not None and up is (kind in (ast.Lt, ast.LtE)):
            return Counter(name, offset, other, step, up, kind in (ast.LtE, ast.GtE))
    return None


def with_test(
    node: ast.While, counts: Callable[[ast.While], Any] = counter_of
) -> ast.While | ast.For | ast.If | None:
    """The same as a loop ``while True`` that a test ends, with that test as its own.

    ``None`` unless it ``counts`` then. The test may be the first statement of the body, which may
    return as well, or a later one: what comes back is the first part of the body, and a loop whose
    turns begin behind the test.
    """
    if not (isinstance(node.test, ast.Constant) and node.test.value) or node.orelse:
        return None
    return _test_first(node, counts, *node.body) or _test_later(node, counts)


def _test_first(
    node: ast.While, counts: Callable[[ast.While], Any], end: ast.stmt, *rest: ast.stmt
) -> ast.While | ast.If | None:
    if not isinstance(end, ast.If) or end.orelse:
        return None
    after = end.body[:-1] if isinstance(end.body[-1], ast.Break) else end.body
    if after and (_ends([*rest, *after], ast.Break) or not isinstance(end.body[-1], _LEAVING)):
        return None
    loop = _tested(node, counts, end.test, rest)
    if loop is None or not after:
        return loop
    true = ast.copy_location(ast.Constant(True), end.test)
    return ast.copy_location(ast.If(true, [loop, *after], []), node)


def _test_later(node: ast.While, counts: Callable[[ast.While], Any]) -> ast.For | None:
    if _ends(node.body, ast.Continue):  # it leaves out the test
        return None
    for at, end in enumerate(node.body):
        if at == 0 or not isinstance(end, ast.If) or end.orelse or not _is_break(end.body):
            continue
        before, after = node.body[:at], node.body[at + 1 :]
        loop = _tested(node, counts, end.test, [*after, *before])
        if loop is None:
            continue
        once = ast.For(ast.Name(_name(node, "first"), ast.Store()), ast.Constant("1"), [], [])
        for made in ast.walk(once):
            ast.copy_location(made, end.test)
        once.body, once.orelse = copy.deepcopy(before), [loop]
        return ast.copy_location(once, node)
    return None


def _is_break(body: list[ast.stmt]) -> bool:
    return len(body) == 1 and isinstance(body[0], ast.Break)


def _tested(
    node: ast.While,
    counts: Callable[[ast.While], Any],
    end: ast.expr,
    body: Sequence[ast.stmt],
) -> ast.While | None:
    """The loop that ``end`` ends before a turn, if it ``counts``."""
    if isinstance(end, ast.UnaryOp) and isinstance(end.op, ast.Not):
        test = end.operand
    else:
        test = ast.copy_location(ast.UnaryOp(ast.Not(), end), end)
    loop = ast.copy_location(ast.While(test, list(body), []), node)
    return loop if body and counts(loop) else None


def _name(node: ast.While, what: str = "") -> str:
    return f"{TURN}{what}{node.lineno}_{node.col_offset}__"  # no name that a class makes its own


def counted_loop(node: ast.While, counter: Counter, helper: str) -> ast.For:
    """The loop over its turns; ``helper``: the name of the object that counts them."""
    turn = _name(node)
    still, turns = (
        ast.Attribute(ast.Name(helper, ast.Load()), name, ast.Load()) for name in ("still", "turns")
    )
    here = ast.Name(turn, ast.Load())
    settings = (ast.Constant(counter.up), ast.Constant(counter.closed))
    each = (counter.offset, counter.end, counter.step)
    start = ast.Name(counter.name, ast.Load())
    uncounted = ast.Compare(here, [ast.Is()], [ast.Constant(None)])
    over = ast.BoolOp(ast.And(), [uncounted, ast.UnaryOp(ast.Not(), node.test)])
    first = ast.If(over, [ast.Break()], [])
    last = ast.Expr(ast.Call(still, [here, *copy.deepcopy(each)], []))
    items = ast.Call(turns, [start, *copy.deepcopy(each), *settings], [])
    loop = ast.For(ast.Name(turn, ast.Store()), items, [first, *node.body, last], [])
    for made in (first, last, items, loop.target):
        for part in ast.walk(made):
            ast.copy_location(part, node.test)
    return ast.fix_missing_locations(ast.copy_location(loop, node))


def _counted(node: ast.expr, changed: set[str]) -> tuple[str, ast.expr] | None:
    """``t``, ``t + c`` or ``t - c``: the name and what is added."""
    if isinstance(node, ast.Name):
        return (node.id, ast.Constant(0)) if node.id in changed else None
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, (ast.Add, ast.Sub)):
        return None
    one, other = node.left, node.right
    if isinstance(node.op, ast.Add) and not (isinstance(one, ast.Name) and one.id in changed):
        one, other = other, one
    if not isinstance(one, ast.Name) or one.id not in changed or not is_plain(other, changed):
        return None
    return one.id, other if isinstance(node.op, ast.Add) else ast.UnaryOp(ast.USub(), other)


def _step(name: str, body: list[ast.stmt], changed: set[str]) -> tuple[ast.expr | None, bool]:
    """What each turn adds to the name, and whether it adds or subtracts it."""
    assigning = [statement for statement in body if name in assigned_names([statement])]
    if len(assigning) != 1:
        return None, True
    statement = assigning[0]
    if isinstance(statement, ast.AugAssign):
        op, value = statement.op, statement.value
    elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.BinOp):
        op, left, value = statement.value.op, statement.value.left, statement.value.right
        if isinstance(op, ast.Add) and isinstance(value, ast.Name) and value.id == name:
            left, value = value, left
        if not (isinstance(left, ast.Name) and left.id == name and _is_one_name(statement.targets)):
            return None, True
    else:
        return None, True
    if isinstance(op, (ast.Add, ast.Sub)) and is_plain(value, changed):
        return value, isinstance(op, ast.Add)
    return None, True


def _is_one_name(targets: list[ast.expr]) -> bool:
    return len(targets) == 1 and isinstance(targets[0], ast.Name)


def is_plain(node: ast.expr, changed: Collection[str] = ()) -> bool:
    """Whether it is computed from names that are not ``changed``, by what has no effect."""
    if isinstance(node, ast.Name):
        return node.id not in changed
    if isinstance(node, ast.Constant):
        return type(node.value) is int
    if isinstance(node, ast.Attribute):
        return is_plain(node.value, changed)
    if isinstance(node, ast.Subscript):
        return is_plain(node.value, changed) and is_plain(node.slice, changed)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and is_plain(node.operand, changed)
    if isinstance(node, ast.BinOp):
        parts = is_plain(node.left, changed) and is_plain(node.right, changed)
        return parts and isinstance(node.op, _ARITHMETIC)
    if isinstance(node, ast.Call) and not node.keywords:
        called = node.func
        if isinstance(called, ast.Name):
            known = called.id == "len" and len(node.args) == 1
        else:
            known = isinstance(called, ast.Attribute) and called.attr == "size"
            known = known and is_plain(called, changed)
        return known and all(is_plain(a, changed) for a in node.args)
    return False


def _ends(body: list[ast.stmt], kind: type[ast.stmt]) -> bool:
    """Whether a ``continue`` or ``break`` of the loop itself is in its body."""
    todo: list[ast.AST] = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, kind):
            return True
        if not isinstance(
            node, (ast.For, ast.While, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        ):
            todo.extend(ast.iter_child_nodes(node))
        elif isinstance(node, (ast.For, ast.While)):
            todo.extend(node.orelse)
    return False
