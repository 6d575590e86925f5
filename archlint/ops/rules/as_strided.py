"""``as_strided``: elements of a tensor's memory, by sizes and strides that the caller states."""

from __future__ import annotations

from collections.abc import Sequence

from archlint.ops.aliases import spellings
from archlint.ops.registry import NoRule, Path, TensorSpec, shape_rule
from archlint.ops.traits import View
from archlint.symbolic import Size
from archlint.symbolic.formula import Bool, disj, eq, ge, le


@shape_rule(*spellings("as_strided"), view=View.UNKNOWN)
def as_strided(
    path: Path,
    input: TensorSpec,
    size: Sequence[Size],
    stride: Sequence[Size],
    storage_offset: Size | None = None,
) -> TensorSpec:
    """The result has the stated sizes and strides, and must lie in the memory of ``input``.

    How much memory lies before and behind ``input``, if it is a view, is not known here. So only
    what lies inside ``input`` itself is accepted; beyond it nothing is known.
    """
    sizes, strides = tuple(size), tuple(stride)
    same = len(sizes) == len(strides)
    path.claim(same, "as many sizes as strides, gets {} and {}", len(sizes), len(strides))
    for each in sizes:
        path.claim(ge(each, 0), "a size that is not negative, gets {}", each)
    for each in strides:
        path.claim(ge(each, 0), "a stride that is not negative, gets {}", each)
    if storage_offset is not None:
        path.claim(ge(storage_offset, 0), "an offset that is not negative, gets {}", storage_offset)
    if input.dtype.is_complex or (input.device is not None and input.device.type != "cpu"):
        raise NoRule("memory of another kind")
    if not path.branch(_inside(input, sizes, strides, storage_offset)):
        path.unknown_outcome("as_strided may read beyond the tensor's own elements")
    return input.like(sizes, strides=strides)


def _inside(
    input: TensorSpec,
    sizes: tuple[Size, ...],
    strides: tuple[Size, ...],
    storage_offset: Size | None,
) -> Bool:
    """Whether the elements are certainly elements of ``input``.

    With sizes ``n`` and strides ``s`` the last lies ``sum((n - 1) * s)`` behind the first.
    """
    nothing = disj(*(eq(n, 0) for n in sizes))
    if storage_offset is not None or input.strides is not None:
        return nothing  # the offset counts from the start of memory that others may share
    last: Size = 0
    for n, step in zip(sizes, strides, strict=True):
        last = last + (n - 1) * step
    return disj(nothing, le(last + 1, input.numel()))
