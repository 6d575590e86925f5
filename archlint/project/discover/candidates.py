"""The models of a project in the order in which they are tried, and those that are left out."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from archlint.project.discover.model_definitions import Candidate, Models
from archlint.project.discover.name_lookup import Definition, Project
from archlint.project.discover.python_files import File, python_files
from archlint.project.discover.submodels import users

ABOUT = 80  # characters of what a model says of itself


@dataclass(frozen=True)
class Found:
    """A model of the project. ``needs``: what it must be given."""

    name: str  # what a rule file may call it; unique
    definition: Definition
    needs: tuple[str, ...] = ()

    def target(self, rules: Path) -> str:
        """What a rule file in the folder ``rules`` writes for it."""
        return self.definition.source.file.target(self.definition.name, rules)

    @property
    def about(self) -> str:
        """The first line of its docstring."""
        doc = ast.get_docstring(self.definition.node) or ""
        line = re.sub(
            r"\s+|[^\x20-\x7e\xa0-\ud7ff\ue000-\ufefe]", " ", doc.partition("\n")[0]
        ).strip()
        return line if len(line) <= ABOUT else line[: ABOUT - 1] + "…"


@dataclass(frozen=True)
class Discovered:
    """What the source of a project tells of its models."""

    buildable: dict[Found, set[Found]]  # without arguments -> those that it is a part of
    needing: list[Found]  # part of no other, and built with arguments only
    files: int
    unread: dict[File, str]

    def ready(self, asked: Collection[Found], failed: Collection[Found]) -> list[Found]:
        """Those to ask next: parts of none but models that failed."""
        return [
            part
            for part, wholes in self.buildable.items()
            if part not in asked and wholes <= set(failed)
        ]


def discover(place: Path, root: Path) -> Discovered:
    """The models under a folder or in a file of the project ``root``. Runs no code of it."""
    files = list(python_files(place, root))
    project = Project(files)
    candidates = list(Models(project).candidates())
    used = users([c.definition for c in candidates], project)
    found = {c.definition: f for c, f in zip(candidates, _named(candidates), strict=True)}
    # What can only be built with arguments is not asked, so it hides no part of its own.
    buildable = {
        model: {found[u] for u in used[definition] if not found[u].needs}
        for definition, model in found.items()
        if not model.needs
    }
    needing = [model for definition, model in found.items() if model.needs and not used[definition]]
    return Discovered(buildable, needing, len(files), project.unread)


def _named(candidates: Collection[Candidate]) -> list[Found]:
    """Each under its own name, or that of its module too where two have one name."""
    names = [_word(c.definition.name) for c in candidates]
    often = Counter(names)
    made: Counter[str] = Counter()
    found = []
    for candidate, name in zip(candidates, names, strict=True):
        if often[name] > 1:
            name = f"{_word(candidate.definition.source.file.module)}.{name}"
        made[name] += 1
        name += f"-{made[name]}" * (made[name] > 1)
        found.append(Found(name, candidate.definition, candidate.needs))
    return found


def _word(name: str) -> str:
    """With only those characters that a rule file's names have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)
