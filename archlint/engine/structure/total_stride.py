"""Checks the total stride: by how much layers divide the spatial sizes of the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archlint.contracts.size_text import shape_words
from archlint.contracts.text_layout import counted
from archlint.engine.diagnosis.size_chain import chain_to_output
from archlint.engine.exploration import ExploredPath
from archlint.engine.structure.input_axes import extent
from archlint.engine.structure.model_view import ModelView, outputs
from archlint.engine.structure.violation import CannotCheck, Violation
from archlint.symbolic import Size, ceildiv, floordiv
from archlint.symbolic.formula import Bool, conj, disj, eq, negate


def total_stride(view: ModelView, value: Any) -> Iterator[Violation]:
    """The spatial sizes of outputs or layers are those of the input over a stride, rounded.

    ``value`` is one stride for every tensor of the output, a list with one for each, or a mapping
    from module paths to strides. Each size may be rounded down or up.
    """
    sizes = extent(view.input)
    if isinstance(value, dict):
        for path, stride in value.items():
            yield from _layer(view, path, stride, sizes)
    else:
        yield from _outputs(view, value, sizes)


def _outputs(view: ModelView, value: Any, sizes: Sequence[Size]) -> Iterator[Violation]:
    reported: set[str] = set()
    for path in view.accepting:
        made = outputs(path.trace)
        strides = [value] * len(made) if isinstance(value, int) else list(value)
        if len(strides) != len(made):
            raise CannotCheck(
                f"total_stride lists {counted(len(strides), 'stride')}, "
                f"but the output has {counted(len(made), 'tensor')}"
            )
        for i, (spec, stride) in enumerate(zip(made, strides, strict=True)):
            which = "the output" if len(made) == 1 else f"output {i}"
            point = _violated(view, path, spec.dims, stride, sizes)
            message = _message(which, spec.dims, stride, sizes)
            if point is not None and message not in reported:
                reported.add(message)
                place = view.made_at(path, spec)
                yield Violation(message, *place, point, chain_to_output(path.trace), shows=True)


def _layer(view: ModelView, layer: str, stride: int, sizes: Sequence[Size]) -> Iterator[Violation]:
    try:
        module = view.model.get_submodule(layer)
    except AttributeError:
        raise CannotCheck(
            f"total_stride names the layer {layer}, but the model has no such layer"
        ) from None
    kind = type(module).__name__
    reported: set[str] = set()
    ran = False
    for path, shapes in view.leaving(layer):
        for dims in shapes:
            ran = True
            point = _violated(view, path, dims, stride, sizes)
            message = _message(f"the output of {layer}", dims, stride, sizes)
            if point is not None and message not in reported:
                reported.add(message)
                yield Violation(message, layer, kind, view.source(layer), point)
    if not ran and view.accepting:
        raise CannotCheck(f"total_stride names the layer {layer}, but that layer returns no tensor")


def _violated(
    view: ModelView, path: ExploredPath, dims: tuple[Size, ...], stride: int, sizes: Sequence[Size]
) -> dict[str, int] | None:
    """The smallest accepted sizes with another stride; ``None`` if there are none.

    The spatial sizes are the last ones, or the ones before a last size that is the channels.
    """
    count = len(sizes)
    places = [dims[-count:]] if len(dims) >= count + 1 else []
    places += [dims[-count - 1 : -1]] if len(dims) >= count + 2 else []
    if not places:
        return view.smallest(path.accepted)
    first = None
    for place in places:
        point = view.smallest(conj(path.accepted, negate(_divided(place, stride, sizes))))
        if point is None:
            return None
        first = first or point
    return first


def _divided(place: Sequence[Size], stride: int, sizes: Sequence[Size]) -> Bool:
    parts = [
        disj(eq(out, floordiv(size, stride)), eq(out, ceildiv(size, stride)))
        for out, size in zip(place, sizes, strict=True)
    ]
    return conj(*parts)


def _message(which: str, dims: Sequence[Size], stride: int, sizes: Sequence[Size]) -> str:
    shape = shape_words(dims) or "a scalar"
    over = ", ".join(map(str, sizes))
    if len(dims) <= len(sizes):
        return f"{which} is {shape}, which has no sizes for {over}"
    return f"{which} is {shape}, expected {over} divided by {stride}, rounded down or up"
