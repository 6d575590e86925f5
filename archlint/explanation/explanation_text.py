"""An explanation as text: a table of layers, what narrows the sizes, and the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from archlint.contracts.accepted_set import input_text
from archlint.contracts.nested import leaves
from archlint.contracts.size_text import size_text
from archlint.contracts.text_layout import columns, counted
from archlint.explanation.path_rows import Row, dims_text, matching, needs_text
from archlint.explanation.tied_weights import (
    TiedWeight,
    needed_shape_text,
    shape_text,
    tied_weights,
)
from archlint.runtime.user_frames import shown_source
from archlint.symbolic import Size, evaluate_defined

if TYPE_CHECKING:
    from archlint.explanation.explanation import Explanation, Step

_LABEL = 10  # columns
_WIDEST = 44  # characters of a column, beyond which a cell may push its neighbours


def explanation_text(e: Explanation, verbose: bool = False, layer: str = "") -> str:
    """The explanation as text without a final newline. ``layer`` is a glob of module paths."""
    parts = [_head(e), _table(e, verbose, layer)]
    if e.chain:
        parts.append(_refusal(e))
    elif not e.accepted:
        at = f" at {shown_source(e.path.trace.source)}" if e.path.trace.source else ""
        why = f"the code takes this path where {e.condition}" if e.condition else ""
        parts.append(
            [
                f"refused   {size_text(e.point)}: {e.path.trace.error}{at}",
                *[f"          {why}"][: bool(why)],
            ]
        )
    parts.append(_limits(e))
    parts.append(_weights(e))
    parts.append(_fields(e, verbose))
    indent = "\n" + " " * _LABEL  # a name or a message with several lines stays apart
    return "\n\n".join("\n".join(line.replace("\n", indent) for line in p) for p in parts if p)


def _head(e: Explanation) -> list[str]:
    lines = [f"{e.model}   {input_text(e.input)}   {e.mode}"]
    if e.exact and e.accepts.text == "any size":
        lines.append("accepts   any size   (proved)")
    elif e.exact:
        lines.append(f"accepts   {e.accepts.text}   (proved: these sizes and no others)")
    else:
        lines.append(f"accepts   {e.accepts.text}   (proved; other sizes are unknown)")
        lines += [f"unknown   {reason}" for reason in e.reasons]
    if e.mismatch:
        lines.append(f"input     {e.mismatch}")
    if e.requested:
        lines.append(f"at        {size_text(e.point)}: {'accepted' if e.accepted else 'refused'}")
    if e.paths > 1 and e.condition:
        many = str(e.paths) if e.covered else f"at least {e.paths}"
        lines.append(f"path      of {size_text(e.point)}, 1 of {many}: sizes with {e.condition}")
    return lines


# -- the table ---------------------------------------------------------------------------------


def _table(e: Explanation, verbose: bool, layer: str) -> list[str]:
    steps: Sequence[Step] = e.steps
    if layer:
        wanted = {id(r) for r in matching([s.row for s in e.unfolded], layer)}
        steps = [s for s in e.unfolded if id(s.row) in wanted]
        if not steps:
            return [f"no layer on this path matches {layer!r}"]
    elif verbose:
        steps = e.unfolded
    if not steps:
        return []
    shown_steps = [s for s in steps if verbose or layer or s.row.changes]
    end = _end(e)
    table = [("layer", "", "sizes", f"at {size_text(e.point)}", "accepted so far")]
    if not layer:
        table += _inputs(e)
    notes: dict[int, list[str]] = {}
    for s in shown_steps:
        row = s.row
        name, kind = (row.module, row.kind) if row.module else (row.kind, _place(row))
        numbers = (
            _numbers(row.dims, e.point) if row.last < end else "refused"[: 7 * (row.first <= end)]
        )
        table.append((name, kind, dims_text(row.dims), numbers, s.accepts))
        if row.claims and s.accepts:
            notes[len(table) - 1] = needs_text(row.claims)
    lines = columns(table, widest=_WIDEST)
    out = []
    for i, line in enumerate(lines):
        out.append(line)
        out += [f"    needs {need}" for need in notes.get(i, ())]
    hidden = len(steps) - len(shown_steps)
    if hidden:
        they = ("changes", "needs", "it") if hidden == 1 else ("change", "need", "them")
        out.append("({} more {} and {} no size; -v shows {})".format(hidden, *they))
    return out


def _end(e: Explanation) -> int:
    """The index of the call that refuses the point; beyond all calls if none does."""
    event = e.path.first_failed_claim(e.point)
    if event is not None:
        return event.call
    calls = len(e.path.trace.calls)
    raised = e.path.trace.outcome == "raised" and e.unfolded and e.unfolded[-1].row.dims is None
    return calls - 1 if raised else calls


def _inputs(e: Explanation) -> list[tuple[str, str, str, str, str]]:
    return [
        (name or "input", "", dims_text(part.dims), _numbers(part.dims, e.point), "")
        for name, part in leaves(e.input)
    ]


def _place(row: Row) -> str:
    return shown_source(row.source) if row.source else ""


def _numbers(dims: tuple[Size, ...] | None, env: Mapping[str, int]) -> str:
    if dims is None:
        return ""
    values = [evaluate_defined(d, env) for d in dims]
    return " ".join(map(str, values)) if all(v is not None and v >= 0 for v in values) else "-"


# -- refusal and limits --------------------------------------------------------------------------


def _refusal(e: Explanation) -> list[str]:
    """From the refused claim back to the input."""
    lines = [f"refused   {size_text(e.point)}, from the layer that refuses back to the input:"]
    table = []
    for row in reversed(e.chain):
        made = f"{dims_text(row.dims)} = {_numbers(row.dims, e.point)}" if row.dims else ""
        if row.claims:
            claim = row.claims[0]
            needs, gets = claim.needs(), claim.gets(e.point)
            made = f"needs {needs}" + (f": {gets}" if gets != needs else "")
        table.append((row.module or row.kind, row.kind if row.module else "", made, _place(row)))
    table += [(name, "", f"{sizes} = {numbers}", "") for name, _, sizes, numbers, _ in _inputs(e)]
    return [*lines, *(f"  {line}" for line in columns(table, widest=_WIDEST))]


def _limits(e: Explanation) -> list[str]:
    lines = []
    for limit in e.limiting:
        names = ", ".join(f"`{s}`" for s in limit.sites)
        lines.append(f"without {names}   {limit.words}")
    needs = any(s.row.claims for s in e.steps)
    if needs and not lines and e.covered and not e.mismatch:
        lines.append("no single layer causes this limit")
    return lines


# -- receptive fields ----------------------------------------------------------------------------


def _fields(e: Explanation, verbose: bool) -> list[str]:
    """What a position of each output depends on; if that is everything, with ``verbose`` only."""
    lines = []
    for number, fields in enumerate(e.fields):
        which = f"output {number}" if len(e.fields) > 1 else "the output"
        known = [f for f in fields if f.stride is not None]
        axes = ", ".join(f.axis for f in known)
        if known:
            size = "x".join(str(f.size) for f in known)
            stride = ", ".join(dict.fromkeys(str(f.stride) for f in known))
            centre = ", ".join(dict.fromkeys(str(f.first_centre) for f in known))
            line = f"a position of {which} depends on {size} of {axes}; neighbours are {stride}"
            lines.append(f"{line} apart, the first is centred at {centre}")
        elif verbose and fields:
            seen = (
                "the whole input" if all(f.size for f in fields) else "an unknown part of the input"
            )
            lines.append(f"a position of {which} depends on {seen}")
    return lines


# -- weights -------------------------------------------------------------------------------------


def _weights(e: Explanation) -> list[str]:
    lines = []
    for kind in e.kinds:
        layers = f"{kind.layers} {kind.name}"
        if kind.tied:
            lines.append(
                f"{kind.tied} of {layers} depend{'s' * (kind.tied == 1)} on the input size:"
            )
        else:
            weights = counted(kind.weights, "weight")
            lines.append(f"0 of {layers} depend on the input size: {weights} work for any size")
    lines += [f"  {line}" for tie in tied_weights(e.ties) for line in _tie(tie, e)]
    return lines


def _tie(tie: TiedWeight, e: Explanation) -> Iterator[str]:
    yield f"`{tie.name}` {shape_text(tie.shape)} is {tie.formula()}"
    line = needed_shape_text(tie, e.point)
    if line:
        yield line
