"""Ranges of Core ML: ``RangeDim`` in a shape, or ``EnumeratedShapes`` (at most 128).

https://apple.github.io/coremltools/docs-guides/source/flexible-inputs.html
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from archlint.contracts.rulefile.ranges.declared import DeclaredTensor, Profile, Span, mistake
from archlint.contracts.rulefile.ranges.python_values import Assignment, Call, described
from archlint.errors import Location

MOST_SHAPES = 128


def read(calls: Sequence[Call], _assignments: Sequence[Assignment], file: str) -> list[Profile]:
    """The ``TensorType`` and ``ImageType`` inputs of each statement, and their shapes."""
    profiles: dict[int, list[DeclaredTensor]] = {}
    for call in calls:
        if call.function not in ("TensorType", "ImageType"):
            continue
        if "shape" not in call.kwargs and len(call.args) < 2:
            continue
        found = profiles.setdefault(call.statement, [])
        name = call.argument(0, "name")
        name = name if isinstance(name, str) else f"input_{len(found)}"
        found.append(_tensor(name, call.argument(1, "shape"), call, file))
    return [Profile("coreml", tuple(ts), ts[0].where) for ts in profiles.values()]


def _tensor(name: str, shape: Any, call: Call, file: str) -> DeclaredTensor:
    where = Location(file, call.line)
    if isinstance(shape, Call) and shape.function == "EnumeratedShapes":
        shapes = _shapes(shape.argument(0, "shapes"))
        if not shapes or len({len(s) for s in shapes}) != 1 or len(shapes) > MOST_SHAPES:
            raise mistake(file, call.line, f"found the shapes of {name}",
                          f"1 to {MOST_SHAPES} lists of numbers of one length")  # fmt: skip
        default = _shapes([shape.argument(1, "default")]) or shapes
        spans = tuple(
            Span(min(sizes), max(sizes), opt)
            for opt, *sizes in zip(default[0], *shapes, strict=True)
        )
        return DeclaredTensor(name, spans, where, shapes=shapes)
    if isinstance(shape, Call) and shape.function == "Shape":
        shape = shape.argument(0, "shape")
    if not isinstance(shape, (tuple, list)):
        raise mistake(
            file, call.line, f"found the shape {described(shape)} of {name}", "sizes and RangeDim"
        )
    return DeclaredTensor(name, tuple(_span(s, name, call, file) for s in shape), where)


def _shapes(value: Any) -> tuple[tuple[int, ...], ...]:
    """Lists of numbers; empty if one is something else."""
    parts = [
        p.argument(0, "shape") if isinstance(p, Call) and p.function == "Shape" else p
        for p in (value if isinstance(value, (tuple, list)) else [])
    ]
    good = all(isinstance(p, (tuple, list)) and all(isinstance(s, int) for s in p) for p in parts)
    return tuple(map(tuple, parts)) if good else ()


def _span(size: Any, name: str, call: Call, file: str) -> Span:
    if isinstance(size, int) and size > 0:
        return Span.fixed(size)
    if isinstance(size, Call) and size.function == "RangeDim":
        low, high = size.argument(0, "lower_bound", 1), size.argument(1, "upper_bound", -1)
        default, symbol = size.argument(2, "default"), size.argument(3, "symbol")
        high = None if high in (-1, None) else high
        opt = default if isinstance(default, int) else None
        if isinstance(low, int) and (high is None or (isinstance(high, int) and low <= high)):
            return Span(low, high, opt, 1, symbol if isinstance(symbol, str) else "")
    raise mistake(file, call.line, f"found the size {described(size)} of {name}",
                  "a number, or RangeDim(lower_bound=…, upper_bound=…)")  # fmt: skip


def write(profiles: Sequence[Profile]) -> str:
    """The ``inputs`` of ``ct.convert``: ranges, or the shapes of a grid of at most 128."""
    (profile,) = profiles
    lines = ["import coremltools as ct", "", "inputs = ["]
    for tensor in profile.tensors:
        lines += [f'    ct.TensorType(name="{tensor.name}", shape={_shape(tensor)}),']
    return "\n".join([*lines, "]", ""])


def _shape(tensor: DeclaredTensor) -> str:
    spans = tensor.spans or ()
    if any(s.step > 1 and s.factor == 1 for s in spans):
        shapes = ",\n        ".join(str(list(s)) for s in grid(spans))
        default = [s.typical for s in spans]
        return f"ct.EnumeratedShapes(shapes=[\n        {shapes},\n    ], default={default})"
    return f"({', '.join(map(_size, spans))},)"


def grid(spans: Sequence[Span]) -> list[tuple[int, ...]]:
    """At most 128 shapes of spans with steps: the default, and the nearest ones to it."""
    values = []
    for span in spans:
        last = span.typical + 64 * span.step if span.high is None else span.high
        nearest = sorted((abs(v - span.typical), v) for v in range(span.low, last + 1, span.step))
        values.append([v for _, v in nearest[:MOST_SHAPES]])
    while True:
        count = 1
        for each in values:
            count *= len(each)
        if count <= MOST_SHAPES:
            break
        longest = max(range(len(values)), key=lambda i: len(values[i]))
        values[longest].pop()
    return sorted(itertools.product(*values))


def _size(span: Span) -> str:
    if span.is_fixed:
        return str(span.low)
    high = -1 if span.high is None else span.high
    symbol = f', symbol="{span.name}"' if span.name else ""
    return (
        f"ct.RangeDim(lower_bound={span.low}, upper_bound={high}, default={span.typical}{symbol})"
    )
