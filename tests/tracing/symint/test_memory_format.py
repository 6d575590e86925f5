"""Layout questions against PyTorch's own answers, for real tensors."""

import itertools

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from archlint.tracing.symint.memory_format import LAYOUTS

FORMATS = {
    "contiguous": torch.contiguous_format,
    "channels_last_contiguous_2d": torch.channels_last,
    "channels_last_contiguous_3d": torch.channels_last_3d,
}
STRIDES = {
    "channels_last_strides_2d": torch.channels_last,
    "channels_last_strides_3d": torch.channels_last_3d,
}


def answers(tensor):
    """What PyTorch says of a tensor, by the names of :data:`LAYOUTS`."""
    rank = {torch.channels_last: 4, torch.channels_last_3d: 5}
    found = {}
    for name, format in FORMATS.items():
        fits = rank.get(format, tensor.dim()) == tensor.dim()
        found[name] = fits and tensor.is_contiguous(memory_format=format)
    for name, format in STRIDES.items():
        fits = rank[format] == tensor.dim()
        found[name] = fits and torch.ops.aten.is_strides_like_format(tensor, format)
    found["non_overlapping_and_dense"] = torch.ops.aten.is_non_overlapping_and_dense(tensor)
    return found


def agree(tensor):
    sizes, strides = tuple(tensor.shape), tensor.stride()
    ours = {name: ask(sizes, strides) for name, ask in LAYOUTS.items()}
    assert ours == answers(tensor), (sizes, strides)


@st.composite
def tensors(draw):
    rank = draw(st.integers(0, 5))
    sizes = draw(st.lists(st.sampled_from([0, 1, 1, 2, 3]), min_size=rank, max_size=rank))
    tensor = torch.empty(sizes, device="meta").permute(draw(st.permutations(range(rank))))
    for dim in range(rank):
        way = draw(st.sampled_from(["keep", "keep", "keep", "step", "narrow", "expand"]))
        if way == "step":
            tensor = tensor.transpose(0, dim)[::2].transpose(0, dim)
        elif way == "narrow":
            tensor = tensor.narrow(dim, 0, max(tensor.shape[dim] - 1, 0))
        elif tensor.shape[dim] == 1 and way == "expand":
            tensor = tensor.expand(*(3 if d == dim else -1 for d in range(rank)))
    return tensor


@settings(max_examples=400)
@given(tensors())
def test_layouts_of_views(tensor):
    agree(tensor)


@settings(max_examples=400)
@given(
    st.integers(0, 5).flatmap(
        lambda rank: st.tuples(
            st.tuples(*[st.sampled_from([0, 1, 2, 3])] * rank),
            st.tuples(*[st.sampled_from([0, 1, 2, 3, 4, 6, 8, 12])] * rank),
        )
    )
)
@example(((2, 1, 1, 1), (1, 1, 1, 1)))
@example(((1, 3, 1, 1), (3, 1, 3, 3)))
@example(((2, 3, 1, 1), (3, 1, 1, 1)))
def test_layouts_of_any_strides(sizes_strides):
    agree(torch.empty_strided(*sizes_strides, device="meta"))


@pytest.mark.parametrize("rank", [4, 5])
def test_layouts_of_every_small_tensor(rank):
    format = torch.channels_last if rank == 4 else torch.channels_last_3d
    for sizes in itertools.product([0, 1, 2], repeat=rank):
        tensor = torch.empty(sizes, device="meta")
        agree(tensor)
        agree(tensor.to(memory_format=format))
