"""The line of the user's code that makes a layer."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator

from torch import nn

from archlint.runtime.code_owner import is_user_code


def made_at(model: nn.Module, path: str, maker: object = None) -> str:
    """``file:line`` where the module at ``path`` is assigned, or empty.

    A layer inside a ``Sequential`` is made where that is assigned; failing that, the line is that
    of the class around it, or of ``maker``, the function that makes the model.
    """
    for owner, name in _owners(model, path):
        found = _assigned(type(owner), name)
        if found:
            return found
    for owner, _ in _owners(model, path):
        found = _defined(type(owner))
        if found:
            return found
    return _defined(maker) or _defined(type(model))


def _owners(model: nn.Module, path: str) -> Iterator[tuple[nn.Module, str]]:
    """The modules around one, from the innermost, each with the name of the child on the way."""
    parts = path.split(".") if path else []
    for i in reversed(range(len(parts))):
        yield model.get_submodule(".".join(parts[:i])), parts[i]


def _assigned(kind: type, name: str) -> str:
    for base in kind.__mro__:
        file, lines, start = _source(base)
        if not lines:
            continue
        try:
            tree = ast.parse(textwrap.dedent("".join(lines)))
        except SyntaxError:
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


def _defined(what: object) -> str:
    file, lines, start = _source(what)
    return f"{file}:{start}" if lines else ""


def _source(what: object) -> tuple[str, list[str], int]:
    """File, lines and first line of a class or function of the user's, else no lines."""
    try:
        file = inspect.getsourcefile(what) or ""  # type: ignore[arg-type]
        if not file or not is_user_code(file):
            return "", [], 0
        lines, start = inspect.getsourcelines(what)  # type: ignore[arg-type]
    except (TypeError, OSError):
        return "", [], 0
    return file, lines, start
