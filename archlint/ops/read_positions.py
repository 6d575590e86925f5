"""Which positions along one dimension of an operand a position of a result reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from archlint.ops.registry import TensorSpec


@dataclass(frozen=True)
class Taps:
    """The positions ``at(o)`` that position ``o`` reads, on a line without ends.

    They repeat: ``at(o + period)`` are those of ``at(o)`` moved by ``shift``. ``crops``: positions
    at an end are read by none.
    """

    period: int
    shift: int
    at: Callable[[int], list[int]]
    crops: bool = False


SAME = Taps(1, 1, lambda o: [o])

Along = dict[int, tuple[int, "Taps | None"]]
"""By a dimension of the result (-1 and below: none): that of the operand, and what is read."""
Reach = dict["int | tuple[int, int]", Along]


def slid(result: TensorSpec, n: int, taps: list[Taps]) -> Along:
    """The last ``n`` dimensions are read through ``taps``, the others as they are."""
    along: Along = {d: (d, SAME) for d in range(result.ndim - n)}
    return along | {result.ndim - n + i: (result.ndim - n + i, taps[i]) for i in range(n)}


def slide(kernel: int, stride: int, padding: int, dilation: int) -> Taps:
    """The taps of a sliding window; a slice is a window of one element."""
    return Taps(1, stride, lambda o: [o * stride - padding + dilation * t for t in range(kernel)])


def transposed(kernel: int, stride: int, padding: int, dilation: int) -> Taps:
    """The taps of a transposed convolution: each input is spread over a window of the output."""

    def at(o: int) -> list[int]:
        left = (o + padding - dilation * t for t in range(kernel))
        return [position // stride for position in left if position % stride == 0]

    return Taps(stride, 1, at)


def nearest(size: int, out: int) -> Taps:
    """The taps of nearest-neighbour resizing from ``size`` to ``out`` positions."""
    return Taps(out, size, lambda o: [o * size // out])


def between(size: int, out: int, around: int) -> Taps:
    """The taps of an interpolation by ``2 * around`` neighbours, corners not aligned."""

    def at(o: int) -> list[int]:
        low, rest = divmod((2 * o + 1) * size - out, 2 * out)
        return list(range(low + 1 - around, low + 1 + around)) if rest else [low]

    return Taps(out, size, at)


def averaged(size: int, out: int) -> Taps:
    """The taps of adaptive pooling from ``size`` to ``out`` positions."""
    return Taps(out, size, lambda o: list(range(o * size // out, ceil((o + 1) * size / out))))
