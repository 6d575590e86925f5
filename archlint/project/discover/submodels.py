"""Finds the models that are parts of other models."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from archlint.project.discover.name_lookup import Definition, Project, dotted_name

Uses = dict[Definition, set[Definition]]


def wholes_of(models: Collection[Definition], project: Project) -> Uses:
    """For each model, the other models that it is a part of.

    Two models that use each other are not parts of each other.
    """
    uses = {d: set(_named(d, project, set())) for d in project.definitions()}
    reached = {model: _reached(model, uses) for model in models}
    return {
        part: {u for u in models if part in reached[u] and u not in reached[part] and u is not part}
        for part in models
    }


def _reached(start: Definition, uses: Uses) -> set[Definition]:
    """All definitions that ``start`` uses, directly or indirectly."""
    reached: set[Definition] = set()
    todo = [start]
    while todo:
        new = uses[todo.pop()] - reached
        reached |= new
        todo += new
    return reached


def _named(definition: Definition, project: Project, seen: set[Definition]) -> Iterator[Definition]:
    """The definitions that its body, or that of a base class, names; not the base classes."""
    node = definition.node
    seen.add(definition)
    bases: list[Definition] = []
    if isinstance(node, ast.ClassDef):
        meanings = [project.resolve(definition.source, dotted_name(b)) for b in node.bases]
        bases = [m for m in meanings if isinstance(m, Definition) and m not in seen]
    for base in bases:
        yield from _named(base, project, seen)
    for name in _names(node):
        meaning = project.resolve(definition.source, name)
        if isinstance(meaning, Definition) and meaning not in seen:
            yield meaning


class _Names(ast.NodeVisitor):
    """Collects names, except in annotations, base classes and ``isinstance``."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}

    def visit_Name(self, node: ast.Name) -> None:
        self.names[node.id] = None

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if name := dotted_name(node):
            self.names[name] = None
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if dotted_name(node.func) not in ("isinstance", "issubclass"):
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
    return list(names.names)
