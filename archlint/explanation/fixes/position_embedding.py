"""A position embedding that is added to features: interpolated to the size of the features."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any

import torch

from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.code_change import edited_functions
from archlint.explanation.fixes.constructors import Place, joined
from archlint.explanation.fixes.edit import Span
from archlint.explanation.fixes.proposal import Proposal
from archlint.explanation.fixes.source_edits import (
    Definition,
    definition_at,
    functional,
    line_before,
    module_name,
    node_at,
    summands,
)
from archlint.ops.registry import rule_for
from archlint.symbolic import Expr, Size, Symbol, atoms, evaluate, symbol
from archlint.symbolic.substitution import substitute
from archlint.tracing.fx_graph import tensors, weights
from archlint.tracing.trace import Call, Trace

_ADDITIONS = (rule_for(torch.add), rule_for(torch.Tensor.add_))
_MODES = {1: "linear", 2: "bilinear", 3: "trilinear"}
_PREFIX = 4  # at most: tokens before those of the image


def interpolation(broken: BrokenContract) -> Iterator[Proposal]:
    """``x + self.positions`` with the positions interpolated to the sizes of ``x``.

    For positions with the layout of features, ``1 C h w`` beside ``N C H W``, and for flat tokens,
    ``1 h*w C`` beside ``N H*W C``, with or without other tokens before them. Where both have the
    same sizes nothing changes. Several tables like features are interpolated together.
    """
    additions = list(_additions(broken))
    if not additions:
        return
    for attribute, trace, call, sizes, features in _tables(broken, additions[:1]):
        found = definition_at(call)
        tokens = _tokens(broken, trace, call, sizes, features)
        if found is not None and tokens is not None and _is_method(found, call, attribute):
            spans = _token_spans(found, call, attribute, tokens)
            yield from _interpolated(broken, [attribute], [call], [(found.source, spans)])
    attributes, calls, places = [], [], []
    for attribute, _, call, sizes, features in _tables(broken, additions):
        found = definition_at(call)
        if found is None or len(sizes) - 2 not in _MODES:
            continue
        if any(_fits(sizes, dims) for dims in features):
            mode = _MODES[len(sizes) - 2]
            spans = _map_spans(found, call.line, attribute, mode)
            if spans:
                attributes.append(attribute)
                calls.append(call)
                places.append((found.source, spans))
    yield from _interpolated(broken, attributes, calls, places)


def _additions(broken: BrokenContract) -> Iterator[tuple[Trace, Call]]:
    """The sum that refuses, and then others with claims on the path of accepted sizes."""
    path, accepted = broken.violation.path, broken.accepted_point
    failed = path.first_failed_claim(broken.violation.point)
    events = [] if failed is None else [(path.trace, failed)]
    reaching = broken.exploration.path_at(accepted) if accepted is not None else None
    if reaching is not None:
        events += [(reaching.trace, e) for e in reaching.trace.path.events if e.kind == "claim"]
    seen: set[tuple[str, str, Any]] = set()
    for trace, event in events:
        call = trace.call_of(event)
        if call is None or rule_for(call.func) not in _ADDITIONS:
            if event is failed:
                return
            continue
        place = call.module, call.source, tuple(t.shape for t in weights((call.args, call.kwargs)))
        if place not in seen:
            seen.add(place)
            yield trace, call


_Table = tuple[str, Trace, Call, tuple[int, ...], list[tuple[Size, ...]]]


def _tables(broken: BrokenContract, additions: Sequence[tuple[Trace, Call]]) -> Iterator[_Table]:
    """Parameters and buffers of the modules that make the sums, and the sizes of the summands."""
    for trace, call in additions:
        layer = broken.model.get_submodule(call.module)
        features = [t.spec.dims for t in tensors((call.args, call.kwargs))]
        own = *layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)
        for attribute, value in own:
            yield attribute, trace, call, tuple(value.shape), features


def _interpolated(
    broken: BrokenContract, attributes: Sequence[str], calls: Sequence[Call], places: list[Place]
) -> Iterator[Proposal]:
    names = " and ".join(dict.fromkeys(f"`{a}`" for a in attributes))
    title = f"interpolate {names} to the size of the features"
    note = "at new sizes the positions are interpolated: check the accuracy there"
    yield from edited_functions(broken, joined(places), calls, title, note)


def _fits(sizes: tuple[int, ...], dims: tuple[Size, ...]) -> bool:
    """Whether positions of these sizes have the layout of the features."""
    return len(dims) == len(sizes) and sizes[0] == 1 and dims[1] == sizes[1]


def _sum(definition: Definition, line: int, attribute: str) -> tuple[ast.expr, ast.expr] | None:
    """The other summand and ``self.ATTRIBUTE``, in the only sum of it at ``line``.

    In the module's own class a private attribute has another name, and ``self`` may be any name.
    """
    names = attribute, re.sub(r"^_[A-Za-z]\w*?(?=__)", "", attribute)
    sums = []
    for node in ast.walk(definition.tree):
        if not node_at(node, line):
            continue
        if (both := summands(node)) is not None:
            sums += [both, both[::-1]] if isinstance(node, ast.BinOp) else [both]
    sums = [
        (x, own)
        for x, own in sums
        if isinstance(own, ast.Attribute) and isinstance(own.value, ast.Name) and own.attr in names
    ]
    return sums[0] if len(sums) == 1 else None


def _map_spans(definition: Definition, line: int, attribute: str, mode: str) -> list[Span]:
    """Interpolate ``self.ATTRIBUTE`` in a sum to the sizes of the other summand.

    Empty if there is no such sum, or if the other summand is more than a name.
    """
    both = _sum(definition, line, attribute)
    if both is None:
        return []
    other, own = both
    used, imported = functional(definition)
    words = f'interpolate({definition.text(own)}, {{}}.shape[2:], mode="{mode}")'
    first = other
    while isinstance(first, ast.BinOp) and isinstance(first.op, ast.Add):
        first = first.left
    other = first if isinstance(first, ast.Name) else other
    if isinstance(other, ast.Name):
        return [*imported, (*definition.span(own), f"{used}.{words.format(other.id)}")]
    if definition.span(other) > definition.span(own):
        return []  # the sum evaluates the table first
    (name,) = _new_names(definition, "features")
    named = f"({name} := {definition.text(other)})"
    put = (*definition.span(own), f"{used}.{words.format(name)}")
    return [*imported, (*definition.span(other), named), put]


def _is_method(definition: Definition, call: Call, attribute: str) -> bool:
    """Whether the first parameter of the function is the module that has the table."""
    both = _sum(definition, call.line, attribute)
    if both is None or isinstance(definition.tree, ast.Lambda):
        return False
    parameters = [*definition.tree.args.posonlyargs, *definition.tree.args.args]
    own = both[1]
    assert isinstance(own, ast.Attribute)
    return bool(parameters) and ast.unparse(own.value) == parameters[0].arg


@dataclass(frozen=True)
class _Tokens:
    """Flat tokens of an image: ``before`` other tokens, and then those of the ``grid`` of a table.

    ``image`` is the argument that ``size``, the formulas of rows and columns, are about; they
    name its sizes "height" and "width". ``rank`` is that of the table.
    """

    before: int
    grid: tuple[int, int]
    image: str
    size: tuple[Size, Size]
    rank: int


def _tokens(
    broken: BrokenContract,
    trace: Trace,
    call: Call,
    sizes: tuple[int, ...],
    features: list[tuple[Size, ...]],
) -> _Tokens | None:
    if len(sizes) not in (2, 3) or (len(sizes) == 3 and sizes[0] != 1):
        return None
    lengths = [d[1] for d in features if len(d) == 3 and d[2] == sizes[-1]]
    index = trace.calls.index(call)
    argument = _image_argument(broken, trace, index, call)
    if not lengths or argument is None:
        return None
    image, dims = argument
    for maker in reversed(trace.calls[:index]):
        for made in tensors(maker.result):
            if len(made.spec.dims) != 4:
                continue
            rows, columns = made.spec.dims[2:]
            before = lengths[0] - rows * columns
            if not isinstance(before, int) or not 0 <= before <= _PREFIX:
                continue
            grid = _grid(broken, sizes[-2] - before, rows, columns)
            size = _in_terms_of(dims, rows, columns)
            if grid is not None and size is not None:
                return _Tokens(before, grid, image, size, len(sizes))
    return None


def _image_argument(
    broken: BrokenContract, trace: Trace, index: int, call: Call
) -> tuple[str, tuple[Size, ...]] | None:
    """The first argument of the method that makes a call, if it is an image, and its sizes."""
    assert call.code is not None
    names = call.code.co_varnames[: call.code.co_argcount]
    around = [m for m in trace.log.modules if m.first <= index < m.end]
    inputs = tensors(min(around, key=lambda m: m.end - m.first).args) if around else []
    if not inputs and isinstance(broken.contract.input, dict):
        return None
    dims = inputs[0].spec.dims if inputs else getattr(broken.contract.input, "dims", ())
    return (names[1], dims) if len(names) > 1 and len(dims) == 4 else None


def _in_terms_of(dims: tuple[Size, ...], rows: Size, columns: Size) -> tuple[Size, Size] | None:
    """Rows and columns as formulas of "height" and "width", the last two of ``dims``."""
    words = symbol("height"), symbol("width")
    if (rows, columns) == tuple(dims[2:]):
        return words
    names = [[a.name for a in atoms(d) if isinstance(a, Symbol)] for d in dims[2:]]
    plain = all(len(n) == 1 and d is symbol(n[0]) for n, d in zip(names, dims[2:], strict=True))
    if not plain or not isinstance(rows, Expr) or not isinstance(columns, Expr):
        return None
    values: Mapping[str, Size] = {names[0][0]: words[0], names[1][0]: words[1]}
    size = substitute(rows, values), substitute(columns, values)
    used = set().union(*(getattr(s, "symbols", set)() for s in size))
    return size if used <= {"height", "width"} else None


def _grid(broken: BrokenContract, count: int, rows: Size, columns: Size) -> tuple[int, int] | None:
    """The grid of a table with ``count`` positions: at accepted sizes, else a square."""
    point = broken.accepted_point
    if point is not None:
        grid = evaluate(rows, point), evaluate(columns, point)
        if grid[0] * grid[1] == count:
            return grid
    side = isqrt(count) if count > 0 else 0
    return (side, side) if side * side == count and side else None


def _token_spans(definition: Definition, call: Call, attribute: str, tokens: _Tokens) -> list[Span]:
    """Interpolate the table on lines before the sum; the image's size is read at the start."""
    both = _sum(definition, call.line, attribute)
    if both is None or isinstance(definition.tree, ast.Lambda):
        return []
    first = definition.tree.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        first = definition.tree.body[1] if len(definition.tree.body) > 1 else first
    own = both[1]
    used, imported = functional(definition)
    torch_name, more = module_name(definition, torch, "torch")
    height, width, grid, positions = _new_names(definition, "height", "width", "grid", "positions")
    names = {"height": symbol(height), "width": symbol(width)}
    rows, columns = (ast.unparse(ast.parse(str(substitute(s, names)))) for s in tokens.size)
    table = definition.text(own)
    flat = f"{grid}.flatten(2).transpose(1, 2)" if tokens.rank == 3 else f"{grid}[0].flatten(1).T"
    image_part = f"{table}[..., {tokens.before}:, :]" if tokens.before else table
    side = ", ".join(map(str, tokens.grid))
    whole = flat
    if tokens.before:
        whole = f"{torch_name}.cat([{table}[..., :{tokens.before}, :], {flat}], -2)"
    lines = (
        f"{grid} = {image_part}.transpose(-2, -1).reshape(1, -1, {side})",
        f'{grid} = {used}.interpolate({grid}, size=({rows}, {columns}), mode="bicubic")',
        f"{positions} = {whole}",
    )
    put = line_before(definition, own, "\n".join(lines))
    if put is None:
        return []
    at = definition.source.offset(first.lineno, first.col_offset)
    read = f"{height}, {width} = {tokens.image}.shape[-2:]"
    indent = definition.source.text[definition.source.line_start(at) : at]
    if indent.strip():
        return []
    start = (at, at, read + definition.source.newline(at) + indent)
    if put[0] == at:
        start, put = (at, at, start[2] + put[2]), (at, at, "")
    spans = [*imported, start, put, (*definition.span(own), positions)]
    return [*spans, *(more if tokens.before else [])]


def _new_names(definition: Definition, *names: str) -> tuple[str, ...]:
    """Names that the function and its module do not use."""
    used = {getattr(n, "id", getattr(n, "arg", "")) for n in ast.walk(definition.tree)}
    used |= definition.function.__globals__.keys()
    return tuple(next(n for n in (name, f"{name}_", f"new_{name}", f"_{name}_") if n not in used)
                 for name in names)  # fmt: skip
