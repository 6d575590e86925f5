"""Sequences of several lengths: padded to one length, packed without padding, and masked.

``pack_padded_sequence`` and ``pad_packed_sequence`` are Python around the kernels of this module.
Of the lengths often only a range is known; their number is the batch size, the first of the
``batch_sizes`` of a packed sequence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from archlint.ops.registry import ElementFacts, NoRule, Path, TensorSpec, named_rule, shape_rule
from archlint.ops.rules.rearrange import total
from archlint.ops.shapes.broadcast import broadcast_onto
from archlint.ops.shapes.claims import claim_dtype, claim_least_ndim, claim_ndim, claim_same_sizes
from archlint.ops.shapes.strides import contiguous_strides, empty
from archlint.ops.traits import Bounds, Unchecked
from archlint.ops.values.int_ranges import range_of
from archlint.ops.values.tight_bounds import in_range
from archlint.symbolic import Size, maximum, minimum
from archlint.symbolic.formula import eq, ge, le, negate


@shape_rule(torch._C._nn.pad_sequence)
def pad_sequence(
    path: Path,
    sequences: Sequence[TensorSpec],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> TensorSpec:
    path.claim(len(sequences) > 0, "at least one sequence")
    first = sequences[0]
    if any(s.ndim != first.ndim or not s.ndim for s in sequences):
        raise NoRule("sequences of several numbers of dimensions")
    longest = maximum(*(s.dims[0] for s in sequences))
    for sequence in sequences:
        broadcast_onto(path, sequence.dims[1:], first.dims[1:])
    count = len(sequences)
    lead = (count, longest) if batch_first else (longest, count)
    return first.like((*lead, *first.dims[1:]))


@named_rule("torch.nn.utils.rnn::invert_permutation")
def invert_permutation(path: Path, permutation: TensorSpec | None) -> TensorSpec | None:
    if permutation is None:
        return None
    return permutation.like(permutation.dims, values=(0, permutation.numel() - 1))


def _largest(path: Path, lengths: TensorSpec, most: Size) -> Size:
    """The largest length, at most ``most``."""
    low, high = range_of(lengths)
    reached = not lengths.loose or lengths.elements.numbers is not None
    if high is not None and (reached or (low is not None and path.known(eq(low, high)))):
        return high
    fewest = 1 if low is None else maximum(low, 1)
    return path.unknown("the lengths", fewest, most if high is None else high)


@shape_rule(torch._pack_padded_sequence, bounds=Bounds.UNKNOWN, unchecked=Unchecked.INDICES)
def pack_padded_sequence(
    path: Path, input: TensorSpec, lengths: TensorSpec, batch_first: bool
) -> tuple[TensorSpec, TensorSpec]:
    """The packed data, and the batch size of each step."""
    path.claim(negate(empty(input.dims)), "an input that is not empty")
    claim_least_ndim(path, "an input", input, 2)
    claim_ndim(path, "lengths", lengths, 1)
    batch, steps = input.dims[:2] if batch_first else (input.dims[1], input.dims[0])
    (count,) = lengths.dims
    path.claim(eq(count, batch), "number of lengths {} == batch {}", count, batch)
    in_range(path, lengths, 0, lambda low: ge(low, 1), "the smallest length {} > 0")
    text = "the largest length {} <= {} steps"
    in_range(path, lengths, 1, lambda high: le(high, steps), text, steps)
    low, high = range_of(lengths)
    if low is None or high is None:
        path.unproved(
            "tensor values determine whether each length is from 1 to the number of steps"
        )
    _claim_sorted(path, lengths, low, high)
    length = total(path, "the lengths", lengths, batch, 1)
    sizes = lengths.like((_largest(path, lengths, steps),), torch.int64)
    sizes.elements = ElementFacts(first=batch)
    return input.like((length, *input.dims[2:])), sizes


def _claim_sorted(path: Path, lengths: TensorSpec, low: Size | None, high: Size | None) -> None:
    known = lengths.elements.numbers
    if known is not None:
        path.claim(tuple(sorted(known, reverse=True)) == known, "lengths in decreasing order")
    elif not lengths.elements.descending and (low is None or high is None or low != high):
        path.unproved("tensor values determine whether the lengths are in decreasing order")


@shape_rule(torch._pad_packed_sequence, bounds=Bounds.UNKNOWN)
def pad_packed_sequence(
    path: Path,
    data: TensorSpec,
    batch_sizes: TensorSpec,
    batch_first: bool,
    padding_value: Any,
    total_length: Size,
) -> tuple[TensorSpec, TensorSpec]:
    """The padded sequences and their lengths."""
    batch = batch_sizes.elements.first
    if batch is None or batch_sizes.ndim != 1:
        raise NoRule("batch sizes that are not known")
    (steps,) = batch_sizes.dims
    path.claim(ge(total_length, steps), "total_length {} >= {} steps", total_length, steps)
    rest = data.dims[1:]
    padded = data.like((total_length, batch, *rest))
    if batch_first:
        inner = contiguous_strides((total_length, batch, *rest))
        strides = (inner[1], inner[0], *inner[2:])
        padded = data.like((batch, total_length, *rest), strides=strides)
    return padded, data.like((batch,), torch.int64, values=(1, steps))


@shape_rule(torch._nested_tensor_from_mask_left_aligned)
def nested_tensor_from_mask_left_aligned(path: Path, t: TensorSpec, mask: TensorSpec) -> bool:
    """Whether a mask leaves the beginning of every sequence; it selects an implementation only.

    ``nn.TransformerEncoder`` packs such sequences in its fast path, which gives the same sizes. It
    refuses tensors without elements, and a batch that is all padding.
    """
    claim_dtype(path, "a mask", mask, torch.bool)
    claim_ndim(path, "a mask", mask, 2)
    claim_ndim(path, "a tensor", t, 3)
    claim_same_sizes(path, mask.dims, t.dims, "mask size {} == size {}")
    batch, steps, width = t.dims
    path.claim(ge(steps, 1), "steps {} > 0", steps)
    if path.known(ge(minimum(batch, width), 1)) is not True:
        path.unproved("whether sequences without elements can be packed is not known")
    path.unproved("tensor values determine whether all steps are padding, which is refused")
    return False
