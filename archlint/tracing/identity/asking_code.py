"""Changes a function's code so that its questions of identity and type go through one object.

``a is b`` becomes ``same(a, b)``, and ``id(a)`` and ``type(a)`` become ``function(id)(a)`` and
``function(type)(a)``; see :mod:`.identity_questions`. So do questions for attributes that only
stand-ins have. Comparisons with ``None`` stay as they are.
"""

from __future__ import annotations

import ast
import builtins
import dis
import operator
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import CodeType, FunctionType, ModuleType
from typing import Any

import torch

from archlint.models.code_places import in_cell
from archlint.tracing.keys.watched_code import Unfit
from archlint.tracing.python.builtin_calls import SHADOWED, replaceable
from archlint.tracing.python.builtins import SEEN_AS
from archlint.tracing.python.reachable_code import codes, codes_in
from archlint.tracing.symint.python_types import NUMBER_TYPES

HELPER = "__archlint_identity__"
"""The global name by which a rewritten function reaches the questions of the current run."""

CALLED = SHADOWED - {"type"}
"""Names whose calls are replaced where a module uses them otherwise, too."""

_IS = (ast.Is, ast.IsNot)
_PLAIN = (str, bytes, type(None), type(...))
_NEVER_MADE = (type, ModuleType, FunctionType, str, bytes)  # of which no size or tensor is one
_OPERATORS = frozenset(("is_", "is_not"))
_TEXTS = frozenset(("eval", "exec"))
_BUILTINS = _TEXTS | {"id", "type", "isinstance"}
_SYMBOLIC = frozenset(k.__name__ for k in (torch.SymInt, torch.SymFloat, torch.SymBool))
_HIDDEN = "__builtins__"
_INDIRECT = frozenset(("getattr", "vars", "globals", _HIDDEN))


@dataclass(frozen=True)
class _Read:
    """What a code reads by name, and whether it compares by ``is`` or imports what asks.

    ``compared``: global names, and private parameters, that it compares with by ``is``, where that
    is all that it does so.
    ``own``: whether it has the text of an attribute that stand-ins have beside the real ones.
    """

    names: frozenset[str]
    attributes: frozenset[str]
    compared: frozenset[str]
    asks: bool
    own: bool


def asking_names(function: FunctionType, *, shadowed: bool = False) -> frozenset[str] | None:
    """The names by which a function reaches functions of Python that ask for identity or types.

    ``None`` if neither it nor a function in it asks in any way; ``a is b`` needs no name.
    ``shadowed``: the name ``type`` of its module is replaced otherwise.
    """
    parts = [_read(code) for code in codes(function)]
    names = frozenset[str]().union(*(part.names for part in parts))
    attributes = frozenset[str]().union(*(part.attributes for part in parts))
    wanted = [builtins.id, type, operator.is_, operator.is_not]
    if not _SYMBOLIC.isdisjoint(names | attributes):
        wanted.append(isinstance)
    if any(part.own for part in parts):
        wanted += (hasattr, getattr)
    held = dict(_held(function, names))
    if shadowed and "type" not in function.__globals__:
        held.pop("type", None)
    found = {name for name, value in held.items() if any(value is each for each in wanted)}
    found |= _OPERATORS & attributes
    if any(value is builtins for value in held.values()):
        found |= _BUILTINS & attributes
    found |= {name for name in _TEXTS & names if held[name] is getattr(builtins, name)}
    found |= {_HIDDEN} & names
    compared = {name for part in parts for name in part.compared}
    asks = any(part.asks for part in parts) or any(
        not isinstance(held.get(name), _NEVER_MADE) for name in compared
    )
    if not asks and not SHADOWED.isdisjoint(compared):
        module = sys.modules.get(function.__globals__.get("__name__", ""))
        asks = module is not None and not replaceable(module).isdisjoint(compared)
    return frozenset(found) if found or asks else None


def text_asks(code: CodeType) -> bool:
    """Whether code compiled from a text may ask for identity or a type, by whatever name."""
    suspect = (_OPERATORS | _BUILTINS | _INDIRECT | _SYMBOLIC) - {"isinstance"}
    parts = map(_read, codes_in(code))
    return any(
        p.asks or p.compared or not suspect.isdisjoint(p.names | p.attributes) for p in parts
    )


def _held(function: FunctionType, names: frozenset[str]) -> Iterator[tuple[str, Any]]:
    """What global names, closed-over variables and defaults of parameters stand for."""
    for name in names:
        yield name, function.__globals__.get(name, getattr(builtins, name, None))
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        yield name, in_cell(cell)
    defaults = function.__defaults__ or ()
    yield from zip(code.co_varnames[code.co_argcount - len(defaults) :], defaults, strict=False)
    yield from (function.__kwdefaults__ or {}).items()


@lru_cache(maxsize=1 << 14)
def _read(code: CodeType) -> _Read:
    names, attributes, compared, asks, own = set(), set(), set(), False, False
    plain, private = _plain_variables(code), _private_parameters(code)
    before: dis.Instruction | None = None
    for instruction in dis.get_instructions(code):
        kind, value = instruction.opname, instruction.argval
        if kind == "IS_OP":
            loaded = None if before is None else _loaded(before)
            if before is not None and before.opname == "LOAD_GLOBAL":
                compared.add(before.argval)
            elif loaded in private:
                compared.add(loaded)
            elif before is None or not (_is_plain(before) or _loaded(before) in plain):
                asks = True
        elif kind == "IMPORT_FROM":
            asks = asks or value in _OPERATORS | _BUILTINS
        elif "GLOBAL" in kind or kind == "LOAD_NAME":
            names.add(value)
        elif "ATTR" in kind or "METHOD" in kind:
            attributes.add(value)
        elif kind.startswith("LOAD_CONST"):
            own = own or (isinstance(value, str) and value in _own_names())
        before = instruction
    return _Read(frozenset(names), frozenset(attributes), frozenset(compared), asks, own)


@lru_cache(maxsize=1)
def _own_names() -> frozenset[str]:
    """The public attributes of what stands for numbers, tensors and lists, which these lack."""
    found: set[str] = set()
    for kind, seen in (SEEN_AS | NUMBER_TYPES).items():
        mine = {*dir(kind), *(name for each in kind.__mro__ for name in vars(each).get(_HINTS, ()))}
        found |= mine - {*dir(seen)}
    return frozenset(name for name in found if not name.startswith("_"))


_HINTS = "__annotations__"


def _is_plain(instruction: dis.Instruction) -> bool:
    """Whether it loads ``None``, a text or the like."""
    return instruction.opname.startswith("LOAD_CONST") and isinstance(instruction.argval, _PLAIN)


def _loaded(instruction: dis.Instruction) -> Any:
    """The local variable whose value an instruction leaves on top; some load or store two."""
    name = instruction.argval
    if re.search("LOAD_FAST(_BORROW|_CHECK)?$", instruction.opname) is None:
        return None
    return name[-1] if isinstance(name, tuple) else name


def _private_parameters(code: CodeType) -> set[str]:
    """Keyword-only parameters that callers leave alone, and that the code never binds again.

    Code that a decorator such as beartype's compiles has its own objects as their defaults.
    """
    names = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    found = {name for name in names if name.startswith("__")}
    for instruction in dis.get_instructions(code) if found else ():
        if "STORE_FAST" in instruction.opname or instruction.opname == "DELETE_FAST":
            value = instruction.argval
            found -= {*(value if isinstance(value, tuple) else (value,))}
    return found


def _plain_variables(code: CodeType) -> set[Any]:
    """Local variables that only ever hold ``None``, a text or the like.

    pytest compares with such ones where it takes an ``assert`` apart.
    """
    stars = bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
    parameters = code.co_argcount + code.co_kwonlyargcount + stars
    stored: dict[Any, bool] = dict.fromkeys(code.co_varnames[:parameters], False)
    plain = False
    for instruction in dis.get_instructions(code):
        kind, value = instruction.opname, instruction.argval
        if kind.startswith("STORE_FAST"):
            found = value if isinstance(value, tuple) else (value,)
            for name in found[: kind.count("STORE_FAST")]:
                stored[name] = plain and stored.get(name, True)
        if kind.startswith("LOAD"):
            plain = _is_plain(instruction)
        elif "STORE_FAST" not in kind and kind not in ("COPY", "DUP_TOP"):
            plain = False
    return {name for name, only in stored.items() if only}


class Asking(ast.NodeTransformer):
    """Replaces the questions of a function's body. Raises :class:`Unfit`.

    ``names``: those of :func:`asking_names`, and of :data:`CALLED` those whose calls are replaced.
    """

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names - CALLED
        self._called = names & CALLED

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        if not any(isinstance(op, _IS) for op in node.ops):
            return node
        operands = [node.left, *node.comparators]
        if not all(isinstance(o, (ast.Name, ast.Constant)) for o in operands[1:-1]):
            raise Unfit  # an operand of two comparisons is computed once
        parts = [_compared(*each) for each in zip(operands, node.ops, operands[1:], strict=False)]
        whole = parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)
        return ast.fix_missing_locations(ast.copy_location(whole, node))

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._replaced(node, node.id)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if not isinstance(node.value, ast.Name) or node.value.id == _HIDDEN:
            self.generic_visit(node)  # ``type.mro(x)`` stays
        return self._replaced(node, node.attr)

    def _replaced(self, node: ast.Name | ast.Attribute, name: str) -> ast.expr:
        if name not in self._names or not isinstance(node.ctx, ast.Load):
            return node
        if name in _TEXTS or name == _HIDDEN:
            raise Unfit
        return _call("function", node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = node.func
        if not isinstance(function, ast.Name) or function.id not in _TEXTS & self._names:
            self.generic_visit(node)
            if isinstance(function, ast.Name) and function.id in self._called:
                node.func = _call("function", function)
            if isinstance(function, ast.Name) and function.id == "map" and node.args:
                first = node.args[0]
                if isinstance(first, ast.Name) and first.id in self._called:
                    node.args[0] = _call("function", first)
            return node
        if not node.args or isinstance(node.args[0], ast.Starred):
            raise Unfit
        node.args = [self.visit(argument) for argument in node.args]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        node.args[0] = _call("text", node.args[0])
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        if any(alias.name in _OPERATORS | _BUILTINS for alias in node.names):
            raise Unfit
        return node

    def visit_Match(self, node: ast.Match) -> ast.AST:
        self.generic_visit(node)
        parts = [part for case in node.cases for part in ast.walk(case.pattern)]
        if any(isinstance(part, ast.MatchSingleton) and part.value is not None for part in parts):
            node.subject = _call("settled", node.subject)
        if any(isinstance(p, ast.MatchClass) and _last(p.cls) in _SYMBOLIC for p in parts):
            raise Unfit
        return node


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _compared(left: ast.expr, op: ast.cmpop, right: ast.expr) -> ast.expr:
    plain = any(isinstance(o, ast.Constant) and isinstance(o.value, _PLAIN) for o in (left, right))
    if plain or not isinstance(op, _IS):
        return ast.copy_location(ast.Compare(left, [op], [right]), left)
    same = _call("same", left, right)
    return same if isinstance(op, ast.Is) else ast.copy_location(ast.UnaryOp(ast.Not(), same), left)


def _call(name: str, value: ast.expr, *more: ast.expr) -> ast.expr:
    helper = ast.Attribute(ast.Name(HELPER, ast.Load()), name, ast.Load())
    call = ast.copy_location(ast.Call(helper, [value, *more], []), value)
    return ast.fix_missing_locations(call)
