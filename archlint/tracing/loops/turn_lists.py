"""How a turn of a loop changed a list."""

from __future__ import annotations

from typing import Any

from archlint.tracing.loops.segments import Segment
from archlint.tracing.loops.state import canonical, like, same_size
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, learn, symbolic_tensor


def same_lists(path: Any, one: list[Segment], other: list[Segment]) -> bool:
    """Whether two lists have the same runs of elements that are alike."""
    return len(one) == len(other) and all(
        same_size(path, a.repeats, b.repeats) and like(path, a.value, b.value)
        for a, b in zip(one, other, strict=True)
    )


def appended(path: Any, old: list[Segment], new: list[Segment]) -> tuple[bool, Segment] | None:
    """What was added, and whether at the front; ``None`` if anything else changed."""
    if len(new) <= len(old):
        return None
    for at_front in (False, True):
        had = new[len(new) - len(old) :] if at_front else new[: len(old)]
        pairs = zip(had, old, strict=True)
        if all(a is b or (a.value is b.value and a.repeats == b.repeats) for a, b in pairs):
            rest = new[: len(new) - len(old)] if at_front else new[len(old) :]
            joined = canonical(path, rest)
            if len(joined) > 1:
                joined = canonical(path, [Segment(_of_any_elements(v), n) for v, n in joined])
            return (at_front, joined[0]) if len(joined) == 1 else None
    return None


def _of_any_elements(value: Any) -> Any:
    """A tensor of the same sizes of which nothing is known about the elements."""
    if type(value) is not SymbolicTensor:
        return value
    made = symbolic_tensor(
        value.spec.like(value.spec.dims, strides=value.spec.strides), value.made_by
    )
    learn(made, shares=(value,))
    return made
