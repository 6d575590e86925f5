"""Resizing in front of the model, as a module around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archlint.contracts.nested import leaves
from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.proposal import Proposal
from archlint.explanation.fixes.wrap import (
    Argument,
    arguments_of,
    call_text,
    free_sizes,
    wrapped,
    wrapper,
)
from archlint.symbolic import Expr
from archlint.tracing.trace import dims_of

_MODES = {1: "linear", 2: "bilinear", 3: "trilinear"}


def resizing(broken: BrokenContract) -> Iterator[Proposal]:
    """Every input resized to accepted sizes, if the output does not depend on its size."""
    accepted, arguments = broken.accepted_point, arguments_of(broken.contract)
    names = free_sizes(arguments)
    images = [a for a in arguments if a.axes(names)]
    outputs = [dims_of(path.trace.output) for path in broken.exploration.accepting]
    sizes = [s for _, dims in leaves(outputs) if isinstance(dims, tuple) for s in dims]
    in_output = {name for s in sizes if isinstance(s, Expr) for name in s.symbols()}
    if accepted is None or not images or in_output.intersection(names):
        return
    features = [_features(a, names) for a in images]
    if not all(features) or len({tuple(f) for f in features}) > 1:
        return
    target = [accepted[n] for n in features[0]]
    code = wrapper(
        "Resized",
        f"Resizes every input to {' x '.join(map(str, target))}.",
        arguments,
        _lines(arguments, images, target),
    )
    title = f"resize the input{'s' * (len(images) > 1)} to {' x '.join(map(str, target))}"
    note = "small inputs and inputs of another aspect ratio are distorted"
    source = wrapped(broken.source, code, "Resized")
    yield Proposal(title, broken.contract, source, (), code, note)


def _features(argument: Argument, names: Sequence[str]) -> list[str]:
    """The names of the sizes behind batch and channels; empty if others may change, too."""
    axes = argument.axes(names)
    rank = len(argument.dims)
    last = list(range(2, rank))
    return list(axes) if 3 <= rank <= 5 and sorted(axes.values()) == last else []


def _lines(
    arguments: Sequence[Argument], images: Sequence[Argument], target: Sequence[int]
) -> Iterator[str]:
    size = ", ".join(map(str, target)) + ("," if len(target) == 1 else "")
    for image in images:
        yield f"{image.name} = torch.nn.functional.interpolate("
        mode = _MODES[len(target)]
        yield f'    {image.name}, size=({size}), mode="{mode}", align_corners=False'
        yield ")"
    yield f"return {call_text(arguments)}"
