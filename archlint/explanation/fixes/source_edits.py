"""Places in the user's source that a fix changes: expressions of Python, values of YAML.

Both are located in a syntax tree with positions, of :mod:`ast` and of PyYAML, and replaced as spans
of the text. No tree is printed, so all else stays as it is, byte by byte.
"""

from __future__ import annotations

import ast
import gc
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml

from archlint.explanation.fixes.edit import Edit, SourceText, Span

Function = types.FunctionType
_FLATTENS = ("flatten", "view", "reshape", "rearrange", "unflatten")


@dataclass(frozen=True)
class Definition:
    """The definition of a function in its file."""

    function: Function
    source: SourceText
    tree: ast.FunctionDef

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Where an expression is in the text."""
        start = self.source.offset(node.lineno, node.col_offset)
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return start, self.source.offset(node.end_lineno, node.end_col_offset)

    def text(self, node: ast.expr) -> str:
        start, end = self.span(node)
        return self.source.text[start:end]


def functions_of(code: types.CodeType) -> list[Function]:
    """The functions that are running where ``code`` is: its own, or those that it is nested in."""
    found = [f for f in gc.get_objects() if type(f) is Function and _contains(f.__code__, code)]
    own = [f for f in found if f.__code__ is code]
    return own or found


def _contains(outer: types.CodeType, code: types.CodeType) -> bool:
    if outer is code:
        return True
    inner = (c for c in outer.co_consts if isinstance(c, types.CodeType))
    return outer.co_filename == code.co_filename and any(_contains(c, code) for c in inner)


def definition_of(function: Callable[..., object]) -> Definition | None:
    """The definition of a function; ``None`` without a file, or if the file has changed."""
    if not isinstance(function, Function):
        return None
    try:
        source = SourceText(Path(function.__code__.co_filename))
        tree = ast.parse(source.text)
    except (OSError, SyntaxError, ValueError):
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__:
            start = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if start == function.__code__.co_firstlineno:
                return Definition(function, source, node)
    return None


def flatten_spans(found: Definition, line: int, pool: str) -> Iterator[list[Span]]:
    """Edits that call ``pool`` (``adaptive_avg_pool2d({}, (7, 7))``) on what ``line`` flattens.

    None if the line does not show clearly which tensor that is.
    """
    calls = [
        node
        for node in ast.walk(found.tree)
        if isinstance(node, ast.Call)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
        and _flattened(node) is not None
    ]
    inner = [c for c in calls if not any(_flattened(c) is other for other in calls)]
    if len(inner) != 1:
        return
    call = inner[0]
    tensor = _flattened(call)
    assert tensor is not None
    words, used, imported = found.text(tensor), *_functional(found)
    pooled = f"{used}.{pool.format(words)}"
    statement = _own_line(found, call) if isinstance(tensor, ast.Name) else None
    if statement is not None:
        start = found.source.offset(statement.lineno, statement.col_offset)
        indent = found.source.text[found.source.line_start(start) : start]
        line_end = found.source.newline(start)
        yield [*imported, (start, start, f"{words} = {pooled}{line_end}{indent}")]
    yield [*imported, (*found.span(tensor), pooled)]
    outer = next(c for c in calls if not any(c is _flattened(o) for o in calls))
    yield [*imported, (*found.span(outer), f"{pooled}.flatten(1)")]


def _flattened(call: ast.Call) -> ast.expr | None:
    """The tensor that a call makes flat, if it is such a call."""
    function = call.func
    if isinstance(function, ast.Call):  # nn.Flatten()(x)
        return call.args[0] if _name(function.func) == "Flatten" and call.args else None
    if _name(function) not in _FLATTENS:
        return None
    base = function.value if isinstance(function, ast.Attribute) else None
    if base is not None and ast.unparse(base) not in ("torch", "einops", "torch.Tensor", "Tensor"):
        return base
    named = {k.arg: k.value for k in call.keywords}
    return call.args[0] if call.args else named.get("input", named.get("tensor"))


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def _own_line(found: Definition, inner: ast.expr) -> ast.stmt | None:
    """The simple statement that evaluates ``inner``, if it is the first on its line."""
    simple = (ast.Assign, ast.Return, ast.Expr, ast.AnnAssign, ast.AugAssign)
    scopes = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.IfExp)
    around = [n for n in ast.walk(found.tree) if any(c is inner for c in ast.walk(n))]
    if any(isinstance(n, scopes) for n in around):
        return None
    statement = next((n for n in around if isinstance(n, simple)), None)
    if statement is None:
        return None
    start = found.source.offset(statement.lineno, statement.col_offset)
    return (
        statement if not found.source.text[found.source.line_start(start) : start].strip() else None
    )


def added_spans(found: Definition, line: int, attribute: str, words: str) -> list[Span]:
    """Replace ``self.ATTRIBUTE`` in the only sum of it at ``line`` by ``words``.

    ``words`` is a call of ``torch.nn.functional`` in which ``{}`` is the other summand. Empty if
    there is no such sum, or if the other summand takes more than a name to write.
    """
    sums = []
    for node in ast.walk(found.tree):
        if not node_at(node, line):
            continue
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            sums += [(node.left, node.right), (node.right, node.left)]
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
            sums.append((node.target, node.value))
    sums = [(x, own) for x, own in sums if ast.unparse(own) == f"self.{attribute}"]
    if len(sums) != 1:
        return []
    other, own = sums[0]
    used, imported = _functional(found)
    if isinstance(other, ast.Name):
        return [*imported, (*found.span(own), f"{used}.{words.format(other.id)}")]
    name = "features"
    both = f"({name} := {found.text(other)})"
    if found.span(other) > found.span(own):
        return []  # the sum evaluates the table first
    put = (*found.span(own), f"{used}.{words.format(name)}")
    return [*imported, (*found.span(other), both), put]


def node_at(node: ast.AST, line: int) -> bool:
    """Whether a part of the tree covers a line."""
    first = getattr(node, "lineno", 0)
    return first <= line <= (getattr(node, "end_lineno", None) or first)


def constructor_spans(
    function: Callable[..., object], pool: str
) -> Iterator[tuple[Definition, list[Span]]]:
    """Put ``pool`` (``AdaptiveAvgPool2d((7, 7))``) before each ``nn.Flatten`` that is created.

    A ``Sequential`` of both takes its place, so that no other layer changes its name.
    """
    found = definition_of(function)
    for node in ast.walk(found.tree) if found else ():
        if found and isinstance(node, ast.Call) and _name(node.func) == "Flatten":
            home, imported = _module(found, torch.nn, "torch.nn")
            words = f"{home}.Sequential({home}.{pool}, {found.text(node)})"
            yield found, [*imported, (*found.span(node), words)]


def _functional(found: Definition) -> tuple[str, list[Span]]:
    """The name of ``torch.nn.functional`` in the function's module, and the import of a new one."""
    for name, value in found.function.__globals__.items():
        if value is torch.nn.functional:
            return name, []
    home, imported = _module(found, torch.nn, "torch.nn")
    return f"{home}.functional", imported


def _module(found: Definition, module: types.ModuleType, path: str) -> tuple[str, list[Span]]:
    for name, value in found.function.__globals__.items():
        if value is module and name.isidentifier():
            return name, []
    for name, value in found.function.__globals__.items():
        if value is torch and name.isidentifier():
            return f"{name}.nn", []
    for node in ast.parse(found.source.text).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)) and (
            getattr(node, "module", "") != "__future__"
        ):
            at = found.source.offset(node.lineno, node.col_offset)
            return path, [(at, at, f"import {path}{found.source.newline(at)}")]
    return path, []


def recompiled(function: Function, edit: Edit) -> types.CodeType | None:
    """The code of ``function`` after the edit; ``None`` if it does not fit the function."""
    old = function.__code__
    try:
        todo = [compile(edit.after, str(edit.file), "exec", dont_inherit=True)]
    except (SyntaxError, ValueError):
        return None
    while todo:
        code = todo.pop()
        todo += [c for c in code.co_consts if isinstance(c, types.CodeType)]
        same = (code.co_name, code.co_freevars) == (old.co_name, old.co_freevars)
        if same and code.co_firstlineno - old.co_firstlineno == _shift(edit, old.co_firstlineno):
            return code
    return None


def _shift(edit: Edit, line: int) -> int:
    """By how many lines an import at the top moves a line."""
    before = edit.before.splitlines()[: line - 1]
    after = edit.after.splitlines()[:line]
    return int(bool(before) and after[: line - 1] != before)


def rule_file_edit(file: Path, line: int, key: str, value: str) -> Edit | None:
    """Change the value of ``key`` in a mapping of a rule file, which starts at ``line`` or has the
    key there. ``None`` if there is no such value, or if it is an anchor or an alias.
    """
    try:
        source = SourceText(file)
        top = yaml.compose(source.text, Loader=yaml.SafeLoader)
    except (OSError, ValueError, SyntaxError, yaml.YAMLError):
        return None
    for mapping in _mappings(top):
        for name, node in mapping.value:
            lines = (mapping.start_mark.line, name.start_mark.line)
            if name.value != key or line - 1 not in lines:
                continue
            start, end = node.start_mark.index, node.end_mark.index
            old = source.text[start:end]
            if old[:1] in tuple("&*!") or start < name.end_mark.index:
                return None
            after = old[len(old.rstrip()) :]  # a block scalar ends behind its last line
            quoted = old[:1] in tuple("'\"") or mapping.flow_style
            new = f'"{value}"' if quoted and value[:1] != "{" else value
            return source.edited([(start, end, new + after)])
    return None


def _mappings(node: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for name, value in node.value:
            yield from _mappings(name)
            yield from _mappings(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _mappings(item)
