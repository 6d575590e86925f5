"""Branches on values that only report: ``if x.isnan().any(): print("nan")``.

The model computes the same whichever side it takes, so that such a branch is no choice. It is read
from source: the sides print, log or warn, and their arguments cannot raise.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from types import CodeType

from archlint.runtime.code_owner import is_user_code
from archlint.tracing.exception_handling.reporting_calls import always_shows
from archlint.tracing.exception_handling.statements import REPORTING, source_of

_BRANCHING = (
    ast.IfExp, ast.BoolOp, ast.While, ast.Assert, ast.comprehension, ast.NamedExpr, ast.Lambda,
    ast.Await, ast.Yield, ast.Match,
)  # fmt: skip
_REDUCTIONS = {"mean", "sum", "norm", "std", "var", "any", "all"}


def only_reports() -> bool:
    """Whether the condition that user code evaluates now only selects what is reported."""
    frame = sys._getframe(1)
    while frame is not None and not is_user_code(frame.f_code.co_filename):
        if frame.f_back is None:
            return False
        frame = frame.f_back
    code = frame.f_code
    reports = _reporting_lines(code, code.co_filename, code.co_linetable).get(frame.f_lineno)
    return reports is not None and all(always_shows(call, frame) for call in reports)


@lru_cache(maxsize=1024)
def _reporting_lines(
    code: CodeType, filename: str, lines: bytes
) -> dict[int, tuple[ast.Call, ...]]:
    """The lines of the conditions whose sides only report, with the calls in both.

    ``filename`` and ``lines`` are as in :func:`~.statements.source_of`.
    """
    source = source_of(code, filename, lines)
    if source is None:
        return {}
    tree, first = source
    found: dict[int, tuple[ast.Call, ...]] = {}
    others: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If):
            spanned = range(node.test.lineno, (node.test.end_lineno or node.test.lineno) + 1)
            sides = (*node.body, *node.orelse)
            if _is_plain(node.test) and all(map(_is_report, sides)):
                found.update(dict.fromkeys(spanned, tuple(_calls(sides))))
            else:
                others.update(spanned)
        elif isinstance(node, _BRANCHING) and isinstance(node, (ast.expr, ast.stmt)):
            others.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return {line + first - 1: calls for line, calls in found.items() if line not in others}


def _calls(reports: Iterable[ast.stmt]) -> Iterator[ast.Call]:
    for statement in reports:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield statement.value


def _is_plain(test: ast.expr) -> bool:
    """Whether computing a condition takes no branch, such as ``and``, ``if`` or a loop."""
    return not any(isinstance(node, _BRANCHING) for node in ast.walk(test))


def _is_report(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Pass):
        return True
    if not isinstance(statement, ast.Expr):
        return False
    call = statement.value
    if isinstance(call, ast.Constant):
        return True
    if not isinstance(call, ast.Call):
        return False
    function = call.func
    named = isinstance(function, ast.Name) or (
        isinstance(function, ast.Attribute) and _is_safe(function.value)
    )
    called = getattr(function, "id", getattr(function, "attr", ""))
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    return named and called in REPORTING and all(map(_is_safe, arguments))


def _is_safe(value: ast.expr) -> bool:
    """Whether an argument surely raises nothing: names, attributes, text, means and sums."""
    if isinstance(value, (ast.Constant, ast.Name)):
        return True
    if isinstance(value, ast.Attribute):
        return _is_safe(value.value)
    if isinstance(value, ast.JoinedStr):
        return all(map(_is_safe, value.values))
    if isinstance(value, ast.FormattedValue):
        return _is_safe(value.value) and (value.format_spec is None or _is_reduced(value.value))
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        method, of = value.func.attr, value.func.value
        if value.args or value.keywords or not _is_safe(of):
            return False
        if method == "item":
            return _is_reduced(of)
        return method in _REDUCTIONS or method in ("abs", "size", "dim", "numel", "detach")
    return False


def _is_reduced(value: ast.expr) -> bool:
    """Whether it is ``x.mean()`` or ``x.mean().item()``: one number."""
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
        return False
    return value.func.attr in _REDUCTIONS or (
        value.func.attr == "item" and _is_reduced(value.func.value)
    )
