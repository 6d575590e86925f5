"""A path as a table of layers: the sizes that leave each, and what each needs of the sizes.

A *row* is a run of neighbouring calls that belong together: one layer, one line of a module's own
code, or a whole module where the path is folded.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from torch import nn

from archlint.contracts.size_text import shape_words
from archlint.explanation.relaxation import layer_paths
from archlint.runtime.user_frames import shown_source
from archlint.symbolic import Size
from archlint.tracing.events import Event
from archlint.tracing.fx_graph import claims_by_call, tensors
from archlint.tracing.module_stack import layer_name
from archlint.tracing.trace import Call, Trace

_SAME = re.compile(r"(?<!\w)\((\d+)(?:, \1)+\)")  # a size per dimension, not arguments
_OWN_STRIDE = re.compile(r"^(\d+), stride=\1\b")
MOST = 24  # rows that a folded path should have
TOP = 2  # levels of modules that are shown when a path is folded


@dataclass
class Row:
    """Calls from ``first`` to ``last``, both included; ``dims`` are the sizes that leave them."""

    module: str
    kind: str
    source: str
    first: int
    last: int
    dims: tuple[Size, ...] | None
    claims: list[Event] = field(default_factory=list)
    before: tuple[Size, ...] | None = None

    @property
    def changes(self) -> bool:
        """Whether it changes a size or needs one."""
        return bool(self.claims) or self.dims is None or self.dims != self.before


def rows(trace: Trace, model: nn.Module, levels: int | None = TOP) -> list[Row]:
    """The rows of a path; ``levels`` of nested modules are shown, ``None`` for all."""
    claims = claims_by_call(trace)
    result: list[Row] = []
    before = _input(trace)
    leaves = layer_paths(model)
    starts = {(m.module, m.first) for m in trace.log.modules if m.first < m.end}
    stopped = len(trace.calls) - 1 if trace.outcome != "accepted" else -1
    for index, call in enumerate(trace.calls):
        key = call.module if levels is None else ".".join(call.module.split(".")[:levels])
        made = tensors(call.result)
        dims = made[0].spec.dims if made else before  # of several, as an LSTM's: the output
        if index == stopped and (not made or _raised_in(trace, call, leaves)):
            dims = None
        row = result[-1] if result else None
        if row is None or not key or row.module != key or (key, index) in starts:
            kind = layer_text(model, key) if key else call.op
            row = Row(key, kind, call.source, index, index, before, [], before)
            result.append(row)
        row.last = index
        row.dims = before = dims
        row.claims += claims.get(index, [])
    return result


def _raised_in(trace: Trace, call: Call, leaves: Collection[str]) -> bool:
    """Whether the layer of the last call raised, as LSTM's own check of its input does."""
    here = shown_source(call.source) == shown_source(trace.source)
    return trace.outcome == "raised" and call.module in leaves and here


def folded(trace: Trace, model: nn.Module) -> list[Row]:
    """The rows of the top levels of modules: two of them, or one where two are too long to read."""
    two = rows(trace, model)
    return two if sum(r.changes for r in two) <= MOST else rows(trace, model, 1)


def matching(rows: Sequence[Row], glob: str) -> list[Row]:
    """The rows of modules that a glob matches, and of the modules inside them."""
    return [r for r in rows if fnmatchcase(r.module, glob) or fnmatchcase(r.module, f"{glob}.*")]


def _input(trace: Trace) -> tuple[Size, ...] | None:
    for call in trace.calls:
        for tensor in tensors((call.args, call.kwargs)):
            if tensor.made_by < 0:
                return tensor.spec.dims
    return None


def layer_text(model: nn.Module, path: str) -> str:
    """A layer, abbreviated: ``Conv2d(3, 64, 7, stride=2, padding=3)``."""
    text = _SAME.sub(r"\1", layer_name(model, path))
    text = text.replace("kernel_size=", "").replace("output_size=", "").replace("()", "")
    kind, _, first = text.partition("(")
    if "Pool" in kind:  # the stride of a pool is its kernel's size
        rest = _OWN_STRIDE.sub(r"\1", first)
        text = f"{kind}({rest}" if first else text
    return text


def needs_text(claims: Sequence[Event]) -> list[str]:
    """What claims need, equal texts joined: ``kernel_size 2 <= padded size H//2, W//2``."""
    grouped: dict[str, list[tuple[Size, ...]]] = {}
    for claim in claims:
        grouped.setdefault(claim.text, []).append(claim.sizes)
    lines = []
    for text, several in grouped.items():
        if len({len(sizes) for sizes in several}) > 1 or len(several) > 3:
            lines += [text.format(*sizes) for sizes in several]
            continue
        slots = [", ".join(dict.fromkeys(map(str, slot))) for slot in zip(*several, strict=True)]
        lines.append(text.format(*slots))
    return list(dict.fromkeys(lines))


def dims_text(dims: tuple[Size, ...] | None) -> str:
    """``N 16 H//4 W//4``."""
    return "" if dims is None else shape_words(dims) or "a number"


def back_to_input(trace: Trace, call: Call) -> list[int]:
    """The calls from the input to ``call``, itself last, along the first argument of each."""
    chain: list[int] = []
    index = trace.calls.index(call)
    while index >= 0 and index not in chain:
        chain.append(index)
        here = trace.calls[index]
        arguments = tensors((here.args, here.kwargs))
        index = arguments[0].made_by if arguments else -1
    return chain[::-1]
