"""Ranges of ``torch.fx.experimental.dynamic_spec``: ``ShapesSpec`` with ``ShapeVar``.

``ShapesSpec({"x": TensorSpec([n, 3, 32 * _h, w])})``; ``assumptions`` are not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from archlint.contracts.rulefile.ranges.declared import DeclaredTensor, Profile, Span, mistake
from archlint.contracts.rulefile.ranges.example_tensors import example, with_example, write_example
from archlint.contracts.rulefile.ranges.export_dims import dim_text, span_of
from archlint.contracts.rulefile.ranges.python_values import Assignment, Call
from archlint.errors import Location


def read(calls: Sequence[Call], assignments: Sequence[Assignment], file: str) -> list[Profile]:
    """Each ``ShapesSpec`` of a file that lists tensors."""
    made = {a.name: example(a.value) for a in assignments}
    profiles = []
    for call in calls:
        if call.function != "ShapesSpec":
            continue
        params = call.argument(0, "params")
        if isinstance(params, Call) and params.function == "ParamsSpec":
            params = params.argument(0, "params")
        if call.kwargs.get("assumptions"):
            raise mistake(file, call.line, "found assumptions, which are not read",
                          "bounds and multiples in the TensorSpec: 32 * h")  # fmt: skip
        if not isinstance(params, dict):
            continue
        tensors = tuple(
            with_example(_tensor(str(name), spec, call, file), made.get(str(name)))
            for name, spec in params.items()
        )
        if tensors:
            profiles.append(Profile("shapes-spec", tensors, Location(file, call.line)))
    return profiles


def _tensor(name: str, spec: Any, call: Call, file: str) -> DeclaredTensor:
    dims = spec.argument(0, "dims") if isinstance(spec, Call) else spec
    if not isinstance(dims, (tuple, list)):
        raise mistake(file, call.line, f"found the shape {spec} of {name}", "TensorSpec([n, 3, h])")
    spans: list[tuple[int, Span]] = []
    for index, dim in enumerate(dims):
        span = span_of(dim, "ShapeVar")
        if span is not None:
            spans.append((index, span))
        elif dim is not None and not (hasattr(dim, "name") and dim.name.endswith("STATIC")):
            raise mistake(file, call.line, f"found {dim!r} for dimension {index} of {name}",
                          "ShapeVar(…), a multiple of one, a number or STATIC")  # fmt: skip
    where = Location(file, spec.line if isinstance(spec, Call) else call.line)
    if len(spans) == len(dims):
        return DeclaredTensor(name, tuple(s for _, s in spans), where)
    return DeclaredTensor(name, None, where, "", tuple(spans))


def write(profiles: Sequence[Profile]) -> str:
    """Example inputs and a ``ShapesSpec``; one program for each profile."""
    lines = [
        "import torch",
        "from torch.fx.experimental.dynamic_spec import ShapesSpec, ShapeVar, TensorSpec",
        "",
    ]
    for number, profile in enumerate(profiles):
        suffix = "" if len(profiles) == 1 else f"_{number}"
        dims: dict[str, str] = {}
        specs = []
        for tensor in profile.tensors:
            sizes = [
                str(s.low) if s.is_fixed else dim_text(s, f"s{len(dims)}", dims, "ShapeVar")
                for s in tensor.spans or ()
            ]
            specs.append(f'    "{tensor.name}": TensorSpec([{", ".join(sizes)}]),')
        made = ", ".join(f'"{t.name}": {write_example(t)}' for t in profile.tensors)
        lines += [*dims.values(), f"spec{suffix} = ShapesSpec({{", *specs, "})"]
        lines += [f"kwargs{suffix} = {{{made}}}", ""]
    numbers = [""] if len(profiles) == 1 else [f"_{i}" for i in range(len(profiles))]
    calls = [
        f"torch.export.export(model, (), kwargs{n}, dynamic_shapes=spec{n}, strict=True)"
        for n in numbers
    ]
    lines += ["", "def export(model):"]
    if len(calls) == 1:
        lines.append(f"    return {calls[0]}")
    else:
        lines += ["    return [", *(f"        {c}," for c in calls), "    ]"]
    return "\n".join([*lines, ""])
