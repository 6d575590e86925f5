"""The models of a project: which can be built without arguments, and in which order."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archlint.project.discover.constructor_arguments import Arguments
from archlint.project.discover.model_definitions import Candidate, ModelFinder
from archlint.project.discover.name_lookup import Definition, Project
from archlint.project.discover.python_files import File, notebooks_with_models, python_files
from archlint.project.discover.submodels import wholes_of

ABOUT = 80  # characters of a docstring


@dataclass(frozen=True)
class DiscoveredModel:
    """A model of the project, and the arguments to make it with."""

    name: str  # unique, and a valid name in a rule file
    definition: Definition
    arguments: Arguments = field(default=Arguments(), compare=False)
    parts: int = field(default=0, compare=False)  # how many models of the project it uses

    @property
    def needs(self) -> tuple[str, ...]:
        """Its required arguments whose values are not known."""
        return self.arguments.needs

    def target(self, rules: Path) -> str:
        """The target of the model in a rule file in the folder ``rules``."""
        return _target(self.definition, rules)

    def kwargs(self, rules: Path) -> dict[str, Any]:
        """Its arguments in a rule file in the folder ``rules``, with ``...`` for unknown values."""
        return self.arguments.as_data(lambda definition: _target(definition, rules))

    @property
    def about(self) -> str:
        """The first line of its docstring."""
        doc = ast.get_docstring(self.definition.node) or ""
        line = re.sub(
            r"\s+|[^\x20-\x7e\xa0-\ud7ff\ue000-\ufefe]", " ", doc.partition("\n")[0]
        ).strip()
        return line if len(line) <= ABOUT else line[: ABOUT - 1] + "…"


@dataclass(frozen=True)
class Discovery:
    """The models of a project, as its source defines them."""

    buildable: dict[DiscoveredModel, set[DiscoveredModel]]  # part -> models that use it
    needing: list[DiscoveredModel]  # with required arguments, part of no other; most parts first
    files: int
    unread: dict[File, str]
    notebooks: list[Path]  # that define models

    def ready(
        self, tried: Collection[DiscoveredModel], failed: Collection[DiscoveredModel]
    ) -> list[DiscoveredModel]:
        """The models to try next: those that only models that failed use."""
        return [
            part
            for part, wholes in self.buildable.items()
            if part not in tried and wholes <= set(failed)
        ]


def discover(place: Path, root: Path, taken: Collection[str] = ()) -> Discovery:
    """Find the models under a folder or in a file of the project ``root``.

    ``taken``: names that no model gets.
    """
    files = list(python_files(place, root))
    project = Project(files)
    candidates = list(ModelFinder(project).candidates())
    wholes = wholes_of([c.definition for c in candidates], project)
    parts = Counter(whole for users in wholes.values() for whole in users)
    models = {m.definition: m for m in _named(candidates, taken, parts)}
    # A model with required arguments is not tried itself, so its parts are tried instead.
    buildable = {
        model: {models[w] for w in wholes[definition] if not models[w].needs}
        for definition, model in models.items()
        if not model.needs
    }
    needing = [
        model
        for definition, model in models.items()
        if model.needs and all(_is_function(w) and models[w].needs for w in wholes[definition])
    ]
    needing.sort(key=lambda m: (_is_function(m.definition), -m.parts))
    return Discovery(buildable, needing, len(files), project.unread, notebooks_with_models(place))


def _is_function(definition: Definition) -> bool:
    return isinstance(definition.node, ast.FunctionDef)


def _target(definition: Definition, rules: Path) -> str:
    return definition.source.file.target(definition.name, rules)


def _named(
    candidates: Collection[Candidate], taken: Collection[str], parts: Mapping[Definition, int]
) -> list[DiscoveredModel]:
    """The models with unique names: the module is prepended to a name that occurs twice."""
    names = [_word(c.definition.name) for c in candidates]
    count = Counter(names)
    used = Counter(taken)
    models = []
    for candidate, name in zip(candidates, names, strict=True):
        if count[name] > 1:
            name = f"{_word(candidate.definition.source.file.module)}.{name}"
        used[name] += 1
        name += f"-{used[name]}" * (used[name] > 1)
        definition = candidate.definition
        models.append(DiscoveredModel(name, definition, candidate.arguments, parts[definition]))
    return models


def _word(name: str) -> str:
    """The name with only the characters that names in rule files may have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)
