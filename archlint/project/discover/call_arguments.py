"""Values for the arguments that a model needs: those of a call in the project, or usual ones."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from typing import Any

from archlint.project.discover.name_lookup import Definition, Project

_CLASSES = re.compile(r"^((num|n|number)_?class(es)?|class(es)?_num|nb_classes)$")
_CHANNELS = re.compile(r"^(in|input|n|num)_?(channels?|chans?|ch)$|^in_nc$")
_USUAL_CLASSES = 10
_USUAL_CHANNELS = 3
_WORD = re.compile(r"^\w{1,16}$", re.ASCII)
_NONE = object()


class Calls:
    """The calls of a project's own classes, by class, in the order of the files."""

    def __init__(self, project: Project) -> None:
        self._calls: dict[Definition, list[ast.Call]] = defaultdict(list)
        for source in project.sources:
            for name, call in source.calls:
                meaning = project.resolve(source, name)
                if isinstance(meaning, Definition) and isinstance(meaning.node, ast.ClassDef):
                    self._calls[meaning].append(call)

    def arguments(
        self, definition: Definition, parameters: list[str], needs: tuple[str, ...]
    ) -> dict[str, Any]:
        """Values for all of ``needs``, and for others that the same call states; else nothing.

        A call gives them if it states each as a literal; texts are to be words, as others may be
        files or names of downloads. Numbers of classes that no call states are 10, and input
        channels beside them 3.
        """
        for call in self._calls.get(definition, ()):
            values = _stated(call, parameters)
            if values is not None and values.keys() >= set(needs):
                return values
        usual = {name: _USUAL_CLASSES for name in needs if _CLASSES.match(name)}
        channels = {name: _USUAL_CHANNELS for name in needs if _CHANNELS.match(name)}
        complete = usual and usual.keys() | channels.keys() == set(needs)
        return {name: (usual | channels)[name] for name in needs} if complete else {}


def _stated(call: ast.Call, parameters: list[str]) -> dict[str, Any] | None:
    """The literal arguments of a call by parameter; ``None`` if it unpacks some."""
    if any(isinstance(a, ast.Starred) for a in call.args) or len(call.args) > len(parameters):
        return None
    nodes = dict(zip(parameters, call.args, strict=False))
    for keyword in call.keywords:
        if keyword.arg is None:
            return None
        nodes[keyword.arg] = keyword.value
    values = {name: _literal(node) for name, node in nodes.items() if name in parameters}
    return {name: value for name, value in values.items() if value is not _NONE}


def _literal(node: ast.expr) -> Any:
    try:
        return _plain(ast.literal_eval(node))
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _NONE


def _plain(value: Any) -> Any:
    """A literal as a rule file can have it; ``ValueError`` for others."""
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str) and _WORD.match(value):
        return value
    raise ValueError
