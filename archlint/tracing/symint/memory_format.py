"""Questions about sizes and strides in numbers, as c10's TensorImpl defines them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Numbers = Sequence[int]


def _dense_in_order(sizes: Numbers, strides: Numbers, order: Numbers) -> bool:
    expected = 1
    for d in order:
        if sizes[d] != 1:
            if strides[d] != expected:
                return False
            expected *= sizes[d]
    return True


def contiguous(sizes: Numbers, strides: Numbers) -> bool:
    """Whether elements lie in memory in row-major order, without gaps."""
    if 0 in sizes:
        return True
    return _dense_in_order(sizes, strides, range(len(sizes))[::-1])


def _channels_last_contiguous(rank: int) -> Callable[[Numbers, Numbers], bool]:
    order = (1, *range(rank - 1, 1, -1), 0)
    return lambda sizes, strides: len(sizes) == rank and _dense_in_order(sizes, strides, order)


def _channels_last_strides(rank: int) -> Callable[[Numbers, Numbers], bool]:
    order = (1, *range(rank - 1, 1, -1), 0)

    def ask(sizes: Numbers, strides: Numbers) -> bool:
        if len(sizes) != rank or strides[1] == 0:
            return False
        least = 0
        for d in order:
            if sizes[d] == 0 or strides[d] < least:
                return False
            if d == 0 and least == strides[1]:  # a plain NCHW whose sides are all 1
                return False
            least = strides[d] * (sizes[d] if sizes[d] > 1 else 1)
        return True

    return ask


def non_overlapping_and_dense(sizes: Numbers, strides: Numbers) -> bool:
    """Whether elements fill their memory without gaps, each once, in any order of dimensions."""
    if 0 in sizes:
        return True
    expected = 1
    for stride, size in sorted(zip(strides, sizes, strict=True)):
        if size > 1:
            if stride != expected:
                return False
            expected *= size
    return True


LAYOUTS: dict[str, Callable[[Numbers, Numbers], bool]] = {
    "contiguous": contiguous,
    "channels_last_contiguous_2d": _channels_last_contiguous(4),
    "channels_last_contiguous_3d": _channels_last_contiguous(5),
    "channels_last_strides_2d": _channels_last_strides(4),
    "channels_last_strides_3d": _channels_last_strides(5),
    "non_overlapping_and_dense": non_overlapping_and_dense,
}
