"""Checks that the batch is preserved, and that it is never merged with other sizes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from archlint.contracts.size_text import shape_words
from archlint.engine.diagnosis.size_chain import chain_to_output
from archlint.engine.structure.input_axes import batch
from archlint.engine.structure.model_view import ModelView, outputs
from archlint.engine.structure.violation import Violation
from archlint.ops.registry import TensorSpec
from archlint.symbolic import Expr, Size, symbol
from archlint.symbolic.formula import conj, ne
from archlint.tracing.fx_graph import tensors


def batch_preserved(view: ModelView, value: Any) -> Iterator[Violation]:
    """The first size of every tensor of the output is the batch, at every accepted size."""
    name = batch(view.input)
    reported: set[str] = set()
    for path in view.accepting:
        for i, spec in enumerate(outputs(path.trace)):
            first = spec.dims[0] if spec.dims else None
            differs = True if first is None else ne(first, symbol(name))
            point = view.smallest(conj(path.accepted, differs))
            if point is None:
                continue
            which = "the output" if isinstance(path.trace.output, TensorSpec) else f"output {i}"
            shown = shape_words(spec.dims) or "a scalar"
            message = f"{which} is {shown}, whose first size is not the batch {name}"
            if message in reported:
                continue
            reported.add(message)
            place = view.made_at(path, spec)
            yield Violation(message, *place, point, chain_to_output(path.trace), shows=True)


def batch_never_merged(view: ModelView, value: Any) -> Iterator[Violation]:
    """Every size of every intermediate tensor that depends on the batch is the batch."""
    name = batch(view.input)
    reported: set[tuple[str, str]] = set()
    for path in view.accepting:
        for call in path.trace.calls:
            if (call.module, call.op) in reported:
                continue
            for size in _mixed(tensors(call.result), name):
                point = view.smallest(conj(path.accepted, ne(size, symbol(name))))
                if point is not None:
                    reported.add((call.module, call.op))
                    what = f"which merges the batch {name} with other sizes"
                    message = f"{call.op} makes a size {size}, {what}"
                    yield Violation(message, call.module, call.op, call.source, point)
                    break


def _mixed(results: Any, name: str) -> list[Size]:
    """The sizes that combine the batch with other sizes."""
    whole = symbol(name)
    sizes = dict.fromkeys(d for t in results for d in t.spec.dims if isinstance(d, Expr))
    return [d for d in sizes if d is not whole and name in d.symbols()]
