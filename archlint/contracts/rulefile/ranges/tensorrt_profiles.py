"""Optimization profiles in Python: TensorRT, polygraphy and torch_tensorrt.

``profile.set_shape("images", min=(1, 3, 32, 32), opt=…, max=…)``, ``Profile().add("images", min=…,
opt=…, max=…)`` and ``torch_tensorrt.Input(min_shape=…, opt_shape=…, max_shape=…)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from archlint.contracts.rulefile.ranges.declared import DeclaredTensor, Profile, Span, box, mistake
from archlint.contracts.rulefile.ranges.example_tensors import dtype_argument
from archlint.contracts.rulefile.ranges.python_values import Assignment, Call, described
from archlint.contracts.rulefile.ranges.trtexec_options import corner
from archlint.errors import Location

_BORDERS = {"create_optimization_profile", "Profile"}


def read(calls: Sequence[Call], _assignments: Sequence[Assignment], file: str) -> list[Profile]:
    """The profiles of a file, each with the tensors that are added to it.

    Raises:
        RuleFileError: a shape that is no list of numbers, or shapes that do not fit together.
    """
    profiles: list[tuple[str, list[DeclaredTensor]]] = []
    new = True
    for call in calls:
        if call.function in _BORDERS:
            new = True
        tensor = _of_profile(call, file)
        if tensor is None:
            continue
        form = "tensorrt" if call.function.startswith("set_shape") else "polygraphy"
        if new or tensor.name in (t.name for t in profiles[-1][1]):
            profiles.append((form, []))
            new = False
        profiles[-1][1].append(tensor)
    profiles += _inputs(calls, file)
    return [Profile(form, tuple(tensors), tensors[0].where) for form, tensors in profiles]


def _of_profile(call: Call, file: str) -> DeclaredTensor | None:
    """The tensor that ``set_shape`` or ``add`` adds."""
    given = {k for k in ("min", "opt", "max") if k in call.kwargs}
    if call.function == "set_shape" and (len(call.args) >= 4 or given):
        pass
    elif not (call.function == "add" and len(given) == 3):
        return None
    name = call.argument(0, "input", call.kwargs.get("name"))
    shapes = {k: call.argument(i + 1, k) for i, k in enumerate(("min", "opt", "max"))}
    return _box(name if isinstance(name, str) else "input", shapes, call, file)


def _box(name: str, shapes: dict[str, object], call: Call, file: str) -> DeclaredTensor:
    sizes = {}
    for kind, shape in shapes.items():
        if not isinstance(shape, (tuple, list)) or not all(isinstance(s, int) for s in shape):
            raise mistake(file, call.line, f"found the {kind} shape {described(shape)} of {name}",
                          "whole numbers that stand in this file")  # fmt: skip
        sizes[kind] = list(shape)
    return box(name, sizes, Location(file, call.line), dtype_argument(call))


def _inputs(calls: Sequence[Call], file: str) -> list[tuple[str, list[DeclaredTensor]]]:
    """The ``torch_tensorrt.Input`` of each statement as one profile."""
    statements: dict[int, list[DeclaredTensor]] = {}
    for call in calls:
        shapes = {k: call.kwargs.get(f"{k}_shape") for k in ("min", "opt", "max")}
        if call.function != "Input":
            continue
        found = statements.setdefault(call.statement, [])
        stated = call.kwargs.get("name")
        name = stated if isinstance(stated, str) else f"input_{len(found)}"
        fixed = call.argument(0, "shape")
        if any(v is not None for v in shapes.values()):
            found.append(_box(name, shapes, call, file))
        elif isinstance(fixed, (tuple, list)) and all(isinstance(s, int) for s in fixed):
            where = Location(file, call.line)
            found.append(
                DeclaredTensor(name, tuple(map(Span.fixed, fixed)), where, dtype_argument(call))
            )
    return [("torch-tensorrt", tensors) for tensors in statements.values() if tensors]


def write_tensorrt(profiles: Sequence[Profile]) -> str:
    """A function that sets each profile on TensorRT's builder configuration."""
    lines = ["def add_profiles(builder, config):"]
    for profile in profiles:
        lines.append("    profile = builder.create_optimization_profile()")
        for t in profile.tensors:
            lines.append(f'    profile.set_shape("{t.name}", {_corners(t, "{}")})')
        lines.append("    config.add_optimization_profile(profile)")
    return "\n".join([*lines, ""])


def write_polygraphy(profiles: Sequence[Profile]) -> str:
    """polygraphy's ``Profile`` objects in a list, for ``CreateConfig(profiles=profiles)``."""
    lines = ["from polygraphy.backend.trt import Profile", "", "profiles = ["]
    for profile in profiles:
        added = "".join(f'.add(\n        "{t.name}", {_corners(t, "{}")}\n    )'
                        for t in profile.tensors)  # fmt: skip
        lines.append(f"    Profile(){added},")
    return "\n".join([*lines, "]", ""])


def write_torch_tensorrt(profiles: Sequence[Profile]) -> str:
    """The ``inputs`` of ``torch_tensorrt.compile``; several profiles are several engines."""
    lines = ["import torch", "import torch_tensorrt"]
    for number, profile in enumerate(profiles):
        lines += ["", f"inputs{'' if len(profiles) == 1 else f'_{number}'} = ["]
        for t in profile.tensors:
            dtype = f"dtype=torch.{t.dtype or 'float32'}"
            lines += [
                "    torch_tensorrt.Input(",
                f"        {_corners(t, '{}_shape')},",
                f'        {dtype}, name="{t.name}",',
                "    ),",
            ]
        lines.append("]")
    return "\n".join([*lines, ""])


def _corners(tensor: DeclaredTensor, keyword: str) -> str:
    return ", ".join(f"{keyword.format(k)}={corner(tensor, k)}" for k in ("min", "opt", "max"))


Reader = Callable[[Sequence[Call], Sequence[Assignment], str], "list[Profile]"]
"""Reads the profiles of a Python file from its calls and assignments."""
