"""The layers of a path as a tree of modules, with sizes and claims as data for the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from archlint.explanation.explanation import Explanation
from archlint.explanation.path_rows import Row, dims_text, needs_text
from archlint.report.page.formula_data import NodeTable
from archlint.runtime.user_frames import shown_source
from archlint.symbolic import Size, evaluate


@dataclass(frozen=True)
class Layer:
    """A row of the page: a layer, or a module with ``children``.

    ``sizes``: what leaves it, as text; ``numbers``: the same at the point; ``nodes``: the indexes
    of its sizes. ``lit``: it leads to the layer that refuses the point. ``index``: its position
    among the rows that the script knows; -1 for a module.
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
    children: tuple[Layer, ...] = ()


def layer_tree(e: Explanation, table: NodeTable) -> tuple[tuple[Layer, ...], list[dict[str, Any]]]:
    """The top levels, and for the script the claims of each row in the order of the path."""
    rows = [step.row for step in e.unfolded]
    lit = {row.first for row in e.chain}
    leaves = [_leaf(row, i, e.point, table, lit) for i, row in enumerate(rows)]
    claims = [
        {
            "name": row.module or row.kind,
            "claims": [[table.formula(c.formula), c.needs()] for c in row.claims],
        }
        for row in rows
    ]
    paths = [row.module.split(".") if row.module else [] for row in rows]
    return tuple(_nested(list(zip(paths, leaves, strict=True)), 0)), claims


def _leaf(row: Row, index: int, point: Mapping[str, int], table: NodeTable, lit: set[int]) -> Layer:
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
        lit=any(row.first <= call <= row.last for call in lit),
        index=index,
    )


def _numbers(dims: Sequence[Size], point: Mapping[str, int]) -> str:
    return " ".join(str(evaluate(d, point)) for d in dims)


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


__all__ = ["Layer", "layer_tree"]
