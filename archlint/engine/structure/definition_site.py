"""The line of the user's code that creates a layer."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator

from torch import nn

from archlint.runtime.code_owner import is_user_code


def definition_site(model: nn.Module, path: str, maker: object = None) -> str:
    """``file:line`` where the module at ``path`` is assigned, or empty.

    For a layer inside a ``Sequential`` that is where the ``Sequential`` is assigned. If no
    assignment is found, it is the line of the class around it, or of ``maker``, the function that
    builds the model.
    """
    for owner, name in _owners(model, path):
        line = _assignment(type(owner), name)
        if line:
            return line
    for owner, _ in _owners(model, path):
        line = _definition(type(owner))
        if line:
            return line
    return _definition(maker) or _definition(type(model))


def _owners(model: nn.Module, path: str) -> Iterator[tuple[nn.Module, str]]:
    """The modules that contain one, innermost first, each with the name of the child inside it."""
    parts = path.split(".") if path else []
    modules = dict(model.named_modules())
    for i in reversed(range(len(parts))):
        owner = modules.get(".".join(parts[:i]))  # none for a module that forward makes
        if owner is not None:
            yield owner, parts[i]


def _assignment(kind: type, name: str) -> str:
    for base in kind.__mro__:
        file, lines, start = _source(base)
        if not lines:
            continue
        try:
            tree = ast.parse(textwrap.dedent("".join(lines)))
        except (SyntaxError, RecursionError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and _sets(node, name):
                return f"{file}:{start + node.lineno - 1}"
    return ""


def _sets(node: ast.Assign | ast.AnnAssign, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(
        isinstance(t, ast.Attribute)
        and t.attr == name
        and isinstance(t.value, ast.Name)
        and t.value.id == "self"
        for t in targets
    )


def _definition(what: object) -> str:
    file, lines, start = _source(what)
    return f"{file}:{start}" if lines else ""


def _source(what: object) -> tuple[str, list[str], int]:
    """File, lines and first line number of a user's class or function; otherwise no lines."""
    try:
        file = inspect.getsourcefile(what) or ""  # type: ignore[arg-type]
        if not file or not is_user_code(file):
            return "", [], 0
        lines, start = inspect.getsourcelines(what)  # type: ignore[arg-type]
    except (TypeError, OSError):
        return "", [], 0
    return file, lines, start
