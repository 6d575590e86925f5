"""Whether a cached verdict is stale: what it depends on outside of its contract has changed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from archlint.runner.cache.environment_key import importable, other_module_names
from archlint.runner.cache.path_questions import answer
from archlint.runner.cache.store import digest
from archlint.runner.resources import SET_VARIABLES

CHANGED = "changed"
"""In place of a digest: the file changed during the run, so the verdict cannot be cached."""

ALL_VARIABLES = "*"
_ABSENT = "absent"


@dataclass
class Dependencies:
    """What a verdict depends on, by absolute path.

    ``files``: the digest of each file that was read. ``answers``: for each question of
    :mod:`.path_questions`, the answer about each path. ``environment``: the digest of each
    environment variable that was read. ``searched``: for each folder that imports searched, the
    module names that they searched for. ``on_path``: those of the folders that were on
    ``sys.path``, where a new file can also hide an installed or standard module.
    """

    files: dict[str, str] = field(default_factory=dict)
    answers: dict[str, dict[str, str]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    searched: dict[str, set[str]] = field(default_factory=dict)
    on_path: set[str] = field(default_factory=set)

    def add_file(self, file: str, file_digest: str) -> None:
        """Record that a file with this digest was read."""
        if self.files.setdefault(file, file_digest) != file_digest:
            self.files[file] = CHANGED

    def add_answer(self, question: str, path: str) -> None:
        """Record that the question was asked about the path."""
        now = answer(question, path)
        answers = self.answers.setdefault(question, {})
        if answers.setdefault(path, now) != now:
            answers[path] = CHANGED

    def changed(self) -> bool:
        """Whether something changed during the run."""
        return CHANGED in self.files.values() or any(
            CHANGED in answers.values() for answers in self.answers.values()
        )

    def to_json(self) -> dict[str, Any]:
        """The dependencies as JSON data, for :meth:`CurrentFiles.unchanged`."""
        return {
            "files": dict(sorted(self.files.items())),
            "answers": {q: dict(sorted(a.items())) for q, a in sorted(self.answers.items())},
            "environment": dict(sorted(self.environment.items())),
            "searched": {
                folder: {
                    "names": sorted(names),
                    "on_path": folder in self.on_path,
                    "present": _present(folder, importable(folder), names, folder in self.on_path),
                }
                for folder, names in sorted(self.searched.items())
            },
        }


class CurrentFiles:
    """The user's files as they are now; each file and folder is read at most once."""

    def __init__(self) -> None:
        self._digest = lru_cache(None)(digest_of)
        self._answer = lru_cache(None)(answer)
        self._importable = lru_cache(None)(importable)
        self._variables = dict(os.environ)

    def digests(self, files: Iterable[str]) -> dict[str, str]:
        """The digest of each file."""
        return {file: self._digest(file) for file in files}

    def unchanged(self, dependencies: Mapping[str, Any]) -> bool:
        """Whether nothing has changed since :meth:`Dependencies.to_json` was called."""
        return (
            self.digests(dependencies["files"]) == dependencies["files"]
            and all(
                self._answer(question, path) == before
                for question, answers in dependencies["answers"].items()
                for path, before in answers.items()
            )
            and all(
                variable_digest(name, self._variables) == before
                for name, before in dependencies["environment"].items()
            )
            and all(
                _present(folder, self._importable(folder), search["names"], search["on_path"])
                == search["present"]
                for folder, search in dependencies["searched"].items()
            )
        )


def digest_of(file: str) -> str:
    """The digest of a file's contents; a fixed word if it cannot be read."""
    if not os.path.isfile(file):
        return _ABSENT  # reading a FIFO or a device might never end
    try:
        with open(file, "rb") as opened:
            return digest(opened.read())
    except OSError:
        return _ABSENT


def variable_digest(name: str, variables: Mapping[str, str]) -> str:
    """The digest of an environment variable, or of all of them; a fixed word if it is not set."""
    if name == ALL_VARIABLES:
        lines = (f"{k}={v}" for k, v in sorted(variables.items()) if k not in SET_VARIABLES)
        return digest("\0".join(lines).encode(errors="surrogateescape"))
    if name not in variables:
        return _ABSENT
    return digest(f"{name}={variables[name]}".encode(errors="surrogateescape"))


def _present(
    folder: str, importable: Mapping[str, list[str]], searched: Iterable[str], on_path: bool
) -> list[str]:
    """What a folder contains of the ``searched`` modules, and of those that could be hidden.

    A folder with an ``__init__`` file hides a module of its name, one without does not.
    """
    wanted = set(searched).union(other_module_names()) if on_path else set(searched)
    present = [entry for name in wanted & importable.keys() for entry in importable[name]]
    packages = (e + "/" for e in present if os.path.exists(os.path.join(folder, e, "__init__.py")))
    return sorted([*present, *packages])
