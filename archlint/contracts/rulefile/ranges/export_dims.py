"""Ranges of ``torch.export`` and of the ONNX exporters: ``Dim`` and ``dynamic_axes``.

``dynamic_shapes={"x": {0: Dim("n", min=1, max=64), 2: 32 * _h}}`` is a mapping of arguments or a
tuple of them, with a mapping, a tuple or ``None`` for each. Sizes that it leaves out are those of
the example inputs. https://docs.pytorch.org/docs/stable/export.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from archlint.contracts.rulefile.ranges.declared import DeclaredTensor, Profile, Span, mistake
from archlint.contracts.rulefile.ranges.example_tensors import (
    examples,
    variable,
    with_example,
    write_example,
)
from archlint.contracts.rulefile.ranges.python_values import (
    Assignment,
    Attribute,
    Call,
    Linear,
    described,
)
from archlint.errors import ArchlintError, Location

Steps = Mapping[Call, tuple[int, int]]
"""A divisor and a remainder for the call that makes a variable."""

_ASSIGNED = re.compile(r"(?:.*\.)?dynamic_shapes(_\w+)?")


def read(calls: Sequence[Call], assignments: Sequence[Assignment], file: str) -> list[Profile]:
    """The ``dynamic_shapes`` and ``dynamic_axes`` of a file, in calls or assigned to that name.

    Raises:
        RuleFileError: a dimension that is none of the forms above.
    """
    used: list[object] = []
    profiles = []
    for call in calls:
        shapes = _collected(call.kwargs.get("dynamic_shapes"), call, file)
        if isinstance(shapes, (dict, tuple, list)) and shapes:
            used.append(shapes)
            profiles.append(_profile(shapes, call, call.line, file))
        axes = call.kwargs.get("dynamic_axes")
        if isinstance(axes, dict) and axes:
            profiles += _of_axes(axes, call, file)
    for a in assignments:
        match = _ASSIGNED.fullmatch(a.name)
        if match and isinstance(a.value, (dict, tuple, list)) and a.value:
            if any(a.value is u for u in used):
                continue
            made = {b.name: b.value for b in assignments}
            suffix = match[1] or ""
            args, kwargs = made.get(f"args{suffix}", ()), made.get(f"kwargs{suffix}", {})
            profiles.append(_profile(a.value, Call("", ((), args, kwargs), {}, a.line), a.line,
                                     file))  # fmt: skip
    return profiles


def _collected(shapes: Any, call: Call, file: str) -> Any:
    """The shapes of a ``ShapesCollection`` for each argument of ``call``; others as they are."""
    if isinstance(shapes, Call) and shapes.function == "dynamic_shapes":  # its method
        shapes = shapes.receiver
    if not isinstance(shapes, Call) or shapes.function != "ShapesCollection":
        return shapes
    args, kwargs = call.argument(1, "args", ()), call.argument(2, "kwargs", {})
    args = args if isinstance(args, (tuple, list)) else (args,)
    named = kwargs if isinstance(kwargs, dict) else {}
    stated = {id(key): spec for key, spec in shapes.items}
    if stated.keys() - {id(value) for value in (*args, *named.values())}:
        problem = "found a ShapesCollection of a tensor that is not an example argument"
        raise mistake(file, call.line, problem, "one of the tensors in args and kwargs")
    found = {f"input_{i}": stated.get(id(value)) for i, value in enumerate(args)}
    return {**found, **{name: stated.get(id(value)) for name, value in named.items()}}


def _profile(shapes: Any, call: Call, line: int, file: str) -> Profile:
    made = examples(call)
    names = call.kwargs.get("input_names")
    names = names if isinstance(names, (tuple, list)) else []
    tensors = []
    pairs = shapes.items() if isinstance(shapes, dict) else enumerate(shapes)
    for position, (key, spec) in enumerate(pairs):
        name = key if isinstance(key, str) else f"input_{position}"
        if position < len(names) and isinstance(names[position], str):
            name = names[position]
        sizes = dict(made).get(key) if isinstance(key, str) else None
        if sizes is None and position < len(made):
            sizes = made[position][1]
        for part, inner in _leaves(name, spec):
            partial = tuple(_dimensions(inner, part, file, line))
            tensor = DeclaredTensor(part, None, Location(file, line), "", partial)
            whole = isinstance(inner, (tuple, list)) and len(partial) == len(inner)
            if whole:
                spans = tuple(span for _, span in partial)
                tensor = DeclaredTensor(part, spans, Location(file, line))
            tensors.append(with_example(tensor, sizes))
    form = "onnx" if "onnx" in call.name else "torch-export"
    return Profile(form, tuple(tensors), Location(file, line))


def _leaves(name: str, spec: Any) -> Iterator[tuple[str, Any]]:
    """The tensors of an argument, which may be a list of them (``*args``)."""
    if isinstance(spec, (tuple, list)) and any(isinstance(s, (dict, tuple, list)) for s in spec):
        for i, part in enumerate(spec):
            yield f"{name}_{i}", part
    else:
        yield name, spec


def _dimensions(spec: Any, name: str, file: str, line: int) -> Iterator[tuple[int, Span]]:
    if spec is None or (isinstance(spec, Attribute) and spec.name.endswith(".STATIC")):
        return
    if not isinstance(spec, (dict, tuple, list)):
        raise mistake(file, line, f"found the dynamic shape {described(spec)} of {name}",
                      "a mapping of dimensions to Dim, or a tuple of them")  # fmt: skip
    for index, dim in spec.items() if isinstance(spec, dict) else enumerate(spec):
        if dim is None or (isinstance(dim, Attribute) and dim.name.endswith(".STATIC")):
            continue
        span = span_of(dim, "Dim")
        if not isinstance(index, int) or span is None:
            raise mistake(file, line, f"found {described(dim)} for dimension {index} of {name}",
                          "Dim(…) with bounds in this file, a multiple, or None")  # fmt: skip
        yield index, span


def span_of(dim: Any, function: str, steps: Steps | None = None) -> Span | None:
    """The span of ``Dim("h", min=…, max=…)``, ``32 * _h + 3`` or a number.

    ``steps``: the divisors of variables that have one.
    """
    if isinstance(dim, int):
        return Span.fixed(dim)
    if isinstance(dim, Attribute):
        return Span(1, None) if dim.name.endswith((".AUTO", ".DYNAMIC")) else None
    if isinstance(dim, Call) and dim.name.endswith((".AUTO", ".DYNAMIC")) and function == "Dim":
        return bounded(dim.argument(0, "min"), dim.argument(1, "max"))
    linear = Linear(dim) if isinstance(dim, Call) else dim
    if not isinstance(linear, Linear) or linear.base.function != function or linear.factor < 1:
        return None
    base, factor, offset = linear.base, linear.factor, linear.offset
    stated = bounded(base.kwargs.get("min"), base.kwargs.get("max"))
    if stated is None:
        return None
    low, high = stated.low, stated.high
    name = base.argument(0, "name")
    hint = base.kwargs.get("optimization_hint")
    step, remainder = (steps or {}).get(base, (1, 0))
    low += (remainder - low) % step
    if high is not None:
        high -= (high - remainder) % step
    return Span(
        max(factor * low + offset, 0),
        None if high is None else factor * high + offset,
        factor * hint + offset if isinstance(hint, int) else None,
        factor * step,
        name if isinstance(name, str) else "",
        factor,
        offset,
    )


def bounded(low: Any, high: Any) -> Span | None:
    """The span of bounds that are numbers, not stated, or infinite; ``None`` for others."""
    for bound in (low, high):
        endless = isinstance(bound, Attribute) and bound.name.endswith(("inf", "oo"))
        if not (bound is None or isinstance(bound, int) or endless):
            return None
    return Span(low if isinstance(low, int) else 1, high if isinstance(high, int) else None)


def _of_axes(axes: dict[Any, Any], call: Call, file: str) -> list[Profile]:
    """The inputs among ``dynamic_axes``; all of them where no ``input_names`` are stated."""
    stated = call.kwargs.get("input_names")
    names = list(stated) if isinstance(stated, (tuple, list)) else list(axes)
    made = examples(call)
    tensors = []
    for position, name in enumerate(names):
        dims = axes.get(name, {})
        named = dims if isinstance(dims, dict) else dict.fromkeys(dims, "")
        partial = tuple(
            (i, Span(1, None, None, 1, n if isinstance(n, str) else ""))
            for i, n in named.items()
            if isinstance(i, int)
        )
        tensor = DeclaredTensor(str(name), None, Location(file, call.line), "", partial)
        tensors.append(with_example(tensor, made[position][1] if position < len(made) else None))
    return [Profile("onnx", tuple(tensors), Location(file, call.line))] if tensors else []


def write(profiles: Sequence[Profile]) -> str:
    """Example inputs and ``dynamic_shapes`` for ``torch.export``; one program for each profile."""
    return _code(profiles, _export_function(len(profiles)), dim_text)


def write_compared(profiles: Sequence[Profile]) -> str:
    """As :func:`write`, without ``backed_size_oblivious``: sizes are compared with 0 and 1.

    Some models export for all sizes only so: transformers choose a kernel by such a comparison.
    """
    return _code(profiles, _export_function(len(profiles), oblivious=False), dim_text)


def write_hints(profiles: Sequence[Profile]) -> str:
    """As :func:`write`, with ``Dim.DYNAMIC(min=…, max=…)``, which torch.export does not prove.

    Raises:
        ArchlintError: sizes are multiples, or depend on each other.
    """
    for profile in profiles:
        spans = [s for t in profile.tensors for s in t.spans or () if not s.is_fixed]
        names = [s.name for s in spans if s.name]
        if any((s.step, s.factor, s.offset) != (1, 1, 0) for s in spans) or len(names) > len(
            set(names)
        ):
            raise ArchlintError(
                "Dim.DYNAMIC cannot state sizes that are multiples or depend on each other"
            )
    return _code(profiles, _export_function(len(profiles)), _hint)


def _hint(span: Span, _fallback: str, _dims: dict[str, str]) -> str:
    return f"Dim.DYNAMIC({span.bounds_text()})"


def _export_function(count: int, oblivious: bool = True) -> list[str]:
    """By default torch.export refuses sizes at which a size inside the model is 1.

    It also refuses ranges for which it cannot prove what the model requires; these were proved.
    """
    lines = [
        "def export(model):",
        *(["    from torch.fx.experimental import _config", ""] if oblivious else []),
        "    def program(args, kwargs, dynamic_shapes):",
        "        return torch.export.export(",
        "            model, args, kwargs, dynamic_shapes=dynamic_shapes,",
        "            prefer_deferred_runtime_asserts_over_guards=True,  # the sizes were proved",
        "        )",
        "",
    ]
    made = ["return program(args, kwargs, dynamic_shapes)"]
    if count > 1:
        numbers = range(count)
        calls = [f"    program(args_{i}, kwargs_{i}, dynamic_shapes_{i})," for i in numbers]
        made = ["return [", *calls, "]"]
    if not oblivious:
        return [*lines, *(f"    {line}" for line in made)]
    return [
        *lines,
        "    # by default, sizes at which a size inside the model is 1 would be refused",
        "    with _config.patch(backed_size_oblivious=True):",
        *(f"        {line}" for line in made),
    ]


def write_onnx(profiles: Sequence[Profile]) -> str:
    """A call of the ONNX exporter. A file of ONNX has names for sizes, and no bounds."""
    (profile,) = profiles
    names = [t.name for t in profile.tensors]
    call = [
        "def export(model, file):",
        "    torch.onnx.export(",
        "        model, args, file, kwargs=kwargs, dynamo=True,",
        f"        input_names={names}, dynamic_shapes=dynamic_shapes,",
        "    )",
    ]
    return _code(profiles, call, dim_text)


def _code(
    profiles: Sequence[Profile],
    function: list[str],
    written: Callable[[Span, str, dict[str, str]], str],
) -> str:
    lines = ["import torch", "from torch.export import Dim", ""]
    for number, profile in enumerate(profiles):
        suffix = "" if len(profiles) == 1 else f"_{number}"
        dims: dict[str, str] = {}
        shapes = []
        for tensor in profile.tensors:
            entries = []
            for index, span in enumerate(tensor.spans or ()):
                if not span.is_fixed:
                    entries.append(f"{index}: {written(span, f's{len(dims)}', dims)}")
            shapes.append((tensor, "{" + ", ".join(entries) + "}"))
        lines += dims.values()
        if len(shapes) == 1:
            tensor, spec = shapes[0]
            lines += [f"args{suffix} = ({write_example(tensor)},)", f"kwargs{suffix} = {{}}"]
            lines += [f"dynamic_shapes{suffix} = ({spec},)", ""]
        else:
            examples_text = ", ".join(f'"{t.name}": {write_example(t)}' for t, _ in shapes)
            specs = ", ".join(f'"{t.name}": {s}' for t, s in shapes)
            lines += [f"args{suffix} = ()", f"kwargs{suffix} = {{{examples_text}}}"]
            lines += [f"dynamic_shapes{suffix} = {{{specs}}}", ""]
    return "\n".join([*lines, "", *function, ""])


def dim_text(span: Span, fallback: str, dims: dict[str, str]) -> str:
    """The expression of a dimension; its variable is added to ``dims``, name to definition.

    ``fallback`` names a variable without a name.
    """
    name = variable(span.name or fallback)
    factor, offset = span.factor, span.offset
    if span.step > 1 and factor == 1:
        factor, offset = span.step, span.low % span.step
        name = f"_{name}"
    if name not in dims:
        bounds = [f"min={(span.low - offset) // factor}"]
        if span.high is not None:
            bounds.append(f"max={(span.high - offset) // factor}")
        dims[name] = f'{name} = Dim("{name}", {", ".join(bounds)})'
    return multiple(name, factor, offset)


def multiple(name: str, factor: int, offset: int) -> str:
    """``32 * name + 5`` as Python."""
    text = name if factor == 1 else f"{factor} * {name}"
    return text + (f" {'+-'[offset < 0]} {abs(offset)}" if offset else "")
