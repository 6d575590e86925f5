"""Places in the user's source that a fix changes: expressions of Python, values of YAML.

Both are located in a syntax tree with positions, of :mod:`ast` and of PyYAML, and replaced as spans
of the text. No tree is printed, so all else stays as it is, byte by byte.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml

from archlint.explanation.fixes.edit import Edit, SourceText, Span
from archlint.runtime.live_functions import functions_of_code
from archlint.tracing.python.rewritten_functions import functions_with
from archlint.tracing.trace import Call

Function = types.FunctionType
_FLATTENS = ("flatten", "view", "reshape", "rearrange", "unflatten")


@dataclass(frozen=True)
class Definition:
    """The definition of a function, or of a lambda, in its file."""

    function: Function
    source: SourceText
    tree: ast.FunctionDef | ast.Lambda

    def span(self, node: ast.expr) -> tuple[int, int]:
        """Where an expression is in the text."""
        start = self.source.offset(node.lineno, node.col_offset)
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return start, self.source.offset(node.end_lineno, node.end_col_offset)

    def value(self, node: ast.expr) -> object:
        """What a dotted name of a global stands for; ``None`` if it is anything else."""
        if isinstance(node, ast.Attribute):
            return getattr(self.value(node.value), node.attr, None)
        return self.function.__globals__.get(node.id) if isinstance(node, ast.Name) else None

    def text(self, node: ast.expr) -> str:
        start, end = self.span(node)
        return self.source.text[start:end]


def functions_of(code: types.CodeType) -> list[Function]:
    """The functions that are running where ``code`` is: its own, or those that it is nested in."""
    return functions_of_code(code) or functions_with(code)


def definition_of(function: Callable[..., object]) -> Definition | None:
    """The definition of a function; ``None`` without a file, or if the file has changed."""
    if not isinstance(function, Function):
        return None
    try:
        source = SourceText(Path(function.__code__.co_filename))
        tree = ast.parse(source.text)
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    first = function.__code__.co_firstlineno
    found: list[ast.FunctionDef | ast.Lambda] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name == function.__name__:
            start = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            found += [node] * (start == first)
        elif isinstance(node, ast.Lambda) and function.__name__ == "<lambda>":
            found += [node] * (node.lineno == first)
    if len(found) > 1:
        found = [node for node in found if _compiles_to(node, function.__code__)]
    return Definition(function, source, found[0]) if len(found) == 1 else None


def _compiles_to(node: ast.FunctionDef | ast.Lambda, code: types.CodeType) -> bool:
    """Whether a lambda without free variables has this code."""
    if not isinstance(node, ast.Lambda):
        return False
    made = compile(ast.Expression(node), "", "eval", dont_inherit=True).co_consts
    return any(isinstance(c, types.CodeType) and _operations(c) == _operations(code) for c in made)


def _operations(code: types.CodeType) -> tuple[object, ...]:
    plain = [c for c in code.co_consts if isinstance(c, (int, float))]
    return code.co_code, code.co_names, code.co_varnames, plain


def definition_at(
    call: Call, known: dict[types.CodeType, list[Function]] | None = None
) -> Definition | None:
    """The definition of the function that makes a call; ``None`` if it is not known."""
    functions = makers_of(call, {} if known is None else known)
    return definition_of(functions[0]) if functions else None


def makers_of(call: Call, known: dict[types.CodeType, list[Function]]) -> list[Function]:
    """The functions that make a call. ``known``: those of codes that were asked for before."""
    if call.code is None:
        return []
    if call.code not in known:
        known[call.code] = functions_of(call.code)
    return known[call.code]


def flatten_spans(definition: Definition, line: int, pools: Sequence[str]) -> Iterator[list[Span]]:
    """Edits that call a pool (``adaptive_avg_pool2d({}, (7, 7))``) on what ``line`` flattens.

    Where it flattens several tensors, on all of them: one pool serves all, or there is one for
    each, in their order.
    """
    calls = [
        node
        for node in ast.walk(definition.tree)
        if isinstance(node, ast.Call)
        and node_at(node, line)
        and _flattened(definition, node) is not None
    ]
    inner = [c for c in calls if not any(_flattened(definition, c) is other for other in calls)]
    inner.sort(key=definition.span)
    used, imported = functional(definition)
    if len(pools) > 1 and len(pools) != len(inner):
        return
    if not calls:  # of another name: ``self.flat(x)``
        for node in ast.walk(definition.tree):
            if isinstance(node, ast.Call) and node_at(node, line) and len(node.args) == 1:
                words = _argument(definition, node.args[0], pools[0])
                words = f"{used}.{pools[0].format(words)}"
                yield [*imported, (*definition.span(node.args[0]), words)]

    def pooled(call: ast.Call) -> str:
        tensor = _flattened(definition, call)
        assert tensor is not None
        pool = pools[inner.index(call) if len(pools) > 1 else 0]
        return f"{used}.{pool.format(_argument(definition, tensor, pool))}"

    if len(inner) == 1 and isinstance(tensor := _flattened(definition, inner[0]), ast.Name):
        words = f"{tensor.id} = {pooled(inner[0])}"
        put = line_before(definition, inner[0], words)
        if put is not None and not _read_again(definition, inner[0], tensor.id):
            yield [*imported, put]
    spans = []
    for call in inner:
        tensor = _flattened(definition, call)
        assert tensor is not None
        spans.append((*definition.span(tensor), pooled(call)))
    if spans:
        yield [*imported, *spans]
    if len(inner) == 1:
        outer = next(c for c in calls if not any(c is _flattened(definition, o) for o in calls))
        yield [*imported, (*definition.span(outer), f"{pooled(inner[0])}.flatten(1)")]


def _argument(definition: Definition, node: ast.expr, pool: str) -> str:
    """The text of a tensor for the ``{}`` of a pool, which may call a method of it."""
    plain = isinstance(node, (ast.Name, ast.Attribute, ast.Call, ast.Subscript))
    text = definition.text(node)
    return text if plain or "{}." not in pool else f"({text})"


def line_before(definition: Definition, node: ast.expr, words: str) -> Span | None:
    """Put statements on lines of their own before the one that evaluates ``node``.

    ``None`` if that is not the first on its line, or if it may not evaluate ``node`` just once.
    """
    statement = _own_line(definition, node)
    if statement is None:
        return None
    start = definition.source.offset(statement.lineno, statement.col_offset)
    indent = definition.source.text[definition.source.line_start(start) : start]
    line_end = definition.source.newline(start)
    lines = (line + line_end + indent for line in words.split("\n"))
    return start, start, "".join(lines)


def _flattened(definition: Definition, call: ast.Call) -> ast.expr | None:
    """The tensor that a call makes flat, if it is such a call."""
    function = call.func
    if isinstance(function, ast.Call):  # nn.Flatten()(x)
        return call.args[0] if name_of(function.func) == "Flatten" and call.args else None
    if name_of(function) not in _FLATTENS:
        return None
    base = function.value if isinstance(function, ast.Attribute) else None
    if base is not None and not isinstance(definition.value(base), (types.ModuleType, type)):
        return base
    named = {k.arg: k.value for k in call.keywords}
    return call.args[0] if call.args else named.get("input", named.get("tensor"))


def _read_again(definition: Definition, call: ast.Call, name: str) -> bool:
    """Whether the value of a variable that a call makes flat is read elsewhere, too."""
    statement = _own_line(definition, call)
    assert statement is not None
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    last = any(isinstance(t, ast.Name) and t.id == name for t in targets)
    own = {id(node) for node in ast.walk(call)}
    return any(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
        for node in ast.walk(statement if last else definition.tree)
        if id(node) not in own and getattr(node, "lineno", 0) >= statement.lineno
    )


def name_of(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def _own_line(definition: Definition, inner: ast.expr) -> ast.stmt | None:
    """The simple statement that evaluates ``inner``, if it is the first on its line."""
    simple = (ast.Assign, ast.Return, ast.Expr, ast.AnnAssign, ast.AugAssign)
    scopes = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.IfExp)
    around = [n for n in ast.walk(definition.tree) if any(c is inner for c in ast.walk(n))]
    if any(isinstance(n, scopes) for n in around):
        return None
    statement = next((n for n in around if isinstance(n, simple)), None)
    if statement is None:
        return None
    start = definition.source.offset(statement.lineno, statement.col_offset)
    return (
        statement
        if not definition.source.text[definition.source.line_start(start) : start].strip()
        else None
    )


def node_at(node: ast.AST, line: int) -> bool:
    """Whether the source of a node includes a line."""
    first = getattr(node, "lineno", 0)
    return first <= line <= (getattr(node, "end_lineno", None) or first)


def summands(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """The operands of ``a + b`` or ``a += b``; ``None`` for anything else."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return node.left, node.right
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        return node.target, node.value
    return None


def functional(definition: Definition) -> tuple[str, list[Span]]:
    """The name of ``torch.nn.functional`` in the function's module, and the import of a new one."""
    for name, value in definition.function.__globals__.items():
        if value is torch.nn.functional:
            return name, []
    home, imported = module_name(definition, torch.nn, "torch.nn")
    return f"{home}.functional", imported


def module_name(
    definition: Definition, module: types.ModuleType, path: str
) -> tuple[str, list[Span]]:
    for name, value in definition.function.__globals__.items():
        if value is module and name.isidentifier():
            return name, []
    for name, value in definition.function.__globals__.items():
        if value is torch and name.isidentifier():
            return f"{name}.nn", []
    at = _first_import(definition.source)
    return path, [(at, at, f"import {path}{definition.source.newline(at)}")]


def _first_import(source: SourceText) -> int:
    """Where a new import may stand: before the first one, else before all other statements."""
    body = ast.parse(source.text).body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    imports = (ast.Import, ast.ImportFrom)
    body = [n for n in body if getattr(n, "module", "") != "__future__"]
    node = next((n for n in body if isinstance(n, imports)), body[0])
    decorators = getattr(node, "decorator_list", [])
    line = min([node.lineno, *(d.lineno for d in decorators)])
    return source.offset(line, node.col_offset)


def recompiled(function: Function, edit: Edit) -> types.CodeType | None:
    """The code of ``function`` after the edit; ``None`` if it does not fit the function."""
    old = function.__code__
    name = str(edit.file)
    try:
        todo = [
            (
                compile(edit.before, name, "exec", dont_inherit=True),
                compile(edit.after, name, "exec", dont_inherit=True),
            )
        ]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    while todo:
        before, after = todo.pop()
        if _same_code(before, old):
            return after if after.co_freevars == old.co_freevars else None
        inner = [[c for c in code.co_consts if type(c) is type(old)] for code in (before, after)]
        todo += zip(*inner, strict=False)
    return None


def _same_code(one: types.CodeType, other: types.CodeType) -> bool:
    place = (one.co_name, one.co_firstlineno, one.co_freevars, one.co_varnames)
    if place != (other.co_name, other.co_firstlineno, other.co_freevars, other.co_varnames):
        return False
    return one.co_name != "<lambda>" or _operations(one) == _operations(other)


def rule_file_edit(
    file: Path, line: int, key: str, value: str, content: bytes | None = None
) -> Edit | None:
    """Change the value of ``key`` in a mapping of a rule file, which starts at ``line`` or has the
    key there. ``content`` replaces the bytes on disk. ``None`` if there is no such value, or if it
    is an anchor or an alias.
    """
    try:
        source = SourceText(file, content)
        top = yaml.compose(source.text, Loader=yaml.SafeLoader)
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError, yaml.YAMLError):
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
