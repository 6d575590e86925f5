"""Which names a loop's body assigns, and which of them a turn takes from the turn before."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_NAMED = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs,
    ast.MatchStar,
)  # fmt: skip


_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class BodyNames(NamedTuple):
    """``assigned`` in a loop's body, and those of them that a turn may read before it assigns.

    A name that is assigned but not ``carried`` belongs to one turn: what it was before has no
    effect in later turns. ``left``: those that a turn may leave as they were.
    """

    assigned: frozenset[str]
    carried: frozenset[str]
    left: frozenset[str] = frozenset()


def body_names(target: ast.expr | None, body: Sequence[ast.stmt]) -> BodyNames:
    """The names of a ``for`` with this target, or of a ``while`` without one."""
    nodes = [*body] if target is None else [target, *body]
    assigned = frozenset(assigned_names(nodes))
    reader = _Reader(assigned)
    done: set[str] = set()
    if target is not None:
        reader.store(target, done)
    at_first = set(done)
    reader.statements(body, done)
    if any(isinstance(child, ast.Continue) for node in body for child in ast.walk(node)):
        done = at_first
    left = frozenset(_of_own_scope(nodes) - done)
    return BodyNames(assigned, frozenset(reader.carried), left)


def _of_own_scope(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that are bound by statements and expressions of the function itself."""
    found: set[str] = set()
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.NamedExpr):
            found.add(node.target.id)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            found.add(node.id)
        if not isinstance(node, (*_SCOPES, *_COMPREHENSIONS)):
            todo.extend(ast.iter_child_nodes(node))
    return found


def assigned_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that the nodes bind in the function's own scope, or declare to be of an outer one."""
    found: set[str] = set()
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            found.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found |= {(a.asname or a.name).split(".")[0] for a in node.names}
        elif isinstance(node, _NAMED) and node.name:
            found.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            found.add(node.rest)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            found |= set(node.names)
        todo.extend(ast.iter_child_nodes(node))
    return found


class _Reader:
    """Walks the statements of a body in order; ``done``: names that this turn has assigned."""

    def __init__(self, assigned: frozenset[str]) -> None:
        self.assigned = assigned
        self.carried: set[str] = set()

    def statements(self, body: Sequence[ast.stmt], done: set[str]) -> None:
        for statement in body:
            self.statement(statement, done)

    def statement(self, node: ast.stmt, done: set[str]) -> None:
        if isinstance(node, ast.Assign):
            self.load(node.value, done)
            for target in node.targets:
                self.store(target, done)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self.load(node.value, done)
                self.store(node.target, done)
        elif isinstance(node, ast.AugAssign):
            if isinstance(node.target, ast.Name):
                self.read(node.target.id, done)
            self.load(node.value, done)
            self.store(node.target, done)
        elif isinstance(node, ast.If):
            self.load(node.test, done)
            one, other = set(done), set(done)
            self.statements(node.body, one)
            self.statements(node.orelse, other)
            done |= one & other
        elif isinstance(node, ast.For):
            self.load(node.iter, done)
            inside = set(done)
            self.store(node.target, inside)
            self.statements(node.body, inside)
            self.statements(node.orelse, set(done))
        elif isinstance(node, ast.While):
            self.load(node.test, done)
            self.statements(node.body, set(done))
            self.statements(node.orelse, set(done))
        elif isinstance(node, ast.With):
            for item in node.items:
                self.load(item.context_expr, done)
                if item.optional_vars is not None:
                    self.store(item.optional_vars, done)
            self.statements(node.body, set(done))  # an error may leave it early
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self.read(target.id, done)
                    done.discard(target.id)
                else:
                    self.load(target, done)
        else:
            self.anything(node, done)

    def anything(self, node: ast.AST, done: set[str]) -> None:
        """Another statement: every name in it may be read before anything in it is assigned."""
        for child in ast.walk(node):
            if isinstance(child, ast.Name):
                self.read(child.id, done)
            elif isinstance(child, (ast.Global, ast.Nonlocal)):
                self.carried |= set(child.names)
            elif isinstance(child, _SCOPES):
                self.scope(child)

    def load(self, node: ast.expr, done: set[str]) -> None:
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Load):
                self.read(child.id, done)
            elif isinstance(child, ast.NamedExpr):
                self.carried.add(child.target.id)
            elif isinstance(child, _SCOPES):
                self.scope(child)

    def scope(self, node: ast.AST) -> None:
        """A function that the body makes reads its names at any later time."""
        names = {c.id for c in ast.walk(node) if isinstance(c, ast.Name)}
        self.carried |= names & self.assigned

    def store(self, target: ast.expr, done: set[str]) -> None:
        if isinstance(target, ast.Name):
            done.add(target.id)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for part in target.elts:
                self.store(part, done)
        elif isinstance(target, ast.Starred):
            self.store(target.value, done)
        else:
            self.load(target, done)

    def read(self, name: str, done: set[str]) -> None:
        if name in self.assigned and name not in done:
            self.carried.add(name)
