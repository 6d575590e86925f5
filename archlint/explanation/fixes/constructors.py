"""Where the source creates the layers of a model, and edits of these calls."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from itertools import product as combinations

import torch
from torch import nn

from archlint.explanation.fixes.edit import Edit, SourceText, Span
from archlint.explanation.fixes.source_edits import (
    Definition,
    Function,
    definition_of,
    module_name,
    name_of,
)
from archlint.models.targets import ModelSource
from archlint.runtime.code_owner import is_users

MOST = 8  # edits that may come to the same

Place = tuple[SourceText, list[Span]]


def makers(source: ModelSource, model: nn.Module, path: str) -> list[Definition]:
    """The functions that may create the layer at ``path``.

    These are the constructors of its owners, the model's factory, and what they call in their file.
    """
    found: dict[int, Function] = {}
    owners: list[type] = []
    owner = path
    while owner:
        owner = owner.rpartition(".")[0]
        owners.append(type(model.get_submodule(owner)))
    for kind in (k for o in owners for k in o.__mro__):
        constructor = vars(kind).get("__init__")
        if isinstance(constructor, Function) and not kind.__module__.startswith("torch."):
            found.setdefault(id(constructor), constructor)
    if isinstance(source.maker, Function):
        found.setdefault(id(source.maker), source.maker)
    for function in list(found.values()):
        for name in function.__code__.co_names:
            methods = [getattr(kind, name, None) for kind in owners]
            for called in (function.__globals__.get(name), *methods):
                if isinstance(called, Function) and is_users(called.__code__.co_filename):
                    found.setdefault(id(called), called)
    definitions = (definition_of(f) for f in found.values())
    return [d for d in definitions if d is not None]


def pooled_flattens(definition: Definition, pool: str) -> Iterator[Place]:
    """Put ``pool`` (``AdaptiveAvgPool2d((7, 7))``) before each ``nn.Flatten`` that is created.

    A ``Sequential`` of both takes its place, so that no other layer changes its name.
    """
    for call in _creating(definition, "Flatten"):
        home, imported = module_name(definition, torch.nn, "torch.nn")
        words = f"{home}.Sequential({home}.{pool}, {definition.text(call)})"
        yield definition.source, [*imported, (*definition.span(call), words)]


def argument_edits(
    source: ModelSource, model: nn.Module, paths: Sequence[str], argument: str, words: str
) -> list[Edit]:
    """Edits that create the layers at ``paths`` with ``argument`` set to ``words``."""
    options = []
    for path in paths:
        kind = type(model.get_submodule(path))

        def with_argument(
            definition: Definition, call: ast.Call, kind: type = kind
        ) -> Sequence[Span] | None:
            span = argument_span(definition, call, kind, argument, words)
            return None if span is None else [span]

        options.append(list(layer_places(source, model, path, with_argument)))
    edits: dict[bytes, Edit] = {}
    for chosen in islice(combinations(*options), MOST * MOST):
        edit = joined(chosen)
        if edit is not None:
            edits.setdefault(edit.after, edit)
    return list(edits.values())[:MOST]


def joined(parts: Iterable[Place]) -> Edit | None:
    """One edit of several parts, if they are in one file and do not overlap."""
    parts = list(parts)
    files = {str(source.file): source for source, _ in parts}
    if len(files) != 1:
        return None
    (source,) = files.values()
    return source.edited(span for _, spans in parts for span in spans)


def layer_places(
    source: ModelSource,
    model: nn.Module,
    path: str,
    spans_of: Callable[[Definition, ast.Call], Sequence[Span] | None],
) -> Iterator[Place]:
    """Calls that may create a layer, the likeliest first; then all such calls of a function.

    ``spans_of`` gives the edit of a call, or ``None`` if it is not clear.
    """
    kind, name = type(model.get_submodule(path)), path.rpartition(".")[2]
    alone: list[Place] = []
    likely: list[Place] = []
    together: list[Place] = []
    for found in makers(source, model, path):
        edits = []
        named = _assigned(found, name)
        for call in _creating(found, kind.__name__):
            spans = spans_of(found, call)
            if spans is None:
                continue
            (likely if call in named else alone).append((found.source, list(spans)))
            edits.append(spans)
        if len(edits) > 1:
            together.append((found.source, [span for spans in edits for span in spans]))
    yield from likely or [*together, *alone]


def _creating(definition: Definition, kind: str) -> Iterator[ast.Call]:
    for node in ast.walk(definition.tree):
        if isinstance(node, ast.Call) and name_of(node.func) == kind:
            yield node


def _assigned(definition: Definition, name: str) -> list[ast.expr]:
    """The values that are assigned to an attribute ``name``."""
    values: list[ast.expr] = []
    for node in ast.walk(definition.tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            pairs = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            values += [v for t, v in pairs if isinstance(t, ast.Attribute) and t.attr == name]
    return values


def argument_span(
    definition: Definition, call: ast.Call, callee: Callable[..., object], argument: str, words: str
) -> Span | None:
    """The span that gives ``argument`` of a call another value; ``None`` if it is not clear."""
    if any(isinstance(a, ast.Starred) for a in call.args):
        return None
    for keyword in call.keywords:
        if keyword.arg == argument:
            return (*definition.span(keyword.value), words)
    try:
        names = list(inspect.signature(callee).parameters)
    except (TypeError, ValueError):
        names = []
    if argument in names and names.index(argument) < len(call.args):
        return (*definition.span(call.args[names.index(argument)]), words)
    last = [*call.args, *(k.value for k in call.keywords)]
    if not last:
        end = definition.span(call)[1] - 1
        return end, end, f"{argument}={words}"
    end = max(definition.span(node)[1] for node in last)
    return end, end, f", {argument}={words}"
