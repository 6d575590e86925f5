"""Other calls of operators: a copy instead of a view, the sizes of a skip connection."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import CodeType

import torch

from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.code_change import edited_functions
from archlint.explanation.fixes.constructors import Place, joined
from archlint.explanation.fixes.proposal import Proposal
from archlint.explanation.fixes.source_edits import (
    Definition,
    definition_at,
    functional,
    line_before,
    name_of,
    node_at,
    summands,
)
from archlint.ops.registry import rule_for
from archlint.symbolic import Expr
from archlint.tracing.fx_graph import tensors
from archlint.tracing.trace import Call, Trace

_VIEW = rule_for(torch.Tensor.view)
_CONCATENATION = rule_for(torch.cat)
_SUMS = (rule_for(torch.add), rule_for(torch.Tensor.add_))
_JOINS = ("cat", "concat", "concatenate")


def reshaping(broken: BrokenContract) -> Iterator[Proposal]:
    """``reshape`` in the place of a ``view`` of memory that is not contiguous."""
    trace = broken.violation.path.trace
    event = broken.violation.path.first_failed_claim(broken.violation.point)
    call = None if event is None else trace.call_of(event)
    found = None if call is None or rule_for(call.func) is not _VIEW else definition_at(call)
    if call is None or found is None:
        return
    views = [
        node.func
        for node in ast.walk(found.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr == "view"
    ]
    title = f"reshape instead of view in `{found.function.__name__}`"
    for chosen in ([v for v in views if node_at(v, call.line)], views):
        ends = [found.span(view)[1] for view in chosen]
        edit = found.source.edited([(end - len("view"), end, "reshape") for end in ends])
        yield from edited_functions(broken, edit, [call], title, "the memory is copied")


def resizing_to_skips(broken: BrokenContract) -> Iterator[Proposal]:
    """What is upsampled, interpolated to the sizes of what it is joined with or added to."""
    places: list[Place] = []
    titles: dict[str, None] = {}
    calls: dict[str, Call] = {}
    definitions: dict[CodeType | None, Definition | None] = {}  # each takes a while to find
    for trace, call in _joining(broken):
        if call.code not in definitions:
            definitions[call.code] = definition_at(call)
        found = definitions[call.code]
        made = None if found is None else _resized(found, trace, call)
        if made is None or found is None or call.source in calls:
            continue
        words, spans = made
        titles[words] = None
        calls[call.source] = call
        places.append((found.source, spans))
    title = next(iter(titles)) if len(titles) == 1 else "interpolate to the size of each skip"
    yield from edited_functions(broken, joined(places), calls.values(), title)


def _joining(broken: BrokenContract) -> Iterator[tuple[Trace, Call]]:
    """Calls with two feature maps whose sizes have to be equal, and may not be."""
    paths = [broken.violation.path]
    accepted = broken.accepted_point
    if accepted is not None and (path := broken.exploration.path_at(accepted)) is not None:
        paths.append(path)
    for path in paths:
        failed = path.first_failed_claim(broken.violation.point)
        for event in path.trace.path.events:
            call = path.trace.call_of(event)
            if event.kind != "claim" or call is None:
                continue
            rule = rule_for(call.func)
            both = [t.spec.dims for t in tensors((call.args, call.kwargs))]
            maps = len(both) == 2 and len(both[0]) == len(both[1]) >= 3
            free = event is failed or any(isinstance(s, Expr) for s in event.sizes)
            differ = maps and both[0][2:] != both[1][2:]
            if free and differ and (rule is _CONCATENATION or rule in _SUMS):
                yield path.trace, call


def _resized(
    found: Definition, trace: Trace, call: Call
) -> tuple[str, list[tuple[int, int, str]]] | None:
    """The title of the change at one call, and its spans; ``None`` if the line is not clear."""
    pairs = [
        pair
        for node in ast.walk(found.tree)
        if node_at(node, call.line) and (pair := _operands(node, call)) is not None
    ]
    if len(pairs) != 1:
        return None
    one, other = tensors((call.args, call.kwargs))
    late, skip = pairs[0] if one.made_by > other.made_by else pairs[0][::-1]
    made = max((one, other), key=lambda t: t.made_by)
    if not isinstance(skip, (ast.Name, ast.Attribute)):
        return None  # evaluating it twice might change it
    size = f"{found.text(skip)}.shape[2:]"
    used, imported = functional(found)
    maker = trace.calls[made.made_by] if made.made_by >= 0 else call
    title = f"interpolate to the size of `{found.text(skip)}`"
    if maker.op == "interpolate" and maker.code is call.code:
        for node in ast.walk(found.tree):
            if isinstance(node, ast.Call) and name_of(node.func) == "interpolate":
                factor = next((k for k in node.keywords if k.arg == "scale_factor"), None)
                if node_at(node, maker.line) and factor is not None:
                    start = found.source.offset(factor.lineno, factor.col_offset)
                    return title, [(start, found.span(factor.value)[1], f"size={size}")]
    if isinstance(late, ast.Name):
        words = f"{late.id} = {used}.interpolate({late.id}, size={size})"
        put = line_before(found, late, words)
        if put is not None:
            return title, [*imported, put]
    start, end = found.span(late)
    words = f"{used}.interpolate({found.text(late)}, size={size})"
    return title, [*imported, (start, end, words)]


def _operands(node: ast.AST, call: Call) -> tuple[ast.expr, ast.expr] | None:
    """The two tensors that a node joins or adds, if it may be this call."""
    if rule_for(call.func) is _CONCATENATION:
        if isinstance(node, ast.Call) and name_of(node.func) in _JOINS:
            named = {k.arg: k.value for k in node.keywords}
            parts = node.args[0] if node.args else named.get("tensors")
            if isinstance(parts, (ast.List, ast.Tuple)) and len(parts.elts) == 2:
                return parts.elts[0], parts.elts[1]
        return None
    return summands(node)
