"""Changes a function's code so that its questions of identity go through one object.

``a is b`` becomes ``same(a, b)``, and ``id(a)`` becomes ``function(id)(a)``; see
:mod:`.identity_questions`. Comparisons with ``None`` stay as they are.
"""

from __future__ import annotations

import ast
import dis
from functools import lru_cache
from types import CodeType, FunctionType

from archlint.tracing.keys.watched_code import Unfit
from archlint.tracing.python.reachable_code import codes

HELPER = "__archlint_identity__"
"""The global name by which a rewritten function reaches the questions of the current run."""

_FUNCTIONS = frozenset(("id", "is_", "is_not"))
_IS = (ast.Is, ast.IsNot)
_PLAIN = (str, bytes, type(None), type(...))


def asks_identity(function: FunctionType) -> bool:
    """Whether a function, or one defined in it, may ask if two objects are one."""
    return any(map(_asks, codes(function)))


@lru_cache(maxsize=1 << 14)
def _asks(code: CodeType) -> bool:
    if not _FUNCTIONS.isdisjoint(code.co_names):
        return True
    before = None
    for instruction in dis.get_instructions(code):
        if instruction.opname == "IS_OP":
            constant = before is not None and before.opname.startswith("LOAD_CONST")
            if before is None or not constant or not isinstance(before.argval, _PLAIN):
                return True
        before = instruction
    return False


class Asking(ast.NodeTransformer):
    """Replaces the questions of a function's body. Raises :class:`Unfit`."""

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if not any(isinstance(op, _IS) for op in node.ops):
            return node
        operands = [node.left, *node.comparators]
        if not all(isinstance(o, (ast.Name, ast.Constant)) for o in operands[1:-1]):
            raise Unfit  # an operand of two comparisons is computed once
        parts = [_compared(*each) for each in zip(operands, node.ops, operands[1:], strict=False)]
        whole = parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)
        return ast.fix_missing_locations(ast.copy_location(whole, node))

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return _replaced(node) if node.id in _FUNCTIONS else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        return _replaced(node) if node.attr in _FUNCTIONS else node

    def visit_Match(self, node: ast.Match) -> ast.AST:
        self.generic_visit(node)
        parts = (part for case in node.cases for part in ast.walk(case.pattern))
        if any(isinstance(part, ast.MatchSingleton) and part.value is not None for part in parts):
            node.subject = _call("settled", node.subject)
        return node


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr) -> ast.expr:
    plain = any(isinstance(o, ast.Constant) and isinstance(o.value, _PLAIN) for o in (left, right))
    if plain or not isinstance(op, _IS):
        return ast.copy_location(ast.Compare(left, [op], [right]), left)
    same = _call("same", left, right)
    return same if isinstance(op, ast.Is) else ast.copy_location(ast.UnaryOp(ast.Not(), same), left)


def _replaced(node: ast.Name | ast.Attribute) -> ast.expr:
    return _call("function", node) if isinstance(node.ctx, ast.Load) else node


def _call(name: str, value: ast.expr, *more: ast.expr) -> ast.expr:
    helper = ast.Attribute(ast.Name(HELPER, ast.Load()), name, ast.Load())
    call = ast.copy_location(ast.Call(helper, [value, *more], []), value)
    return ast.fix_missing_locations(call)
