"""The use of a text or a look-up that an instruction makes, read from the source around it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from types import CodeType, FrameType, FunctionType

from archlint.tracing.symint.new_keys import is_key_of_new, makes_keys
from archlint.tracing.symint.source_nodes import SourceTree, definition_of, tree_of

_PRINTING = frozenset(
    (
        "print", "warn", "warn_once", "debug", "info", "warning", "error", "critical", "exception",
        "log", "_assert", "set_description", "record_function", "range_push",
    )
)  # fmt: skip
_LOOKUPS = frozenset(("get", "pop", "setdefault", "index", "count"))
_ATTRIBUTES = frozenset(("getattr", "hasattr"))
_TEXTS = frozenset(("str", "repr", "format", "map", "join", "ascii"))
_INNER_SPEC = re.compile(r"\{[^{}]*\{")


@dataclass(frozen=True)
class Use:
    """What a text or hash is for.

    ``harmless``: only people read it, as far as the functions only show it that ``shown_by`` lists:
    each call, with the argument that has the text, and whether its result is dropped.
    ``containers``: the expressions that it is looked up in or compared with; none for a key of a
    new container. ``length``: only its length counts. ``affixes``: what the text has before and
    after the number, where that is known. ``whole``: a variable that holds the text is not made
    into another text. ``constants``: the numbers that the same function looks up in the container.
    """

    harmless: bool = False
    containers: tuple[ast.expr, ...] = ()
    length: bool = False
    affixes: tuple[str, str] | None = None
    whole: bool = True
    constants: tuple[int, ...] = ()
    shown_by: tuple[tuple[ast.Call, ast.expr | None, bool], ...] = ()

    def __or__(self, other: Use | None) -> Use | None:
        if other is None:
            return None
        if self.length or other.length:
            return None
        affixes = self.affixes if self.affixes == other.affixes else None
        return Use(
            self.harmless and other.harmless,
            self.containers + other.containers,
            affixes=affixes,
            whole=self.whole and other.whole,
            shown_by=self.shown_by + other.shown_by,
        )


def use_of(frame: FrameType, *, of_text: bool) -> Use | None:
    """What the text or look-up that the frame makes now is for; ``None`` if that is not known."""
    tree = tree_of(frame)
    return None if tree is None else _static_use(tree, frame.f_code, frame.f_lasti, of_text)


@lru_cache(maxsize=1024)
def _static_use(tree: SourceTree, code: CodeType, instruction: int, of_text: bool) -> Use | None:
    node = tree.at(code, instruction)
    if node is None:
        return None
    if of_text:
        use = _use(tree, node, 0) if _makes_text(node) else None
        affixes = _affixes(tree, node) if use is not None and use.whole else None
        return None if use is None else replace(use, affixes=affixes)
    use = _lookup(node, None)
    if use is None:
        return Use() if makes_keys(tree, code, instruction, node) else None
    return replace(use, constants=tuple(_constants(tree.scope(node), use.containers[0])))


def _makes_text(node: ast.expr) -> bool:
    """Whether the value of the node is the text: that of ``max(h, key=str)`` is not."""
    if isinstance(node, ast.Call):
        return _called(node) in _TEXTS | _PRINTING
    if isinstance(node, ast.JoinedStr):
        return not any(map(_has_inner_spec, node.values))
    return isinstance(node, (ast.FormattedValue, ast.BinOp))


def _has_inner_spec(part: ast.expr) -> bool:
    """Whether an f-string takes a width or a precision from a number: ``{x:>{width}}``.

    Before Python 3.12 it is not known which of its numbers an instruction formats.
    """
    spec = part.format_spec if isinstance(part, ast.FormattedValue) else None
    return isinstance(spec, ast.JoinedStr) and not all(
        isinstance(value, ast.Constant) for value in spec.values
    )


def _constants(scope: ast.AST, container: ast.expr) -> Iterator[int]:
    """The numbers that code of the scope looks up in the container."""
    wanted = ast.unparse(container)
    for node in ast.walk(scope):
        use = _lookup(node, None) if isinstance(node, ast.expr) else None
        if use is None or ast.unparse(use.containers[0]) != wanted:
            continue
        if isinstance(node, ast.Compare):
            key: ast.expr = node.left
        elif isinstance(node, ast.Subscript):
            key = node.slice
        else:
            assert isinstance(node, ast.Call)
            key = node.args[0]
        for part in key.elts if isinstance(key, ast.Tuple) else (key,):
            if isinstance(part, ast.Constant) and type(part.value) is int:
                yield part.value


def _affixes(tree: SourceTree, node: ast.AST) -> tuple[str, str] | None:
    """What stands before and after the number in a text that is used as it is."""
    parent = tree.parents.get(node)
    while isinstance(parent, (ast.FormattedValue, ast.JoinedStr)):
        node, parent = parent, tree.parents.get(parent)
    if _is_changed(parent):
        return None
    if isinstance(node, ast.JoinedStr):
        parts = [v.value if isinstance(v, ast.Constant) else None for v in node.values]
        if parts.count(None) == 1:
            at = parts.index(None)
            return "".join(map(str, parts[:at])), "".join(map(str, parts[at + 1 :]))
    return ("", "") if isinstance(node, ast.Call) and _called(node) in ("str", "repr") else None


def _is_changed(parent: ast.AST | None) -> bool:
    """Whether the node around a text makes another text of it."""
    changes = (
        *(ast.BinOp, ast.AugAssign, ast.Attribute, ast.keyword, ast.IfExp, ast.FormattedValue),
        *(ast.GeneratorExp, ast.ListComp),
    )
    if isinstance(parent, ast.Call):
        return _called(parent) in _TEXTS
    return isinstance(parent, changes)


def _use(tree: SourceTree, node: ast.AST, depth: int) -> Use | None:
    """What the text ``node``, or a text around it, is for."""
    if isinstance(node, ast.Call) and _called(node) in _PRINTING:
        return _shown(tree, node, None)
    parent = tree.parents.get(node)
    if isinstance(parent, ast.Raise):
        return Use(harmless=True)
    if isinstance(parent, ast.Assert):
        return Use(harmless=True) if node is parent.msg else None
    if isinstance(parent, ast.Call) and node is not parent.func:
        if _called(parent) in _PRINTING:
            return _shown(tree, parent, node)
        if _is_exception(parent) or isinstance(tree.parents.get(parent), ast.Raise):
            return _use(tree, parent, depth)
        if _called(parent) == "len" and node is _only_text(node):
            return Use(length=True)
        if _called(parent) in _TEXTS:
            return None if _has_inner_specs(parent) else _use(tree, parent, depth)
    if isinstance(parent, ast.Starred):
        return _use(tree, parent, depth)
    if isinstance(parent, ast.FormattedValue) and node is parent.format_spec:
        return None  # the number is a width or a precision
    if isinstance(parent, (ast.GeneratorExp, ast.ListComp)) and node is parent.elt:
        return _use(tree, parent, depth)
    if isinstance(parent, ast.Attribute) and parent.attr in ("format", "join"):
        return _use(tree, tree.parents[parent], depth)
    if isinstance(parent, (ast.FormattedValue, ast.JoinedStr, ast.keyword)):
        return _use(tree, parent, depth)
    if isinstance(parent, ast.IfExp) and node is not parent.test:
        return _use(tree, parent, depth)
    if isinstance(parent, ast.BinOp) and isinstance(parent.op, (ast.Add, ast.Mod)):
        return _use(tree, parent, depth)
    if isinstance(parent, ast.Tuple):
        around = tree.parents.get(parent)
        if isinstance(around, ast.BinOp) and isinstance(around.op, ast.Mod):
            return _use(tree, parent, depth)
    if isinstance(parent, ast.expr):
        return Use() if is_key_of_new(tree, parent, node) else _lookup(parent, node)
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and depth < 3:
        return _of_name(tree, parent.targets[0], depth)
    if isinstance(parent, ast.AugAssign) and isinstance(parent.op, ast.Add) and depth < 3:
        return _of_name(tree, parent.target, depth)
    return None


def _only_text(node: ast.AST) -> ast.AST | None:
    """The node if it is the text of one number and nothing else."""
    if isinstance(node, ast.JoinedStr):
        return node if len(node.values) == 1 else None
    return node if isinstance(node, ast.Call) and _called(node) in ("str", "repr") else None


def _is_exception(call: ast.Call) -> bool:
    return _called(call).endswith(("Error", "Exception", "Warning"))


def _has_inner_specs(call: ast.Call) -> bool:
    """Whether ``"{:>{}}".format(…)`` takes a width or a precision from its arguments."""
    function = call.func
    text = function.value if isinstance(function, ast.Attribute) else None
    return isinstance(text, ast.Constant) and bool(_INNER_SPEC.search(str(text.value)))


def _shown(tree: SourceTree, call: ast.Call, argument: ast.AST | None) -> Use:
    dropped = isinstance(tree.parents.get(call), ast.Expr)
    value = argument.value if isinstance(argument, ast.keyword) else argument
    text = value if isinstance(value, ast.expr) else None
    return Use(harmless=True, shown_by=((call, text, dropped),))


def use_in(function: FunctionType, parameter: str) -> Use | None:
    """What a function does with a text that it gets as a parameter; ``None`` if not known."""
    found = definition_of(function)
    return None if found is None else _of_variable(*found, parameter, 1)


def _of_name(tree: SourceTree, name: ast.expr, depth: int) -> Use | None:
    """What a local variable is for, wherever it is read."""
    if not isinstance(name, ast.Name):
        return None
    return _of_variable(tree, tree.scope(name), name.id, depth)


def _of_variable(tree: SourceTree, scope: ast.AST, name: str, depth: int) -> Use | None:
    """What the variable of a function is for, wherever it is read.

    One that is extended as well may be part of a message only.
    """
    use: Use | None = Use(harmless=True)
    stores, extended = 0, False
    for node in ast.walk(scope):
        if isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names:
            return None
        if not isinstance(node, ast.Name) or node.id != name:
            continue
        if use is None or isinstance(node.ctx, ast.Del):
            return None
        if isinstance(node.ctx, ast.Store):
            stores += 1
            extended |= isinstance(tree.parents.get(node), ast.AugAssign)
        else:
            use = use | _use(tree, node, depth + 1)
            if use is not None and _is_changed(tree.parents.get(node)):
                use = replace(use, whole=False)
    known = use is not None and (use.harmless or stores == 1 or (stores > 1 and not extended))
    return use if known else None


def _lookup(node: ast.expr, key: ast.AST | None) -> Use | None:
    """The container in which ``node`` looks up ``key`` (``None``: whichever it looks up)."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        if isinstance(node.ops[0], (ast.In, ast.NotIn)) and key in (None, node.left):
            return Use(containers=(node.comparators[0],))
        if isinstance(node.ops[0], (ast.Eq, ast.NotEq)) and key is not None:
            other = node.comparators[0] if key is node.left else node.left
            return Use(containers=(other,))
    if isinstance(node, ast.Subscript) and key in (None, node.slice):
        return Use(containers=(node.value,))
    if isinstance(node, ast.Call) and node.args and key in (None, *node.args[:2]):
        if isinstance(node.func, ast.Attribute) and _called(node) in _LOOKUPS:
            return Use(containers=(node.func.value,)) if key in (None, node.args[0]) else None
        if _called(node) in _ATTRIBUTES and key in (None, *node.args[1:2]):
            return Use(containers=(node.args[0],))
    return None


def _called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
