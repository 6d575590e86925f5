"""What handlers and ``finally`` blocks do with an error, read from their source."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from types import CodeType

TRY = (ast.Try, getattr(ast, "TryStar", ast.Try))  # ``except*`` came with Python 3.11

REPORTING = {
    "print", "warn", "debug", "info", "warning", "error", "exception", "critical", "log",
}  # fmt: skip
"""Names of functions and methods that show something to people."""

_OF_ERROR = frozenset(
    ("exc_info", "exception", "format_exc", "format_exception", "print_exc", "locals")
)
"""Names by which code gets at the error that is handled without naming it."""

Shows = Callable[[ast.Call], bool]
"""Whether a call of such a name only shows what it gets."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@lru_cache(maxsize=1024)
def source_of(code: CodeType, filename: str, lines: bytes) -> tuple[ast.Module, int] | None:
    """The source of a function as a tree, and the number of its first line in the file.

    ``None`` without source. ``filename`` and ``lines`` (``co_linetable``) are the code's own, which
    make no difference to whether two code objects are equal.
    """
    try:
        source, first = inspect.getsourcelines(code)
        return ast.parse(textwrap.dedent("".join(source))), max(first, 1)
    except (OSError, TypeError, SyntaxError, IndexError, RecursionError):
        return None


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below ``node``, without those of functions and classes defined in it."""
    todo = list(ast.iter_child_nodes(node))[::-1]
    while todo:
        child = todo.pop()
        yield child
        if not isinstance(child, _FUNCTIONS):
            todo += list(ast.iter_child_nodes(child))[::-1]


def leaves(node: ast.AST, looping: bool = False) -> bool:
    """Whether a statement of a ``finally`` may leave it by ``return``, ``break`` or ``continue``.

    ``looping``: the statement is in a loop of the ``finally`` itself.
    """
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.expr)):
        return False
    if isinstance(node, (ast.Break, ast.Continue)):
        return not looping
    if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
        inside = any(leaves(n, True) for n in node.body)
        return inside or any(leaves(n, looping) for n in node.orelse)
    inner = ast.iter_child_nodes(node)
    return isinstance(node, ast.Return) or any(leaves(n, looping) for n in inner)


def continues_after(handler: ast.ExceptHandler, shows: Shows) -> bool | None:
    """Whether the code continues after the handler; ``None`` if that depends on the error."""
    parts = [node for statement in handler.body for node in ast.walk(statement)]
    again = [n for n in parts if isinstance(n, ast.Raise) and _raises_again(n, handler.name)]
    if not again:
        return None if any(_reads(n, handler.name, shows) for n in handler.body) else True
    leaving = (ast.Return, ast.Break, ast.Continue)
    always = any(r is handler.body[-1] for r in again)
    return None if not always or any(isinstance(n, leaving) for n in parts) else False


def reads_error(handler: ast.ExceptHandler, shows: Shows) -> bool:
    """Whether the handler computes with the error that it caught."""
    return any(_reads(node, handler.name, shows) for node in handler.body)


def asks_of_error(exit: ast.AST, shows: Shows) -> bool:
    """Whether an ``__exit__`` may ask more of the error than whether it is of a kind.

    ``exit``: the definition of the function. ``issubclass(kind, …)``, ``isinstance(error, …)``, and
    whether there is an error are no more than that.
    """
    assert isinstance(exit, (ast.FunctionDef, ast.AsyncFunctionDef))
    arguments = exit.args
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    names = {a.arg for a in (*given, arguments.vararg, arguments.kwarg) if a is not None}
    if given and given[0].arg == "self":
        names.discard("self")
    return any(_asks(statement, names, shows) for statement in exit.body)


def _asks(node: ast.AST, names: set[str], shows: Shows) -> bool:
    if _only_shows(node, shows):
        return False
    if isinstance(node, (ast.Name, ast.Attribute)) and _name(node) in (*names, *_OF_ERROR):
        return isinstance(node.ctx, ast.Load)
    parts = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Call) and _name(node.func) in ("issubclass", "isinstance"):
        parts = [p for p in parts if p not in node.args[:1] or not _is_given(p, names)]
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Is, ast.IsNot)):
        is_none = [isinstance(c, ast.Constant) and c.value is None for c in node.comparators]
        if is_none == [True] and _is_given(node.left, names):
            return False
    elif isinstance(node, (ast.BoolOp, ast.UnaryOp, ast.If, ast.IfExp)):
        tests = getattr(node, "values", [getattr(node, "operand", getattr(node, "test", None))])
        plain = [t for t in tests if _is_given(t, names)]
        parts = [p for p in parts if p not in plain]
    return any(_asks(part, names, shows) for part in parts)


def _is_given(node: ast.AST, names: set[str]) -> bool:
    """Whether it is one of these arguments, or an item of one."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        node = node.value
    return isinstance(node, ast.Name) and node.id in names


def raises_another(handler: ast.ExceptHandler) -> bool:
    """Whether the handler may raise another error than the one that it caught."""
    raised = (n for n in ast.walk(handler) if isinstance(n, ast.Raise))
    return not all(_raises_again(n, handler.name) for n in raised)


def always_raises(handler: ast.ExceptHandler) -> bool:
    """Whether the handler surely ends by raising, the same error or another."""
    parts = [node for statement in handler.body for node in own_nodes(statement)]
    leaving = (ast.Return, ast.Break, ast.Continue, *TRY, ast.With, ast.AsyncWith)
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and not any(
        isinstance(n, leaving) for n in (*handler.body, *parts)
    )


def blocks_with(tree: ast.AST, wanted: type[ast.AST], kinds: Sequence[type]) -> Iterator[ast.stmt]:
    """Statements of these ``kinds`` in a function whose body has a node of the type ``wanted``."""
    for node in own_nodes(tree):
        if isinstance(node, (*kinds,)) and any(
            isinstance(n, wanted)
            for statement in getattr(node, "body", ())
            for n in (statement, *own_nodes(statement))
        ):
            assert isinstance(node, ast.stmt)
            yield node


def _reads(node: ast.AST, name: str | None, shows: Shows) -> bool:
    """Whether it computes with the error, whose text in a trace is not PyTorch's.

    To raise another error with it, or to show it to people, changes no size.
    """
    if isinstance(node, ast.Raise) or _only_shows(node, shows):
        return False
    if isinstance(node, (ast.Name, ast.Attribute)) and _name(node) in _OF_ERROR:
        return True
    if isinstance(node, ast.Name):
        return node.id == name and isinstance(node.ctx, ast.Load)
    return any(_reads(n, name, shows) for n in ast.iter_child_nodes(node))


def _only_shows(node: ast.AST, shows: Shows) -> bool:
    """Whether a statement shows something to people, and does nothing else."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    return _name(node.value.func) in REPORTING and shows(node.value)


def _name(node: ast.AST) -> str:
    """The last part of a name: ``exc_info`` of ``sys.exc_info``."""
    return getattr(node, "id", getattr(node, "attr", ""))


def _raises_again(statement: ast.Raise, name: str | None) -> bool:
    if statement.exc is None:
        return True
    return isinstance(statement.exc, ast.Name) and statement.exc.id == name
