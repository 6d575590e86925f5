"""Which rows of a path read which: the edges of the page's graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from archlint.explanation.path_rows import Row
from archlint.symbolic import Size
from archlint.tracing.fx_graph import tensors
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trace import Trace
from archlint.tracing.trees import leaves


@dataclass(frozen=True)
class LayerGraph:
    """The inputs come first, then the rows of the path.

    ``inputs``: the sizes of each input. ``edges``: pairs of what is read and what reads it; the
    output, one past the last row, reads what the model returns. ``main``: for each call what made
    its first argument, a call or, as ``-1 - i``, the input ``i``; ``None`` for neither.
    ``row_of``: the row of each call.
    """

    inputs: tuple[tuple[Size, ...], ...]
    edges: tuple[tuple[int, int], ...]
    main: tuple[int | None, ...]
    row_of: tuple[int, ...]

    def readers(self) -> dict[int, list[int]]:
        """What each row reads."""
        result: dict[int, list[int]] = {}
        for source, reader in self.edges:
            result.setdefault(reader, []).append(source)
        return result


def layer_graph(
    trace: Trace, rows: Sequence[Row], declared: Sequence[tuple[Size, ...]]
) -> LayerGraph:
    """The graph of a path whose calls are grouped into ``rows``.

    ``declared``: the sizes of the inputs, for a path that ends before it reads one.
    """
    inputs: dict[int, SymbolicTensor] = {}
    arguments = [tensors((call.args, call.kwargs)) for call in trace.calls]
    for tensor in (t for of_call in arguments for t in of_call if t.made_by < 0):
        inputs.setdefault(id(tensor), tensor)
    makers = {key: -1 - i for i, key in enumerate(inputs)}  # or the call that last wrote it
    dims = tuple(t.spec.dims for t in inputs.values()) or tuple(declared)
    row_of = [0] * len(trace.calls)
    for index, row in enumerate(rows, len(dims)):
        row_of[row.first : row.last + 1] = [index] * (row.last + 1 - row.first)
    edges: dict[tuple[int, int], None] = {}
    main: list[int | None] = []
    for index, (call, read) in enumerate(zip(trace.calls, arguments, strict=True)):
        made = tensors(call.result)
        made_by = [makers.get(id(t), t.made_by) for t in read]
        if not read and not made and len(dims) == 1:  # a check of the input's sizes
            made_by = [-1]
        main.append(made_by[0] if made_by and made_by[0] < index else None)
        for source in made_by:
            edges.setdefault((_row(source, row_of), row_of[index]))
        written = read[:1] if call.result is None else [t for t in made if t.made_by < 0]
        for tensor in (*made, *written):
            makers[id(tensor)] = index
    end = len(dims) + len(rows)
    for source in _returned(trace, makers):
        edges.setdefault((_row(source, row_of), end))
    kept = tuple((a, b) for a, b in edges if a < b)
    return LayerGraph(dims, kept, tuple(main), tuple(row_of))


def _row(maker: int, row_of: Sequence[int]) -> int:
    return -1 - maker if maker < 0 else row_of[maker]


def _returned(trace: Trace, makers: dict[int, int]) -> list[int]:
    """What made the tensors that the model returns."""
    if trace.outcome != "accepted":
        return []
    specs = {id(spec) for spec in leaves(trace.output)}
    values: tuple[Any, ...] = tuple((c.args, c.kwargs, c.result) for c in trace.calls)
    found = (t for t in tensors(values) if id(t.spec) in specs and id(t) in makers)
    return list(dict.fromkeys(makers[id(t)] for t in found))
