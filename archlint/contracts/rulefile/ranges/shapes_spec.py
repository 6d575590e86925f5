"""Ranges of ``torch.fx.experimental.dynamic_spec``: ``ShapesSpec`` with ``ShapeVar``.

``ShapesSpec({"x": TensorSpec([n, 3, h, 2 * h])}, assumptions=[h % 32 == 0])``. A variable must be
a size of its own: ``32 * h`` alone does not export, so multiples are assumptions.
"""

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
from archlint.contracts.rulefile.ranges.export_dims import Steps, multiple, span_of
from archlint.contracts.rulefile.ranges.python_values import Assignment, Call, described
from archlint.errors import ArchlintError, Location


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
        if not isinstance(params, dict):
            continue
        steps = _steps(call, file)
        tensors = tuple(
            with_example(_tensor(str(name), spec, steps, call, file), made.get(str(name)))
            for name, spec in params.items()
        )
        if tensors:
            profiles.append(Profile("shapes-spec", tensors, Location(file, call.line)))
    return profiles


def _steps(call: Call, file: str) -> Steps:
    """The divisors of variables: of assumptions such as ``h % 32 == 0``."""
    steps: dict[Call, tuple[int, int]] = {}
    stated = call.argument(1, "assumptions", ())
    for assumption in stated if isinstance(stated, (tuple, list)) else (stated,):
        left, right = _operands(assumption, "Eq")
        base, step = _operands(left, "Mod")
        known = isinstance(base, Call) and isinstance(step, int) and isinstance(right, int)
        if not known or step < 1 or base in steps:
            raise mistake(file, call.line, f"found the assumption {described(assumption)}",
                          "one multiple for each variable: h % 32 == 0")  # fmt: skip
        steps[base] = (step, right % step)
    return steps


def _operands(value: Any, name: str) -> tuple[Any, Any]:
    """Both operands of an operation of this name; else nothing."""
    if isinstance(value, Call) and value.name == name and len(value.args) == 2:
        return value.args[0], value.args[1]
    return None, None


def _tensor(name: str, spec: Any, steps: Steps, call: Call, file: str) -> DeclaredTensor:
    dims = spec.argument(0, "dims") if isinstance(spec, Call) else spec
    if not isinstance(dims, (tuple, list)):
        raise mistake(
            file, call.line, f"found the shape {described(spec)} of {name}", "TensorSpec([n, 3, h])"
        )
    spans: list[tuple[int, Span]] = []
    for index, dim in enumerate(dims):
        span = span_of(dim, "ShapeVar", steps)
        if span is not None:
            spans.append((index, span))
        elif dim is not None and not (hasattr(dim, "name") and dim.name.endswith("STATIC")):
            found = f"found {described(dim)} for dimension {index} of {name}"
            raise mistake(file, call.line, found,
                          "ShapeVar(…), a multiple of one, a number or STATIC")  # fmt: skip
    where = Location(file, spec.line if isinstance(spec, Call) else call.line)
    if len(spans) == len(dims):
        return DeclaredTensor(name, tuple(s for _, s in spans), where)
    return DeclaredTensor(name, None, where, "", tuple(spans))


def write(profiles: Sequence[Profile]) -> str:
    """Example inputs and a ``ShapesSpec``; one program for each profile.

    Raises:
        ArchlintError: a size is derived from a variable in two ways, and is none itself.
    """
    lines = [
        "import torch",
        "from torch.fx.experimental.dynamic_spec import ShapesSpec, ShapeVar, TensorSpec",
        "",
    ]
    for number, profile in enumerate(profiles):
        suffix = "" if len(profiles) == 1 else f"_{number}"
        lines += _spec(profile, suffix)
        made = ", ".join(f'"{t.name}": {write_example(t)}' for t in profile.tensors)
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


def _spec(profile: Profile, suffix: str) -> list[str]:
    spans = [s for t in profile.tensors for s in t.spans or () if not s.is_fixed]
    plain = {s.name for s in spans if s.name and (s.factor, s.offset) == (1, 0)}
    derived = {(s.name, s.factor, s.offset) for s in spans if s.name and s.name not in plain}
    if len({name for name, _, _ in derived}) < len(derived):
        raise ArchlintError("shapes-spec needs one size to be the variable alone, as H and not "
                            "2*H; name each size on its own with --input")  # fmt: skip
    variables: dict[str, str] = {}
    assumptions: dict[str, None] = {}
    tensors = []
    for tensor in profile.tensors:
        sizes = []
        for span in tensor.spans or ():
            if span.is_fixed:
                sizes.append(str(span.low))
            elif span.name in plain and (span.factor, span.offset) != (1, 0):
                sizes.append(multiple(variable(span.name), span.factor, span.offset))
            else:
                name = variable(span.name or f"s{len(variables)}")
                variables[name] = f'{name} = ShapeVar("{name}", {span.bounds_text()})'
                if span.step > 1:
                    assumptions[f"{name} % {span.step} == {span.low % span.step}"] = None
                sizes.append(name)
        tensors.append(f'    "{tensor.name}": TensorSpec([{", ".join(sizes)}]),')
    end = f"}}, assumptions=[{', '.join(assumptions)}])" if assumptions else "})"
    return [*variables.values(), f"spec{suffix} = ShapesSpec({{", *tensors, end]
