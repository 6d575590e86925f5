"""Edits of the user's source: a call inserted in a method or a constructor."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from archlint.explanation.fixes.proposal import Edit

Function = types.FunctionType


def method_of(module: object, code: types.CodeType) -> tuple[str, Function] | None:
    """The method of ``module`` that ``code`` belongs to, with its name."""
    for kind in type(module).__mro__:
        for name, value in vars(kind).items():
            if isinstance(value, Function) and value.__code__ is code:
                return name, value
    return None


def flatten_edit(function: Function, line: int, pool: str) -> Edit | None:
    """Call ``pool`` (``adaptive_avg_pool2d({}, (7, 7))``) on the tensor that ``line`` flattens.

    ``None`` if the line does not show clearly which tensor that is.
    """
    file, text, tree = _parsed(function)
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("flatten", "view", "reshape")
    ]
    prefix = _functional(function)
    if file is None or len(calls) != 1 or not prefix:
        return None
    call = calls[0]
    assert isinstance(call.func, ast.Attribute)
    base = call.func.value
    of_torch = isinstance(base, ast.Name) and base.id == "torch"
    tensor = call.args[0] if of_torch and call.args else base
    if of_torch and not call.args:
        return None
    lines = text.splitlines(keepends=True)
    statement = _statement(tree, call)
    words = ast.get_source_segment(text, tensor) or ""
    if isinstance(tensor, ast.Name) and statement is not None:
        at = statement.lineno - 1
        first = lines[at]
        indent = first[: len(first) - len(first.lstrip())]
        lines.insert(at, f"{indent}{words} = {prefix}.{pool.format(words)}\n")
        return Edit(file, text, "".join(lines))
    return Edit(file, text, _replaced(text, tensor, f"{prefix}.{pool.format(words)}"))


def added_edit(function: Function, line: int, attribute: str, words: str) -> Edit | None:
    """Replace ``self.ATTRIBUTE`` in the one sum of it and a name at ``line`` by ``words``.

    ``words`` is a call of ``torch.nn.functional`` in which ``{}`` is the other name.
    """
    file, text, tree = _parsed(function)
    sums = [
        pair
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add)
        for pair in ((node.left, node.right), (node.right, node.left))
        if node.lineno <= line <= (node.end_lineno or node.lineno)
        and isinstance(pair[0], ast.Name)
        and ast.unparse(pair[1]) == f"self.{attribute}"
    ]
    prefix = _functional(function)
    if file is None or len(sums) != 1 or not prefix:
        return None
    other, own = sums[0]
    call = f"{prefix}.{words.format(ast.unparse(other))}"
    return Edit(file, text, _replaced(text, own, call))


def constructor_edit(function: Callable[..., Any], pool: str) -> Edit | None:
    """Put ``pool`` (``AdaptiveAvgPool2d((7, 7))``) before the only ``nn.Flatten`` that is created.

    A ``Sequential`` of both takes its place, so that no other layer changes its name.
    """
    if not isinstance(function, Function):
        return None
    file, text, tree = _parsed(function)
    made = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "Flatten"
    ]
    if file is None or len(made) != 1:
        return None
    call = made[0]
    assert isinstance(call.func, ast.Attribute)
    home = ast.get_source_segment(text, call.func.value)
    words = ast.get_source_segment(text, call)
    return Edit(file, text, _replaced(text, call, f"{home}.Sequential({home}.{pool}, {words})"))


def recompiled(function: Function, edit: Edit) -> Function | None:
    """``function`` compiled after the edit; ``None`` if it has a closure or no definition."""
    if function.__code__.co_freevars:
        return None
    node = _definition(ast.parse(edit.after), function)
    if node is None:
        return None
    start = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    lines = edit.after.splitlines(keepends=True)[start - 1 : node.end_lineno]
    source = "\n" * (start - 1) + textwrap.dedent("".join(lines))
    namespace: dict[str, Any] = {}
    exec(compile(source, str(edit.file), "exec"), function.__globals__, namespace)
    made = namespace.get(function.__name__)
    return made if isinstance(made, Function) else None


def _parsed(function: Function) -> tuple[Path | None, str, ast.AST]:
    """The function's file, the file's text, and the function's own part of the tree."""
    nothing = (None, "", ast.Module([], []))
    try:
        file = Path(inspect.getsourcefile(function) or "")
        text = file.read_text(encoding="utf-8")
        node = _definition(ast.parse(text), function)
    except (OSError, TypeError, SyntaxError, UnicodeDecodeError):
        return nothing
    return (file, text, node) if node is not None else nothing


def _definition(tree: ast.AST, function: Function) -> ast.FunctionDef | None:
    first = function.__code__.co_firstlineno
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__:
            start = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if start == first:
                return node
    return None


def _statement(tree: ast.AST, inner: ast.AST) -> ast.stmt | None:
    """The simple statement that holds ``inner`` in its own block."""
    innermost = None
    for node in _statements(tree):
        if isinstance(node, (ast.Assign, ast.Return, ast.Expr, ast.AnnAssign)) and any(
            n is inner for n in ast.walk(node)
        ):
            innermost = node
    return innermost


def _statements(tree: ast.AST) -> Iterator[ast.stmt]:
    return (n for n in ast.walk(tree) if isinstance(n, ast.stmt))


def _replaced(text: str, node: ast.expr, words: str) -> str:
    start = _offset(text, node.lineno, node.col_offset)
    end = _offset(text, node.end_lineno or node.lineno, node.end_col_offset or 0)
    return text[:start] + words + text[end:]


def _offset(text: str, line: int, column: int) -> int:
    """The offset in ``text`` of a position of the tree, whose columns count bytes."""
    lines = text.splitlines(keepends=True)
    before = lines[line - 1].encode()[:column].decode()
    return sum(map(len, lines[: line - 1])) + len(before)


def _functional(function: Function) -> str:
    """The name of ``torch.nn.functional`` in the function's module."""
    import torch

    for name, value in function.__globals__.items():
        if value is torch.nn.functional:
            return name
    for name, value in function.__globals__.items():
        if value is torch.nn:
            return f"{name}.functional"
        if value is torch:
            return f"{name}.nn.functional"
    return ""


def rule_file_edit(file: Path, line: int, key: str, value: str) -> Edit | None:
    """Change the value of ``key`` in the item of a rule file that starts at ``line``."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    lines = text.splitlines(keepends=True)
    if not 1 <= line <= len(lines):
        return None
    head = re.match(r"(\s*)-\s", lines[line - 1])
    head_of_value = rf"(\s*(?:-\s+)?{re.escape(key)}:[ \t]*)"
    for i in range(line - 1, len(lines)):
        if i >= line and head and re.match(rf"{head[1]}-\s|\S", lines[i]):
            return None
        match = re.match(rf"{head_of_value}([^#\n]*?)([ \t]*(?:#.*)?\n?)$", lines[i])
        if match and match[2] and match[2][0] not in "|>&*{[":
            lines[i] = f"{match[1]}{value}{match[3]}"
            return Edit(file, text, "".join(lines))
    return None
