"""Resizing in front of the model, as a module around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

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
from archlint.symbolic import Expr, symbol
from archlint.symbolic.formula import conj, ge, negate, substitute_formula
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.trace import dims_of

_MODES = {1: "linear", 2: "bilinear", 3: "trilinear"}


def resizing(broken: BrokenContract) -> Iterator[Proposal]:
    """Every input resized to accepted sizes, if the output does not depend on what is resized.

    Sizes that are accepted whatever they are stay as they are.
    """
    arguments = arguments_of(broken.contract)
    names = free_sizes(arguments)
    images = [a for a in arguments if a.axes(names)]
    features = [_features(a, names) for a in images]
    if not images or not all(features) or len({tuple(f) for f in features}) > 1:
        return
    outputs = [dims_of(path.trace.output) for path in broken.exploration.accepting]
    sizes = [s for _, dims in leaves(outputs) if isinstance(dims, tuple) for s in dims]
    in_output = {name for s in sizes if isinstance(s, Expr) for name in s.symbols()}
    target = _target(broken, features[0])
    if target is None or in_output & target.keys():
        return
    words = " x ".join(str(target.get(name, name)) for name in features[0])
    code = wrapper(
        "Resized",
        f"Resizes every input to {words}.",
        arguments,
        _lines(arguments, images, features[0], target),
    )
    title = f"resize the input{'s' * (len(images) > 1)} to {words}"
    note = "small inputs and inputs of another aspect ratio are distorted"
    source = wrapped(broken.source, code, "Resized")
    yield Proposal(title, broken.contract, source, (), code, note)


def _target(broken: BrokenContract, names: Sequence[str]) -> dict[str, int] | None:
    """The sizes to resize to: of the names that the contract needs, or of all if any one would do.

    Not 1, which may be accepted only because it broadcasts, if another size is accepted.
    """
    point, question = broken.accepted_point, broken.run.question
    if point is None:
        return None
    solver = Solver(broken.exploration.names, question.box, broken.run.deadline)
    solver.add(question.premise)
    holding = broken.holding

    def suffices(fixed: Mapping[str, int]) -> bool:
        return solver.find(negate(substitute_formula(holding, fixed))) is None

    target = {name: point[name] for name in names}
    try:
        needed = {
            name: size
            for name, size in target.items()
            if not suffices({n: s for n, s in target.items() if n != name})
        }
        target = needed if needed and suffices(needed) else target
        ones = [ge(symbol(n), 2) for n, size in target.items() if size == 1]
        other = solver.smallest(conj(holding, *ones)) if ones else None
        if other is not None and suffices(larger := {n: other[n] for n in target}):
            target = larger
    except Unsolved:
        pass
    return target


def _features(argument: Argument, names: Sequence[str]) -> list[str]:
    """The names of the sizes behind batch and channels; empty if others may change, too."""
    axes = argument.axes(names)
    rank = len(argument.dims)
    last = list(range(2, rank))
    return list(axes) if 3 <= rank <= 5 and sorted(axes.values()) == last else []


def _lines(
    arguments: Sequence[Argument],
    images: Sequence[Argument],
    names: Sequence[str],
    target: Mapping[str, int],
) -> Iterator[str]:
    for image in images:
        axes = image.axes(names)
        sizes = [str(target.get(n, f"{image.name}.shape[{axes[n]}]")) for n in names]
        size = ", ".join(sizes) + ("," if len(sizes) == 1 else "")
        yield f"{image.name} = torch.nn.functional.interpolate("
        yield f'    {image.name}, size=({size}), mode="{_MODES[len(sizes)]}", align_corners=False'
        yield ")"
    yield f"return {call_text(arguments)}"
