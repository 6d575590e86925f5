"""Whether the text of a size is only for people: what shows it is looked up where it is called."""

from __future__ import annotations

import ast
import inspect
from types import FrameType, FunctionType, MethodType, SimpleNamespace
from typing import Any

from archlint.tracing.exception_handling.reporting_calls import shows
from archlint.tracing.symint.code_uses import Use, use_in

_DEEP = 3  # functions of the user that pass a text on


def is_only_shown(use: Use | None, frame: FrameType, depth: int = _DEEP) -> bool:
    """Whether a text that ``frame`` makes for this use is only printed, logged or raised."""
    if use is None or not use.harmless or not depth:
        return False
    return all(
        shows(call, frame, dropped, lambda f, c=call, a=text: _shows_parameter(f, c, a, depth))  # type: ignore[misc]
        for call, text, dropped in use.shown_by
    )


def _shows_parameter(function: Any, call: ast.Call, text: ast.expr | None, depth: int) -> bool:
    """Whether a function of the user only shows the argument ``text`` of the call."""
    plain = function.__func__ if isinstance(function, MethodType) else function
    if not isinstance(plain, FunctionType) or hasattr(plain, "__wrapped__"):
        return False
    name = _parameter(function, call, text)
    if name is None:
        return False
    owner = getattr(function, "__self__", None)
    own = {} if owner is None else {plain.__code__.co_varnames[0]: owner}
    inside: Any = SimpleNamespace(f_code=plain.__code__, f_locals=own, f_globals=plain.__globals__)
    return is_only_shown(use_in(plain, name), inside, depth - 1)


def _parameter(function: Any, call: ast.Call, text: ast.expr | None) -> str | None:
    """The name of the parameter that gets the argument ``text``; ``None`` if it is not known."""
    for keyword in call.keywords:
        if keyword.value is text:
            return keyword.arg
    if text not in call.args or any(isinstance(a, ast.Starred) for a in call.args):
        return None
    at = call.args.index(text)
    parameters = list(inspect.signature(function).parameters.values())
    for parameter in parameters[: at + 1]:
        if parameter.kind is parameter.VAR_POSITIONAL:
            return parameter.name
    taken = parameters[at : at + 1]
    return taken[0].name if taken and taken[0].kind is not taken[0].KEYWORD_ONLY else None
