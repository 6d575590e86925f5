"""The layers of a path as a tree of modules, with sizes and claims as data for the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from archlint.contracts.contract import Input, TensorInput
from archlint.contracts.nested import input_tensors
from archlint.explanation.explanation import Explanation
from archlint.explanation.path_rows import Row, dims_text, needs_text
from archlint.ops.registry import TensorSpec
from archlint.report.page.formula_data import NodeTable
from archlint.report.page.layer_graph import LayerGraph, layer_graph
from archlint.runtime.user_frames import shown_source
from archlint.symbolic import Size, evaluate_defined


@dataclass(frozen=True)
class Layer:
    """A row of the page: a layer, or a module with ``children``.

    ``sizes``: what leaves it, as text; ``numbers``: the same at the point; ``nodes``: the indexes
    of its sizes. ``lit``: it leads to the layer that refuses the point. ``index``: its position
    among the rows that the script knows; -1 for a module. ``reads``: the layers that it reads,
    if that is not just the one before.
    """

    name: str
    kind: str
    source: str
    sizes: str
    numbers: str
    nodes: str
    needs: tuple[str, ...]
    lit: bool
    index: int
    reads: tuple[str, ...] = ()
    children: tuple[Layer, ...] = ()


def layer_tree(e: Explanation, table: NodeTable) -> tuple[tuple[Layer, ...], dict[str, Any]]:
    """The top levels, and for the script the claims of each row and the edges between rows."""
    rows = [step.row for step in e.unfolded]
    graph = layer_graph(e.path.trace, rows, [t.dims for t in input_tensors(e.input)])
    lit = _blamed(e, graph)
    names = input_names(e.input, graph.inputs)
    before = len(names)
    labels = [*names, *(row.module or row.kind for row in rows), "output"]
    reads = {
        reader: tuple(labels[i] for i in sources)
        for reader, sources in graph.readers().items()
        if sources != [reader - 1]
    }
    leaves = [
        *(
            _end(name, dims, i, e.point, table, i in lit)
            for i, (name, dims) in enumerate(zip(names, graph.inputs, strict=True))
        ),
        *(
            _leaf(row, before + i, e.point, table, before + i in lit, reads.get(before + i, ()))
            for i, row in enumerate(rows)
        ),
    ]
    paths: list[list[str]] = [[]] * before + [
        row.module.split(".") if row.module else [] for row in rows
    ]
    claims: list[dict[str, Any]] = [{"name": name, "claims": []} for name in names]
    for row in rows:
        own = [[table.formula(c.formula), c.needs(), c.call] for c in row.claims]
        claims.append({"name": row.module or row.kind, "claims": own})
    output = e.path.trace.output
    if e.path.trace.outcome == "accepted":
        dims = output.dims if isinstance(output, TensorSpec) else None
        last = _end("output", dims, len(leaves), e.point, table, False, reads.get(len(leaves), ()))
        leaves.append(last)
        paths.append([])
        claims.append({"name": "output", "claims": []})
    data = {"rows": claims, "edges": graph.edges, "main": graph.main, "row_of": graph.row_of}
    return tuple(_nested(list(zip(paths, leaves, strict=True)), 0)), data


def _blamed(e: Explanation, graph: LayerGraph) -> set[int]:
    """The rows from the input to the call that refuses the point."""
    event = e.path.first_failed_claim(e.point)
    rows: set[int] = set()
    call = event.call if event is not None else None
    while call is not None and call >= 0:
        rows.add(graph.row_of[call])
        call = graph.main[call]
    return rows if call is None else rows | {-1 - call}


def input_names(input: Input, dims: Sequence[tuple[Size, ...]]) -> list[str]:
    """The names of inputs with these sizes: those of a mapping where they are clear."""
    named: dict[tuple[Size, ...], list[str]] = {}
    for name, part in input.items() if isinstance(input, dict) else ():
        if isinstance(part, TensorInput):
            named.setdefault(part.dims, []).append(name)
    found = [named.get(d, []) for d in dims]
    return [names[0] if len(names) == 1 else "input" for names in found]


def _end(
    name: str,
    dims: tuple[Size, ...] | None,
    index: int,
    point: Mapping[str, int],
    table: NodeTable,
    lit: bool,
    reads: tuple[str, ...] = (),
) -> Layer:
    """The row of an input or of the output."""
    shown, numbers = dims_text(dims), _numbers(dims or (), point)
    nodes = " ".join(map(str, table.sizes(dims or ())))
    return Layer(name, "", "", shown, numbers, nodes, (), lit, index, reads)


def _leaf(
    row: Row,
    index: int,
    point: Mapping[str, int],
    table: NodeTable,
    lit: bool,
    reads: tuple[str, ...],
) -> Layer:
    name, kind = (row.module, row.kind) if row.module else (row.kind, "")
    dims = row.dims or ()
    return Layer(
        name=name,
        kind=kind,
        source=shown_source(row.source) if row.source else "",
        sizes=dims_text(row.dims),
        numbers=_numbers(dims, point),
        nodes=" ".join(map(str, table.sizes(dims))),
        needs=tuple(needs_text(row.claims)),
        lit=lit,
        index=index,
        reads=reads,
    )


def _numbers(dims: Sequence[Size], point: Mapping[str, int]) -> str:
    values = [evaluate_defined(d, point) for d in dims]
    return " ".join(map(str, values)) if None not in values else "-"


def _nested(rows: Sequence[tuple[list[str], Layer]], level: int) -> Iterator[Layer]:
    """Neighbouring rows of one module become its children."""
    for part, group in groupby(rows, lambda r: r[0][level] if len(r[0]) > level else None):
        inside = list(group)
        if part is None or len(inside) == 1:
            yield from (layer for _, layer in inside)
            continue
        children = tuple(_nested(inside, level + 1))
        last = inside[-1][1]
        name = ".".join(inside[0][0][: level + 1])
        own = [layer for layer in children if layer.name == name]
        if len(own) == len(children):  # several calls of one layer
            yield from children
            continue
        yield Layer(
            name=name,
            kind=f"{len(inside)} layers",
            source="",
            sizes=last.sizes,
            numbers=last.numbers,
            nodes=last.nodes,
            needs=(),
            lit=any(layer.lit for layer in children),
            index=-1,
            children=children,
        )
