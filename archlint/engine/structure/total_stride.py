"""Total stride: by how much the spatial sizes of the input are divided on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from archlint.engine.diagnosis.size_chain import way_to_output
from archlint.engine.explore import ExploredPath
from archlint.engine.structure.input_axes import extent
from archlint.engine.structure.model_view import ModelView, outputs
from archlint.engine.structure.violation import CannotCheck, Violation
from archlint.symbolic import Size, ceildiv, floordiv
from archlint.symbolic.formula import Bool, conj, disj, eq, negate


def total_stride(seen: ModelView, asked: Any) -> Iterator[Violation]:
    """The spatial sizes of outputs or layers are those of the input over a stride, rounded.

    ``asked`` is one stride for every tensor of the output, a list with one for each, or a mapping
    from module paths to strides. Rounded is down or up, at each size as it comes.
    """
    sizes = extent(seen.input)
    if isinstance(asked, dict):
        for path, stride in asked.items():
            yield from _layer(seen, path, stride, sizes)
    else:
        yield from _outputs(seen, asked, sizes)


def _outputs(seen: ModelView, asked: Any, sizes: Sequence[Size]) -> Iterator[Violation]:
    told: set[str] = set()
    for path in seen.accepting:
        made = outputs(path.trace)
        strides = [asked] * len(made) if isinstance(asked, int) else list(asked)
        if len(strides) != len(made):
            raise CannotCheck(
                f"total_stride has {len(strides)} strides, and the output has {len(made)} tensors"
            )
        for i, (spec, stride) in enumerate(zip(made, strides, strict=True)):
            which = "the output" if len(made) == 1 else f"output {i}"
            found = _violated(seen, path, spec.dims, stride, sizes)
            message = _words(which, spec.dims, stride, sizes)
            if found is not None and message not in told:
                told.add(message)
                call = seen.made_by(path, spec)
                place = (call.module, call.op, call.source) if call else ("", "", "")
                yield Violation(message, *place, found, way_to_output(path.trace), shows=True)


def _layer(seen: ModelView, layer: str, stride: int, sizes: Sequence[Size]) -> Iterator[Violation]:
    try:
        module = seen.model.get_submodule(layer)
    except AttributeError:
        raise CannotCheck(
            f"total_stride names the layer {layer}, which the model has not"
        ) from None
    kind = type(module).__name__
    told: set[str] = set()
    ran = False
    for path, shapes in seen.leaving(layer):
        for dims in shapes:
            ran = True
            found = _violated(seen, path, dims, stride, sizes)
            message = _words(f"what leaves {layer}", dims, stride, sizes)
            if found is not None and message not in told:
                told.add(message)
                yield Violation(message, layer, kind, seen.source(layer), found)
    if not ran and seen.accepting:
        raise CannotCheck(f"total_stride names the layer {layer}, which gives no tensor")


def _violated(
    seen: ModelView, path: ExploredPath, dims: tuple[Size, ...], stride: int, sizes: Sequence[Size]
) -> dict[str, int] | None:
    """The smallest accepted sizes at which the stride is another; ``None`` if there are none.

    The spatial sizes stand last, or before the last, where the channels are.
    """
    count = len(sizes)
    places = [dims[-count:]] if len(dims) >= count + 1 else []
    places += [dims[-count - 1 : -1]] if len(dims) >= count + 2 else []
    if not places:
        return seen.smallest(path.accepted)
    first = None
    for place in places:
        point = seen.smallest(conj(path.accepted, negate(_divided(place, stride, sizes))))
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


def _words(which: str, dims: Sequence[Size], stride: int, sizes: Sequence[Size]) -> str:
    shape = " ".join(str(d).replace(" ", "") for d in dims) or "a scalar"
    over = ", ".join(map(str, sizes))
    if len(dims) <= len(sizes):
        return f"{which} is {shape}, which has no sizes for {over}"
    return f"{which} is {shape}, not {over} over {stride}, rounded"
