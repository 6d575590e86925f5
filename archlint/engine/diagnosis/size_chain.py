"""The chain of tensors from the input to the layer that refuses, with the sizes that matter.

image H×W → features H//32 × W//32 → flatten 512*(H//32)*(W//32) → Linear has one weight …
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archlint.ops.registry import TensorSpec
from archlint.ops.traits import traits_of
from archlint.symbolic import Size
from archlint.tracing.fx_graph import tensors
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trace import Call, Trace

MOST = 6  # steps that are shown


@dataclass(frozen=True)
class Step:
    """A tensor of the chain, and what made it."""

    made_by: str
    dims: tuple[Size, ...]


def because(trace: Trace, refusing: Call, claim: str) -> str:
    """The chain of sizes to the tensor that the call ``refusing`` refuses, and why it does.

    ``claim`` is what that call needs, in words. Empty if nothing but the input leads there.
    """
    start = first_tensor((refusing.args, refusing.kwargs))
    steps = [_shown(s) for s in _summary(_chain(trace, start))] if start is not None else []
    reasons = traits_of(refusing.func).reasons
    steps += [reason for words, reason in reasons if words in claim][:1]
    return " → ".join(steps) if len(steps) > 1 else ""


def chain_to_output(trace: Trace) -> str:
    """The chain of sizes to the output, if that is one tensor made by a call of the model."""
    if not isinstance(trace.output, TensorSpec):
        return ""
    for call in reversed(trace.calls):
        if type(call.result) is SymbolicTensor and call.result.spec is trace.output:
            steps = _summary(_chain(trace, call.result))
            return " → ".join(map(_shown, steps)) if len(steps) > 1 else ""
    return ""


def first_tensor(args: object) -> SymbolicTensor | None:
    """The first symbolic tensor among arguments, at any depth."""
    return next(iter(tensors(args)), None)


def _chain(trace: Trace, tensor: SymbolicTensor) -> list[Step]:
    """The tensors from the input to ``tensor``, each made from the one before."""
    steps: list[Step] = []
    current: SymbolicTensor | None = tensor
    seen: set[int] = set()
    while current is not None and current.made_by not in seen:
        seen.add(current.made_by)
        dims = current.spec.dims
        if current.made_by < 0:
            steps.append(Step(_input_name(dims), dims))
            break
        call = trace.calls[current.made_by]
        steps.append(Step(call.op, dims))
        current = first_tensor((call.args, call.kwargs))
    return steps[::-1]


def _input_name(dims: Sequence[Size]) -> str:
    if len(dims) == 4 and dims[1] in (1, 3):
        return "image"
    return "clip" if len(dims) == 5 and dims[1] in (1, 3) else "input"


def _summary(steps: list[Step]) -> list[Step]:
    """The first and last step of every stretch with one number of dimensions."""
    stretches: list[list[Step]] = []
    for step in steps:
        if stretches and len(stretches[-1][-1].dims) == len(step.dims):
            stretches[-1].append(step)
        else:
            stretches.append([step])
    kept: list[Step] = []
    for stretch in stretches:
        first, last = stretch[0], stretch[-1]
        kept.append(first)
        if last.dims != first.dims:
            name = last.made_by if len(stretch) == 2 or len(last.dims) < 3 else "features"
            kept.append(Step(name, last.dims))
    batch = steps[0].dims[:1] if steps else ()
    kept = [Step(s.made_by, _without_batch(s.dims, batch)) for s in kept]
    if len(kept) > MOST:
        kept = [*kept[:2], Step("…", ()), *kept[3 - MOST :]]
    return kept


def _without_batch(dims: tuple[Size, ...], batch: tuple[Size, ...]) -> tuple[Size, ...]:
    """The sizes without the batch, if that is the first; for images without the channels too."""
    if not batch or dims[:1] != batch or len(dims) < 2 or isinstance(batch[0], int):
        return dims
    return dims[2:] if len(dims) > 3 and isinstance(dims[1], int) else dims[1:]


def _shown(step: Step) -> str:
    texts = [_grouped(d) for d in step.dims]
    return (
        f"{step.made_by} {(' × ' if any(len(t) > 4 for t in texts) else '×').join(texts)}".strip()
    )


def _grouped(size: Size) -> str:
    """In parentheses where it could be misread next to ``×``."""
    text = str(size)
    return f"({text})" if "+" in text or "-" in text or " " in text else text
