"""Evaluates literals, names and calls in Python source, without running it.

Ranges in Python stand in calls such as ``Dim("h", min=32)``. The values here are numbers, texts,
lists, tuples and mappings; a call becomes a :class:`Call` with its evaluated arguments, and what
is not known becomes :data:`UNKNOWN`.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from archlint.contracts.rulefile.ranges.declared import mistake


class _Unknown:
    def __repr__(self) -> str:
        return "?"


UNKNOWN = _Unknown()


@dataclass(frozen=True, eq=False)
class Call:
    """A call: the function's dotted name, its arguments and where it stands.

    ``receiver``: the value of the object whose method it is. ``statement``: the line of the
    statement that it is part of. ``items``: what is assigned to items of the object, as in
    ``shapes[x] = {0: batch}``.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    line: int
    receiver: Any = UNKNOWN
    statement: int = 0
    items: list[tuple[Any, Any]] = field(default_factory=list)

    @property
    def function(self) -> str:
        """The last part of the name: ``set_shape``."""
        return self.name.rpartition(".")[2]

    def argument(self, index: int, name: str, default: Any = None) -> Any:
        """An argument by keyword, else by position."""
        if name in self.kwargs:
            return self.kwargs[name]
        return self.args[index] if index < len(self.args) else default


@dataclass(frozen=True, eq=False)
class Linear:
    """``factor * base + offset`` for a size ``base`` (a :class:`Call`)."""

    base: Call
    factor: int = 1
    offset: int = 0


@dataclass(frozen=True)
class Attribute:
    """A dotted name that is no variable of the file, such as ``torch.float16``."""

    name: str


_SIGNS = {"Mod": "%", "Eq": "==", "NotEq": "!=", "Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">="}
_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.LShift: operator.lshift,
}  # fmt: skip
_MOST = 10**6  # a list or text that is multiplied
_MOST_ITEMS = 1000  # of a list that a comprehension goes through


def described(value: Any) -> str:
    """A value as short Python source, for messages; ``?`` for what is not known."""
    if isinstance(value, Linear):
        text = f"{value.factor} * {described(value.base)}" if value.factor != 1 else described(
            value.base)  # fmt: skip
        return f"{text} + {value.offset}" if value.offset else text
    if isinstance(value, Call):
        if value.name in _SIGNS and len(value.args) == 2:
            return f" {_SIGNS[value.name]} ".join(map(described, value.args))
        shown = [described(a) for a in value.args] + [
            f"{k}={described(v)}" for k, v in value.kwargs.items()]  # fmt: skip
        return f"{value.name.removeprefix('?.')}({', '.join(shown)})"
    if isinstance(value, Attribute):
        return value.name
    if isinstance(value, (tuple, list)):
        left, right = "()" if isinstance(value, tuple) else "[]"
        return f"{left}{', '.join(map(described, value))}{right}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k!r}: {described(v)}' for k, v in value.items())}}}"
    return repr(value)


@dataclass
class Assignment:
    """A name, or an attribute such as ``self.shapes``, bound to a value."""

    name: str
    value: Any
    line: int


def evaluate(text: str, file: str) -> tuple[list[Call], list[Assignment]]:
    """All calls of a file, inner ones first, and its assignments, both in the order of the source.

    Raises:
        RuleFileError: the file is not valid Python.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as e:
        line = getattr(e, "lineno", 1) or 1
        reason = e.msg if isinstance(e, SyntaxError) else str(e) or "it is nested too deeply"
        raise mistake(file, line, f"not valid Python: {reason}", "Python source") from None
    evaluator = _Evaluator()
    evaluator.body(tree)
    return evaluator.calls, evaluator.assignments


class _Evaluator:
    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self.calls: list[Call] = []
        self.assignments: list[Assignment] = []
        self.statement = 0
        self.turns_left = _MOST_ITEMS  # of all loops together

    def body(self, node: ast.AST) -> None:
        """The statements below a node, in order.

        Loops over known values are followed turn by turn, other loops and functions read once.
        """
        for statement in _statements(node):
            self.statement = statement.lineno
            if isinstance(statement, ast.For):
                self.loop(statement)
                continue
            for value in _expressions(statement):
                result = self.value(value)
                for target in _targets(statement):
                    self.assign(target, result)
            self.body(statement)

    def loop(self, statement: ast.For) -> None:
        turns = _members(self.value(statement.iter))
        if turns is None or len(turns) > self.turns_left:
            turns = [UNKNOWN]
        for turn in turns:
            self.turns_left -= 1
            self.assign(statement.target, turn)
            self.body(statement)

    def assign(self, target: ast.expr, value: Any) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            parts = _unpacked(value, len(target.elts))
            for part, each in zip(target.elts, parts, strict=True):
                self.assign(part, each)
            return
        if isinstance(target, ast.Subscript):
            owner, key = self.value(target.value), self.value(target.slice)
            if isinstance(owner, Call):
                owner.items.append((key, value))
            elif isinstance(owner, dict) and isinstance(key, (str, int)):
                owner[key] = value
            return
        name = _dotted(target)
        if name:
            self.names[name] = value
            self.assignments.append(Assignment(name, value, target.lineno))

    def value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, (ast.Name, ast.Attribute)):
            if isinstance(node, ast.Attribute) and not _dotted(node):
                self.value(node.value)
                return UNKNOWN
            name = _dotted(node)
            return self.names.get(name, Attribute(name))
        if isinstance(node, (ast.Tuple, ast.List)):
            items = self.sequence(node.elts)
            return tuple(items) if isinstance(node, ast.Tuple) else items
        if isinstance(node, ast.Dict):
            keys = [None if k is None else self.value(k) for k in node.keys]
            values = [self.value(v) for v in node.values]
            return {k: v for k, v in zip(keys, values, strict=True) if isinstance(k, (str, int))}
        if isinstance(node, ast.Call):
            return self.call(node)
        if isinstance(node, ast.UnaryOp):
            value = self.value(node.operand)
            negative = isinstance(node.op, ast.USub) and isinstance(value, (int, float))
            return -value if negative else UNKNOWN
        if isinstance(node, ast.BinOp):
            return _operation(type(node.op), self.value(node.left), self.value(node.right))
        if isinstance(node, ast.Subscript):
            return _item(self.value(node.value), self.value(node.slice))
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            left, right = self.value(node.left), self.value(node.comparators[0])
            return Call(type(node.ops[0]).__name__, (left, right), {}, node.lineno)
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)) and len(node.generators) == 1:
            return self.comprehension([node.elt], node.generators[0], lambda e: e[0])
        if isinstance(node, ast.DictComp) and len(node.generators) == 1:
            pairs = self.comprehension([node.key, node.value], node.generators[0], tuple)
            known = isinstance(pairs, list) and all(isinstance(k, (str, int)) for k, _ in pairs)
            return dict(pairs) if known else UNKNOWN
        if isinstance(node, ast.JoinedStr):
            return self.text(node)
        for child in ast.iter_child_nodes(node):  # lambdas, conditions: only the calls inside
            if isinstance(child, ast.expr):
                self.value(child)
        return UNKNOWN

    def sequence(self, nodes: list[ast.expr]) -> list[Any]:
        """The values of nodes; the items of a starred one."""
        items: list[Any] = []
        for node in nodes:
            value = self.value(node.value if isinstance(node, ast.Starred) else node)
            if not isinstance(node, ast.Starred):
                items.append(value)
            else:
                items += value if isinstance(value, (tuple, list)) else [UNKNOWN]
        return items

    def text(self, node: ast.JoinedStr) -> Any:
        """An f-string of texts and whole numbers."""
        parts = []
        for part in node.values:
            plain = isinstance(part, ast.FormattedValue) and not part.format_spec
            value = self.value(part.value if isinstance(part, ast.FormattedValue) else part)
            if not isinstance(value, (str, int)) or not (plain or isinstance(part, ast.Constant)):
                return UNKNOWN
            parts.append(str(value))
        return "".join(parts)

    def comprehension(
        self, parts: list[ast.expr], loop: ast.comprehension, made_of: Callable[[list[Any]], Any]
    ) -> Any:
        """The list of what is made of ``parts for target in values``, without conditions."""
        values = _members(self.value(loop.iter))
        if loop.ifs or values is None:
            for part in parts:
                self.value(part)
            return UNKNOWN
        before, made = dict(self.names), len(self.assignments)
        items = []
        for value in values:
            self.assign(loop.target, value)
            items.append(made_of([self.value(part) for part in parts]))
        self.names = before
        del self.assignments[made:]
        return items

    def call(self, node: ast.Call) -> Any:
        receiver: Any = UNKNOWN
        if isinstance(node.func, ast.Attribute):
            receiver = self.value(node.func.value)
            name = f"{_dotted(node.func.value) or '?'}.{node.func.attr}"
        else:
            name = _dotted(node.func) or "?"
        args = tuple(self.sequence(node.args))
        kwargs = {k.arg: self.value(k.value) for k in node.keywords if k.arg}
        call = Call(name, args, kwargs, node.lineno, receiver, self.statement)
        self.calls.append(call)
        if call.name in ("tuple", "list") and len(args) == 1 and isinstance(args[0], (tuple, list)):
            kind: type = tuple if call.name == "tuple" else list
            return args[0] if isinstance(args[0], kind) else kind(args[0])
        if call.name == "dict" and not args:
            return kwargs
        if isinstance(receiver, dict) and not args and call.function in _OF_DICT:
            return list(_OF_DICT[call.function](receiver))
        if call.name == "enumerate" and len(args) == 1 and (members := _members(args[0])):
            return list(enumerate(members))
        if call.name == "zip" and args:
            lists = [_members(a) for a in args]
            return call if None in lists else list(zip(*filter(None, lists), strict=False))
        if call.name == "int" and len(args) == 1 and isinstance(args[0], (int, float)):
            return int(args[0])
        if call.name == "range" and 1 <= len(args) <= 3 and all(isinstance(a, int) for a in args):
            numbers = range(*args) if args[2:] != (0,) else range(0)
            return list(numbers) if len(numbers) <= _MOST_ITEMS else call
        return call


_OF_DICT: dict[str, Callable[[dict[Any, Any]], Any]] = {
    "items": dict.items, "keys": dict.keys, "values": dict.values,
}  # fmt: skip


def _members(value: Any) -> list[Any] | None:
    """What a loop over a value goes through; ``None`` if that is not known, or too many."""
    known = isinstance(value, (tuple, list, dict)) and len(value) <= _MOST_ITEMS
    return list(value) if known else None


def _statements(node: ast.AST) -> Iterator[ast.stmt]:
    for name in ("body", "orelse", "handlers", "finalbody"):
        for child in getattr(node, name, []) or []:
            if isinstance(child, ast.stmt):
                yield child
            elif isinstance(child, ast.ExceptHandler):
                yield from child.body


def _expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    return (n for n in ast.iter_child_nodes(statement) if isinstance(n, ast.expr)
            and n not in _targets(statement))  # fmt: skip


def _targets(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        return [statement.target]
    return []


def _unpacked(value: Any, count: int) -> list[Any]:
    if isinstance(value, (tuple, list)) and len(value) == count:
        return list(value)
    if isinstance(value, Call) and value.function == "dims":  # torch.export.dims("h", "w", …)
        return [Call("Dim", (n,), value.kwargs, value.line) for n in value.args[:count]] + [
            UNKNOWN
        ] * (count - len(value.args))
    return [UNKNOWN] * count


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and _dotted(node.value):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""


def _operation(kind: type, left: Any, right: Any) -> Any:
    linear = _linear(kind, left, right)
    if linear is not None:
        return linear
    if kind is ast.Mod and isinstance(left, (Call, Linear)) and isinstance(right, int):
        return Call("Mod", (left, right), {}, 0)
    plain = (int, float, str, tuple, list)
    if kind not in _OPERATORS or not (isinstance(left, plain) and isinstance(right, plain)):
        return UNKNOWN
    if any(isinstance(v, int) and abs(v) > _MOST for v in (left, right)):
        return UNKNOWN
    try:
        return _OPERATORS[kind](left, right)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return UNKNOWN


def _linear(kind: type, left: Any, right: Any) -> Linear | None:
    if isinstance(right, (Call, Linear)) and isinstance(left, int) and kind in (ast.Add, ast.Mult):
        left, right = right, left
    if not isinstance(left, (Call, Linear)) or not isinstance(right, int):
        return None
    base = left if isinstance(left, Linear) else Linear(left)
    if kind is ast.Mult:
        return Linear(base.base, base.factor * right, base.offset * right)
    if kind in (ast.Add, ast.Sub):
        return Linear(base.base, base.factor, base.offset + (right if kind is ast.Add else -right))
    return None


def _item(value: Any, index: Any) -> Any:
    try:
        return value[index] if isinstance(value, (tuple, list, dict, str)) else UNKNOWN
    except (KeyError, IndexError, TypeError):
        return UNKNOWN
