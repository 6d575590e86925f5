"""How an exported model's run differs from the model's: each kind of difference with its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from archlint.contracts.contract import TensorInput
from archlint.engine.artifact.artifact_process import Answer

KINDS = {
    "crash": "the process that runs the artifact ends",
    "stale": "returns an earlier call's output",
    "after": "returns other outputs after a size that the model refuses",
    "silent": "runs where the model refuses",
    "refuses": "refuses what the model accepts",
    "shape": "returns another shape",
    "values": "returns other values",
}
"""The kinds of differences, the worst first."""

PLAIN = ("crash", "stale", "shape", "values")
"""Kinds whose text needs no explanation."""


@dataclass(frozen=True)
class Difference:
    """A difference at some sizes. ``reused``: only in a request that had run before.

    ``amount``: for values, the difference relative to the largest value.
    """

    kind: str
    sizes: dict[str, int]
    text: str
    reused: bool = False
    amount: float = 0.0


@dataclass
class Comparison:
    """What was run, and how it differed.

    ``inputs`` are the names of the artifact's inputs and ``shapes`` their shapes, if it states
    them, with ``None`` for a size that is not fixed; ``tensors`` are the model's own inputs in that
    order.
    ``refuses_none``: the model accepts every size, so there was none to refuse.
    """

    version: str
    inside: int = 0
    outside: int = 0
    differences: list[Difference] = field(default_factory=list)
    stopped: str = ""
    inputs: Sequence[str] = ()
    shapes: Sequence[Sequence[int | None]] = ()
    tensors: Sequence[TensorInput] = ()
    refuses_none: bool = False

    def of_kind(self, kind: str) -> list[Difference]:
        """The differences of a kind, the smallest sizes first."""
        found = {tuple(d.sizes.items()): d for d in reversed(self.differences) if d.kind == kind}
        return sorted(found.values(), key=lambda d: (sum(d.sizes.values()), [*d.sizes.values()]))


def difference(
    sizes: dict[str, int],
    answer: Answer,
    expected: Sequence[Any] | None,
    previous: Sequence[Any],
    tolerance: float,
    *,
    reused: bool,
) -> Difference | None:
    """The difference of one run, if there is one.

    ``expected`` is what the model returns at the sizes; ``None`` if it refuses them. ``previous``
    is the output of the request's call before this one, empty for none.
    """
    if answer.ended:
        return Difference("crash", sizes, answer.ended, reused)
    if answer.error:
        return None if expected is None else Difference("refuses", sizes, answer.error, reused)
    got, amount = [tuple(a.shape) for a in answer.outputs], 0.0
    if expected is None:
        kind, text = "silent", f"returned {_shapes(got)}"
    elif got != (wanted := [tuple(a.shape) for a in expected]):
        kind, text = "shape", f"returned {_shapes(got)}, eager returns {_shapes(wanted)}"
    else:
        amount = max(map(_distance, answer.outputs, expected), default=0.0)
        kind, text = "values", f"differs from eager by {percent(amount)}"
        if amount <= tolerance:
            return None
    if _same(answer.outputs, previous):
        return Difference("stale", sizes, "returned the previous call's output", reused)
    return Difference(kind, sizes, text, reused, amount)


def equal(one: Sequence[Any], other: Sequence[Any], tolerance: float) -> bool:
    """Whether two outputs have the same shapes, and values to a tolerance."""
    return len(one) == len(other) and all(
        a.shape == b.shape and _distance(a, b) <= tolerance for a, b in zip(one, other, strict=True)
    )


def percent(amount: float) -> str:
    """A relative difference in words: ``6.5 %``."""
    return "more than 1000 %" if amount > 10 else f"{100 * amount:.2g} %"


def _distance(one: Any, other: Any) -> float:
    """The largest difference, relative to the largest value of ``other``; NaN equals NaN."""
    import numpy

    a, b = (numpy.asarray(x, dtype=numpy.complex128 if x.dtype.kind == "c" else numpy.float64)
            for x in (one, other))  # fmt: skip
    if b.size == 0:
        return 0.0
    strange = ~(numpy.isfinite(a) & numpy.isfinite(b))
    equal = (a == b) | (numpy.isnan(a) & numpy.isnan(b))
    if (strange & ~equal).any():
        return float("inf")
    a, b = numpy.where(strange, 0, a), numpy.where(strange, 0, b)
    scale = max(float(numpy.abs(b).max()), 1e-3)
    return float(numpy.abs(a - b).max()) / scale


def _same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two outputs are equal bit for bit, and there is something in them."""
    return (
        bool(other)
        and len(one) == len(other)
        and any(a.size for a in other)
        and all(a.shape == b.shape and a.tobytes() == b.tobytes()
                for a, b in zip(one, other, strict=True))
    )  # fmt: skip


def _shapes(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join("x".join(map(str, s)) or "a scalar" for s in shapes) or "nothing"
