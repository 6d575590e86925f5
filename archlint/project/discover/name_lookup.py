"""Resolves names in a project's source to definitions, following imports. Nothing runs."""

from __future__ import annotations

import ast
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Union

from archlint.project.discover.python_files import File

Node = Union[ast.ClassDef, ast.FunctionDef]
MAX_IMPORTS = 20  # imports of imports that are followed


@dataclass(eq=False)
class Definition:
    """A class or function at the top level of a file."""

    name: str
    node: Node
    source: Source

    @property
    def dotted(self) -> str:
        """Its dotted name from the root of its package."""
        return f"{self.source.file.module}.{self.name}"


@dataclass(eq=False)
class Source:
    """A parsed file: its definitions, imports and calls."""

    file: File
    definitions: dict[str, Definition] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)  # local name -> dotted name
    stars: list[str] = field(default_factory=list)  # modules of "from … import *"
    calls: list[tuple[str, ast.Call]] = field(default_factory=list)  # of dotted names


class Project:
    """The parsed files of a project."""

    def __init__(self, files: Iterable[File]) -> None:
        self.sources: list[Source] = []
        self.unread: dict[File, str] = {}  # why a file could not be read
        self._modules: dict[str, Source] = {}
        for file in files:
            try:
                source = _source(file)
            except (SyntaxError, ValueError, OSError, RecursionError, MemoryError) as e:
                self.unread[file] = str(e) or "it is nested too deeply"
                continue
            self.sources.append(source)
            self._modules.setdefault(file.imported or file.module, source)
            self._modules.setdefault(file.module, source)

    def definitions(self) -> Iterator[Definition]:
        """All definitions, file by file."""
        for source in self.sources:
            yield from source.definitions.values()

    def resolve(self, source: Source, name: str, followed: int = 0) -> Definition | str:
        """Resolve a dotted name in ``source``; ``followed`` counts the imports followed so far.

        Returns a definition of the project, else the dotted name that the imports lead to.
        """
        head, _, rest = name.partition(".")
        if head in source.definitions:
            return name if rest else source.definitions[head]
        if head in source.imports:
            full = ".".join(filter(None, (source.imports[head], rest)))
            return self._imported(full, followed + 1)
        for module in source.stars:
            starred = self._modules.get(module)
            if starred and starred is not source and followed < MAX_IMPORTS:
                meaning = self.resolve(starred, name, followed + 1)
                if isinstance(meaning, Definition):
                    return meaning
            elif not starred and module.startswith("torch.nn") and name[:1].isupper():
                return f"{module}.{name}"
        return name

    def _imported(self, dotted: str, followed: int) -> Definition | str:
        module, _, name = dotted.rpartition(".")
        rest = ""
        while module and followed < MAX_IMPORTS:
            source = self._modules.get(module)
            if source is not None:
                return self.resolve(source, name, followed) if not rest else dotted
            module, _, last = module.rpartition(".")
            name, rest = last, name
        return dotted


def dotted_name(node: ast.expr) -> str:
    """``a.b.c`` for a dotted name; empty for any other expression."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):  # an annotation in quotes
        return node.value if all(p.isidentifier() for p in node.value.split(".")) else ""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


def _source(file: File) -> Source:
    with tokenize.open(file.path) as opened:
        tree = ast.parse(opened.read(), str(file.path))
    source = Source(file)
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and (name := dotted_name(call.func)):
            source.calls.append((name, call))
    for node in _at_top(tree.body):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            source.definitions[node.name] = Definition(node.name, node, source)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                head = alias.name.partition(".")[0]
                source.imports[alias.asname or head] = alias.name if alias.asname else head
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(node, file)
            for alias in node.names:
                if alias.name == "*":
                    source.stars.append(module)
                else:
                    full = ".".join(filter(None, (module, alias.name)))
                    source.imports[alias.asname or alias.name] = full
    return source


def _at_top(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, including those under ``try`` and ``if``."""
    for node in body:
        if isinstance(node, (ast.Try, ast.If)) and not _is_main(node):
            yield from _at_top([*node.body, *node.orelse])
            for handler in getattr(node, "handlers", ()):
                yield from _at_top(handler.body)
        else:
            yield node


def _is_main(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.dump(node.test)


def _absolute(node: ast.ImportFrom, file: File) -> str:
    """The absolute name of the module of an import."""
    if not node.level:
        return node.module or ""
    parts = file.module.split(".")
    if file.path.name != "__init__.py":
        parts = parts[:-1]
    parts = parts[: len(parts) - (node.level - 1)]
    return ".".join(filter(None, (*parts, node.module)))
