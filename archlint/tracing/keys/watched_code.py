"""Changes a function's code so that its look-ups and comparisons go through one object.

``c[k]`` becomes ``at(c)[k]``, ``k in c`` becomes ``k in within(c)``, ``a == b`` becomes
``compared(a) == b``, ``f(a)`` becomes ``called(f)(a)``, and so on; see :mod:`.look_ups`.
"""

from __future__ import annotations

import ast
from typing import Any

HELPER = "__archlint_keys__"
"""The global name by which a rewritten function reaches the look-ups of the current run."""

_EQUAL = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_IN = (ast.In, ast.NotIn)
_SETS = (ast.BitOr, ast.BitAnd, ast.BitXor, ast.Sub)
_TAKING = frozenset(("list", "tuple", "any", "all", "join", "list_of", "loop", "next"))
_ITERATORS = frozenset(("iter", "enumerate", "zip", "reversed"))


class Unfit(Exception):
    """The code has a comparison that is not followed."""


class Watch(ast.NodeTransformer):
    """Replaces the look-ups of a function's body.

    ``own``: the names of other objects whose methods earlier changes call. Raises :class:`Unfit`.
    """

    def __init__(self, own: str) -> None:
        self._own = own
        self._taken: set[ast.AST] = set()  # iterators and generators that are consumed where known

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        node.value = _call("at", node.value)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        ops = tuple(node.ops)
        if len(ops) > 1 and not all(isinstance(op, _EQUAL) for op in ops):
            raise Unfit
        if isinstance(ops[0], _IN):
            node.comparators[0] = _call("within", node.comparators[0])
        elif isinstance(ops[0], _EQUAL):
            node.left = _call("compared", node.left)
            node.comparators[:-1] = [_call("compared", c) for c in node.comparators[:-1]]
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = node.func
        name = _name(function)
        replaced = isinstance(function, ast.Call) and _name(function.func) == "replacement"
        if isinstance(function, ast.Call) and replaced:
            name = _name(function.args[0])
        if name in _TAKING:
            self._taken.update(node.args)
        self.generic_visit(node)
        if name in _ITERATORS and node not in self._taken:
            node.args = [a if _star(a) else _call("escaping", a) for a in node.args]
        for keyword in node.keywords:
            if keyword.arg is None:
                keyword.value = _call("escaping", keyword.value)
        if isinstance(function, ast.Call) and replaced:
            function.args[0] = _call("called", function.args[0])
        elif name != "super" and not self._is_own(function):
            node.func = _call("called", node.func)
        return node

    def _is_own(self, function: ast.expr) -> bool:
        while isinstance(function, ast.Attribute):
            function = function.value
        return isinstance(function, ast.Name) and function.id == self._own

    def visit_For(self, node: ast.For) -> ast.AST:
        self._taken.add(node.iter)
        self.generic_visit(node)
        node.iter = _call("items", node.iter)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self._taken.add(node.iter)
        self.generic_visit(node)
        node.iter = _call("items", node.iter)
        return node

    def visit_Starred(self, node: ast.Starred) -> ast.AST:
        self._taken.add(node.value)
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            node.value = _call("items", node.value)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        if any(isinstance(target, (ast.Tuple, ast.List)) for target in node.targets):
            node.value = _call("items", node.value)
        return node

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        self.generic_visit(node)
        if node not in self._taken:
            node.elt = _call("escaping", node.elt)
        return node

    def visit_Yield(self, node: ast.Yield) -> ast.AST:
        self.generic_visit(node)
        if node.value is not None:
            node.value = _call("escaping", node.value)
        return node

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        self.generic_visit(node)
        node.value = _call("escaping", node.value)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        text = isinstance(node.left, ast.Constant) and isinstance(node.left.value, str)
        if text and isinstance(node.op, ast.Mod):
            return ast.copy_location(_call("percent", node.left, node.right), node)
        if isinstance(node.op, _SETS):
            node.left, node.right = _call("escaping", node.left), _call("escaping", node.right)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        if isinstance(node.op, _SETS) and isinstance(node.target, (ast.Name, ast.Attribute)):
            before = ast.parse(ast.unparse(node.target), mode="eval").body
            for part in ast.walk(before):
                ast.copy_location(part, node.target)
            self.generic_visit(node)
            both = ast.copy_location(ast.Tuple([before, node.value], ast.Load()), node.value)
            last = ast.copy_location(ast.Constant(1), node.value)
            node.value = ast.copy_location(
                ast.Subscript(_call("escaping", both), last, ast.Load()), node.value
            )
            return ast.fix_missing_locations(node)
        self.generic_visit(node)
        return node

    def visit_Dict(self, node: ast.Dict) -> ast.AST:
        self.generic_visit(node)
        spread = node.keys.count(None)
        counts = [ast.Constant(len(node.keys) - spread), ast.Constant(spread)]
        return _call("displayed", node, *(ast.copy_location(c, node) for c in counts))

    def visit_Set(self, node: ast.Set) -> ast.AST:
        self.generic_visit(node)
        return _call("made", node)

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        self.generic_visit(node)
        return _call("made", node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        self.generic_visit(node)
        return _call("made", node)

    def visit_Match(self, node: ast.Match) -> ast.AST:
        for case in node.cases:
            for part in ast.walk(case.pattern):
                if isinstance(part, ast.MatchMapping):
                    raise Unfit
                if isinstance(part, ast.MatchValue) and isinstance(part.value, ast.Attribute):
                    raise Unfit
        self.generic_visit(node)
        node.subject = _call("escaping", node.subject)
        return node

    def visit_MatchValue(self, node: ast.MatchValue) -> ast.AST:
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is not None:
            node.value = self.visit(node.value)
        node.target = self.visit(node.target)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        raise Unfit

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        raise Unfit

    def visit_Await(self, node: ast.Await) -> ast.AST:
        raise Unfit


def _star(node: ast.expr) -> bool:
    return isinstance(node, ast.Starred)


def _name(function: Any) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _call(name: str, value: ast.expr, *more: ast.expr) -> ast.expr:
    helper = ast.Attribute(ast.Name(HELPER, ast.Load()), name, ast.Load())
    call = ast.copy_location(ast.Call(helper, [value, *more], []), value)
    return ast.fix_missing_locations(call)
