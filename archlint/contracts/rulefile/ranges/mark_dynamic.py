"""Ranges of ``torch.compile``: ``torch._dynamo.mark_dynamic(x, 2, min=32, max=1024)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archlint.contracts.rulefile.ranges.declared import DeclaredTensor, Profile, Span, mistake
from archlint.contracts.rulefile.ranges.example_tensors import (
    example,
    variable,
    with_example,
    write_example,
)
from archlint.contracts.rulefile.ranges.export_dims import bounded
from archlint.contracts.rulefile.ranges.python_values import Assignment, Attribute, Call, described
from archlint.errors import Location

_MARKS = ("mark_dynamic", "maybe_mark_dynamic", "mark_unbacked")


def read(calls: Sequence[Call], assignments: Sequence[Assignment], file: str) -> list[Profile]:
    """The marked tensors of a file as one profile; other sizes are those of their examples."""
    marked: dict[str, tuple[int, dict[int, Span]]] = {}
    values: dict[str, Any] = {}
    for call in calls:
        static = call.function == "mark_static"  # these sizes are those of the example
        if (
            not (static or call.function in _MARKS)
            or len(call.args) + len(call.kwargs) < 2 - static
        ):
            continue
        value, index = call.argument(0, "t"), () if static else call.argument(1, "index")
        name = next((a.name for a in reversed(assignments) if a.value is value), "input_0")
        if isinstance(value, Attribute):
            name = value.name
        span = bounded(call.kwargs.get("min"), call.kwargs.get("max"))
        if span is None:
            raise mistake(file, call.line, f"found {described(call)}",
                          "bounds that are numbers in this file")  # fmt: skip
        _, spans = marked.setdefault(name, (call.line, {}))
        spans.update({i: span for i in (index if isinstance(index, (tuple, list)) else [index])
                      if isinstance(i, int)})  # fmt: skip
        values.setdefault(name, value)
    tensors = tuple(
        with_example(
            DeclaredTensor(name, None, Location(file, line), "", tuple(sorted(spans.items()))),
            example(values[name]),
        )
        for name, (line, spans) in marked.items()
    )
    return [Profile("compile", tensors, tensors[0].where)] if tensors else []


def write(profiles: Sequence[Profile]) -> str:
    """Example inputs with marked dimensions."""
    (profile,) = profiles
    lines = ["import torch"]
    for tensor in profile.tensors:
        name = variable(tensor.name)
        lines += ["", f"{name} = {write_example(tensor)}"]
        if all(span.is_fixed for span in tensor.spans or ()):
            lines.append(f"torch._dynamo.mark_static({name})")
        for index, span in enumerate(tensor.spans or ()):
            if not span.is_fixed:
                mark = f"torch._dynamo.mark_dynamic({name}, {index}, {span.bounds_text()})"
                lines.append(mark)
    return "\n".join([*lines, ""])
