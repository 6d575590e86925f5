"""Finds definitions of models: subclasses of ``nn.Module``, and functions that return one.

The source only selects candidates; whether one is a model shows when it is built.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from archlint.project.discover.call_arguments import Calls
from archlint.project.discover.constructor_arguments import Arguments, arguments_of, names_of
from archlint.project.discover.name_lookup import Definition, Project, Source, dotted_name

# Names of other libraries that are, or return, an nn.Module.
LIBRARIES = ("torch.nn.", "torchvision.models.", "timm.")
_LAYERS = re.compile(
    r"torch\.nn\.(Conv|Linear$|Bilinear|Embedding|LSTM|GRU|RNN|MultiheadAttention|\w*Norm|\w*Pool|"
    r"Transformer(En|De)coder)"
)
"""Layers of PyTorch that need arguments."""
_NO_MODULES = ("torch.nn.functional.", "torch.nn.init.", "torch.nn.utils.", "torch.nn.Parameter")


@dataclass(frozen=True)
class Candidate:
    """A definition that makes a model, and the arguments to call it with."""

    definition: Definition
    arguments: Arguments


class ModelFinder:
    """Finds the definitions of models in the source of a project."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._returns = lru_cache(maxsize=None)(self._returns_model)
        self._derives = lru_cache(maxsize=None)(self._derives_model)
        self._busy: set[Definition] = set()
        self._calls = Calls(project)

    def candidates(self) -> Iterator[Candidate]:
        """The public classes and functions that make models, in the order of the files."""
        for definition in self._project.definitions():
            if definition.name.startswith("_") or not self._makes(definition):
                continue
            if isinstance(definition.node, ast.FunctionDef):
                arguments = arguments_of(definition.node, 0, definition, self._project)
                yield Candidate(definition, arguments)
            elif self._runs(definition):
                yield Candidate(definition, self._arguments(definition))

    def _makes(self, definition: Definition) -> bool:
        """Whether it is a module class or a function that returns a module."""
        if definition in self._busy:  # a circular base class or call
            return False
        self._busy.add(definition)
        try:
            of_class = isinstance(definition.node, ast.ClassDef)
            return self._derives(definition) if of_class else self._returns(definition)
        finally:
            self._busy.discard(definition)

    def _derives_model(self, definition: Definition) -> bool:
        return any(self._is_module(definition.source, base) for base in self._bases(definition))

    def _is_module(self, source: Source, name: str) -> bool:
        meaning = self._project.resolve(source, name)
        if isinstance(meaning, Definition):
            return isinstance(meaning.node, ast.ClassDef) and self._makes(meaning)
        return _of_library(meaning) or meaning.endswith("Module")  # such as LightningModule

    def _returns_model(self, definition: Definition) -> bool:
        function, source = definition.node, definition.source
        if not isinstance(function, ast.FunctionDef) or function.decorator_list:
            return False
        inside = list(_nodes(function))
        if any(isinstance(n, (ast.Yield, ast.YieldFrom)) or _trains(n) for n in inside):
            return False
        if function.returns is not None and (name := dotted_name(function.returns)):
            return self._is_module(source, name)
        models = {
            target.id
            for node in inside
            if isinstance(node, ast.Assign) and self._is_model(source, node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        returned = [n.value for n in inside if isinstance(n, ast.Return) and n.value is not None]
        return any(
            self._is_model(source, value) or (isinstance(value, ast.Name) and value.id in models)
            for value in returned
        )

    def _is_model(self, source: Source, value: ast.expr) -> bool:
        """Whether an expression calls something that makes a model."""
        if not isinstance(value, ast.Call) or not (name := dotted_name(value.func)):
            return False
        meaning = self._project.resolve(source, name)
        if isinstance(meaning, Definition):
            return self._makes(meaning)
        return _of_library(meaning)

    def _runs(self, definition: Definition) -> bool:
        """Whether the class has a ``forward``, own or inherited, and no abstract method."""
        classes, outside = self._lineage(definition)
        if any(_abstract(node) for node in definition.node.body):
            return False
        if any(map(_LAYERS.match, outside)) and not any(_method(c, "__init__") for c in classes):
            return False  # a layer whose arguments are those of PyTorch
        own = any(_method(c, "forward") for c in classes)
        return own or any(not name.endswith("Module") for name in outside)

    def _arguments(self, definition: Definition) -> Arguments:
        """The arguments of the class's ``__init__``, own or inherited."""
        for each in self._lineage(definition)[0]:
            if method := _method(each, "__init__"):
                arguments = arguments_of(method, 1, each, self._project)
                if not arguments.needs:
                    return arguments
                stated = self._calls.arguments(definition, names_of(method, 1), arguments.needs)
                needs = () if stated else arguments.needs
                return Arguments({**arguments.values, **stated}, needs)
        return Arguments()

    def _lineage(self, definition: Definition) -> tuple[list[Definition], list[str]]:
        """The class and its base classes in the project, and the names of other base classes."""
        classes: list[Definition] = []
        outside: list[str] = []
        todo = [definition]
        while todo:
            each = todo.pop(0)
            if each in classes:
                continue
            classes.append(each)
            for base in self._bases(each):
                meaning = self._project.resolve(each.source, base)
                if isinstance(meaning, Definition):
                    todo.append(meaning)
                else:
                    outside.append(meaning)
        return classes, outside

    def _bases(self, definition: Definition) -> list[str]:
        if not isinstance(definition.node, ast.ClassDef):
            return []
        return [name for base in definition.node.bases if (name := dotted_name(base))]


def _of_library(name: str) -> bool:
    return name.startswith(LIBRARIES) and not name.startswith(_NO_MODULES)


def _nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function, without those of nested functions and classes."""
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop(0)
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Lambda)):
            todo += ast.iter_child_nodes(node)


def _trains(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "backward"


def _method(definition: Definition, name: str) -> ast.FunctionDef | None:
    for node in definition.node.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    return None


def _abstract(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and any(
        dotted_name(d).rpartition(".")[2] == "abstractmethod" for d in node.decorator_list
    )
