"""Ranges of OpenVINO: ``PartialShape("[1..64,3,32..1024,32..]")`` and ``model.reshape({…})``.

https://docs.openvino.ai/2025/openvino-workflow/running-inference/model-input-output/dynamic-shapes.html
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from archlint.contracts.rulefile.ranges.declared import DeclaredTensor, Profile, Span, mistake
from archlint.contracts.rulefile.ranges.python_values import Assignment, Call, described
from archlint.errors import Location

_DIMENSION = re.compile(r"(\?|-1)|(?:(\d+)\s*)?\.\.(?:\s*(\d+))?|(\d+)")


def read(calls: Sequence[Call], _assignments: Sequence[Assignment], file: str) -> list[Profile]:
    """The shapes of ``reshape`` calls; without one, each ``PartialShape`` that is written out."""
    reshapes = [c for c in calls if c.function == "reshape" and len(c.args) == 1 and not c.kwargs]
    profiles = [p for call in reshapes if (p := _reshape(call, call.args[0], file)) is not None]
    for call in calls:
        stated = call.kwargs.get("input", call.kwargs.get("input_shape"))
        if call.function == "convert_model" and (p := _reshape(call, _by_name(stated), file)):
            profiles.append(p)
    if profiles:
        return profiles
    shapes = [c for c in calls if c.function == "PartialShape" and c.args]
    spans = [(c, spans_of(c, file, c.line)) for c in shapes]
    return [
        Profile("openvino", (DeclaredTensor("input_0", s, Location(file, c.line)),),
                Location(file, c.line))
        for c, s in spans if s is not None
    ]  # fmt: skip


def _by_name(stated: Any) -> Any:
    """``[("images", [1, 3, -1, -1]), …]`` as a mapping; a list of shapes by position."""
    if isinstance(stated, (tuple, list)) and stated and isinstance(stated[0], str):
        stated = [stated] if isinstance(stated, tuple) else stated
    if not isinstance(stated, (tuple, list)) or not stated:
        return stated
    if all(isinstance(s, (tuple, list)) and s and isinstance(s[0], str) for s in stated):
        return {s[0]: s[1] for s in stated if len(s) > 1}
    if all(isinstance(s, list) or (isinstance(s, Call) and s.function == "PartialShape")
           for s in stated):  # fmt: skip
        return dict(enumerate(stated))
    return {"input_0": stated}


def _reshape(call: Call, shapes: Any, file: str) -> Profile | None:
    if not isinstance(shapes, dict):
        ranged = not isinstance(shapes, (tuple, list)) or any(
            isinstance(s, (tuple, list, Call)) for s in shapes
        )
        if not ranged:
            return None  # numpy's reshape, or one to fixed sizes
        shapes = {"input_0": shapes}
    tensors = []
    for name, shape in shapes.items():
        spans = spans_of(shape, file, call.line)
        if spans is None:
            return None
        named = name if isinstance(name, str) else f"input_{name}"
        tensors.append(DeclaredTensor(named, spans, Location(file, call.line)))
    return Profile("openvino", tuple(tensors), Location(file, call.line)) if tensors else None


def spans_of(shape: Any, file: str, line: int) -> tuple[Span, ...] | None:
    """The spans of a shape; ``None`` if it is something else."""
    if isinstance(shape, Call) and shape.function == "PartialShape" and shape.args:
        shape = shape.args[0]
    if isinstance(shape, str):
        if not re.match(r"\s*\[.*\]\s*$", shape):
            return None
        inner = shape.strip()[1:-1]
        parts: Sequence[Any] = inner.split("," if "," in inner else None)
    elif isinstance(shape, (tuple, list)):
        parts = shape
    else:
        return None
    return tuple(_span(p, file, line) for p in parts)


def _span(part: Any, file: str, line: int) -> Span:
    low: Any = None
    high: Any = None
    if isinstance(part, Call) and part.function == "Dimension":
        part = part.args or -1
        part = part[0] if isinstance(part, tuple) and len(part) == 1 else part
    if isinstance(part, int):
        low, high = (1, None) if part == -1 else (part, part)
    elif isinstance(part, (tuple, list)) and len(part) == 2:
        low, high = part
        high = None if high == -1 else high
    elif isinstance(part, str) and (match := _DIMENSION.fullmatch(part.strip())):
        any_size, least, most, fixed = match.groups()
        low, high = (int(fixed),) * 2 if fixed else (int(least or 1), int(most) if most else None)
        low, high = (1, None) if any_size else (low, high)
    if not isinstance(low, int) or (high is not None and not isinstance(high, int)):
        raise mistake(
            file, line, f"found the dimension {described(part)}", "32, 32..1024, 32.., ..64 or ?"
        )
    low = max(low, 1) if high != 0 else low  # OpenVINO's open ranges start at 0: no size
    if high is not None and low > high:
        raise mistake(file, line, f"found the dimension {low}..{high}", "the smaller bound first")
    return Span(low, high)


def write(profiles: Sequence[Profile]) -> str:
    """A function that reshapes a model to the ranges."""
    (profile,) = profiles
    lines = ["from openvino import PartialShape", "", "", "def reshape(model):", ""]
    lines[-1] = "    model.reshape({"
    for tensor in profile.tensors:
        shape = ",".join(map(_text, tensor.spans or ()))
        lines.append(f'        "{tensor.name}": PartialShape("[{shape}]"),')
    return "\n".join([*lines, "    })", ""])


def _text(span: Span) -> str:
    if span.is_fixed:
        return str(span.low)
    return f"{span.low}..{'' if span.high is None else span.high}"
