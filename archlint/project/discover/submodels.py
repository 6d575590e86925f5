"""Which models are only parts of others?"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from archlint.project.discover.model_definitions import dotted
from archlint.project.discover.name_lookup import Definition, Project

Users = dict[Definition, set[Definition]]


def users(models: Collection[Definition], project: Project) -> Users:
    """For each model those others that it is a part of.

    Two that use each other are no parts.
    """
    uses = {d: set(_named(d, project, set())) for d in project.definitions()}
    reached = {model: _reached(model, uses) for model in models}
    return {
        part: {u for u in models if part in reached[u] and u not in reached[part] and u is not part}
        for part in models
    }


def _reached(start: Definition, uses: Users) -> set[Definition]:
    """All that ``start`` uses, and what these use."""
    found: set[Definition] = set()
    todo = [start]
    while todo:
        new = uses[todo.pop()] - found
        found |= new
        todo += new
    return found


def _named(definition: Definition, project: Project, seen: set[Definition]) -> Iterator[Definition]:
    """The definitions that the body names, or that of a base; bases themselves are no parts."""
    node = definition.node
    seen.add(definition)
    bases: list[Definition] = []
    if isinstance(node, ast.ClassDef):
        meanings = [project.meaning(definition.source, dotted(b)) for b in node.bases]
        bases = [m for m in meanings if isinstance(m, Definition) and m not in seen]
    for base in bases:
        yield from _named(base, project, seen)
    for name in _names(node):
        found = project.meaning(definition.source, name)
        if isinstance(found, Definition) and found not in seen:
            yield found


class _Names(ast.NodeVisitor):
    """Collects names, but for those of types: annotations, bases and ``isinstance``."""

    def __init__(self) -> None:
        self.found: dict[str, None] = {}

    def visit_Name(self, node: ast.Name) -> None:
        self.found[node.id] = None

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if name := dotted(node):
            self.found[name] = None
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if dotted(node.func) not in ("isinstance", "issubclass"):
            self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> None:
        pass

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.visit(node.args)
        for each in node.body:
            self.visit(each)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for each in node.body:
            self.visit(each)


def _names(node: ast.AST) -> list[str]:
    names = _Names()
    names.visit(node)
    return list(names.found)
