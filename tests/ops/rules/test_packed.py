"""Sequences of several lengths, against the real operators and as whole models."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import (
    invert_permutation,
    pack_padded_sequence,
    pad_packed_sequence,
    pad_sequence,
)

import archlint
from archlint.ops.registry import ElementFacts, TensorSpec
from archlint.ops.rules import packed
from tests.ops.oracle import T, agree, covers
from tests.ops.rules.test_view import few, sizes

shapes = st.sampled_from([("a",), ("b",), ("a", "c"), ("b", "c"), ("b", 1), (2, "c", 3), ()])


@covers(torch._C._nn.pad_sequence)
@few
@given(sizes, sizes, st.lists(shapes, max_size=3), st.booleans())
def test_pad_sequence(env, other, dims, batch_first):
    sequences = [T(*d) for d in dims]
    lacks = len({len(d) for d in dims}) > 1 or () in dims
    args = (sequences, batch_first)
    agree(torch._C._nn.pad_sequence, *args, env=env, other=other, may_lack_rule=lacks)


@covers(torch._pack_padded_sequence)
@few
@given(
    env=sizes,
    other=sizes,
    x=st.sampled_from([("a", "b", "c"), ("a", "b"), ("a", 2, "c", 2), ("a",)]),
    count=st.sampled_from([("a",), ("b",), (2,), ("b", 1)]),
    number=st.sampled_from([1, 2, 0]),
    batch_first=st.booleans(),
)
def test_pack(env, other, x, count, number, batch_first):
    lengths = T(*count, dtype=torch.int64, fill=number, values=(number, number))
    agree(torch._pack_padded_sequence, T(*x), lengths, batch_first, env=env, other=other)


@covers(torch._pad_packed_sequence)
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("total", [2, 3, 5])
@pytest.mark.parametrize("rest", [(), (4,), (2, 4)])
def test_pad_packed(batch_first, total, rest):
    batch_sizes = torch.tensor([4, 2, 2])
    real = torch._pad_packed_sequence
    spec = TensorSpec((3,), torch.int64)
    spec.elements = ElementFacts(first=4)
    from tests.ops.oracle import HintPath

    path = HintPath({})
    call = TensorSpec((8, *rest)), spec, batch_first, 0.0, total
    if total < 3:
        with pytest.raises(RuntimeError):
            real(torch.ones(8, *rest), batch_sizes, batch_first, 0.0, total)
        with pytest.raises(RuntimeError):
            packed.pad_packed_sequence(path, *call)
        return
    want, lengths = real(torch.ones(8, *rest), batch_sizes, batch_first, 0.0, total)
    got, number = packed.pad_packed_sequence(path, *call)
    assert got.dims == tuple(want.shape)
    assert got.strides is None or got.strides == want.stride()
    assert number.dims == tuple(lengths.shape)


@covers(torch._nested_tensor_from_mask_left_aligned)
@few
@given(
    env=sizes,
    other=sizes,
    x=st.sampled_from([("a", "b", "c"), ("a", "b", 1), ("a", "b")]),
    mask=st.sampled_from([("a", "b"), ("a", "c"), ("a",), (1, "b")]),
    dtype=st.sampled_from([torch.bool, torch.bool, torch.float32]),
)
def test_nested_mask(env, other, x, mask, dtype):
    def not_aligned(tensor, mask):
        return torch._nested_tensor_from_mask_left_aligned(tensor, mask) and False

    def empty(env):
        return 0 in (env["a"], env["b"], env["c"])

    if empty(env) or empty(other):
        return  # PyTorch reads beyond the mask
    from archlint.ops.registry import RULES

    RULES[not_aligned] = RULES[torch._nested_tensor_from_mask_left_aligned]
    try:
        agree(not_aligned, T(*x), T(*mask, dtype=dtype), env=env, other=other)
    finally:
        del RULES[not_aligned]


class Packed(nn.Module):
    def __init__(self, layer, lengths, **settings):
        super().__init__()
        self.layer, self.lengths, self.settings = layer, lengths, settings

    def forward(self, x):
        rows = pack_padded_sequence(x, self.lengths(x), batch_first=True, **self.settings)
        out, hidden = self.layer(rows)
        padded, _lengths = pad_packed_sequence(out, batch_first=True)
        return padded, hidden


def every(x):
    return torch.full((x.shape[0],), x.shape[1])


LAYERS = {
    "lstm": lambda: nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True),
    "gru": lambda: nn.GRU(3, 4, batch_first=True),
    "rnn": lambda: nn.RNN(3, 4, batch_first=True),
}


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("sorted_", [True, False])
def test_recurrent_layers_of_packed_sequences(name, sorted_):
    model = Packed(LAYERS[name](), every, enforce_sorted=sorted_)
    found = archlint.infer(model, "N T 3")
    assert found.exact, found
    assert found.text == "any size"
    want, _ = model(torch.ones(2, 5, 3))
    assert found.output(N=2, T=5)[0] == tuple(want.shape)
    assert archlint.infer(model, "N T 2").text == "no size"


def test_known_lengths():
    model = Packed(nn.GRU(3, 4, batch_first=True), lambda x: [5, 3, 2])
    found = archlint.infer(model, "N T 3")
    assert found.exact, found
    assert found.text == "N == 3 and T >= 5"
    rising = Packed(nn.GRU(3, 4, batch_first=True), lambda x: [2, 3, 5])
    assert archlint.infer(rising, "N T 3").text == "no size"


class Lengths(nn.Module):
    def __init__(self, enforce_sorted):
        super().__init__()
        self.layer, self.enforce_sorted = nn.GRU(3, 4, batch_first=True), enforce_sorted

    def forward(self, x):
        lengths = x.argmax(1)[:, 0] + 1
        settings = {"batch_first": True, "enforce_sorted": self.enforce_sorted}
        out = self.layer(pack_padded_sequence(x, lengths, **settings))[0]
        return pad_packed_sequence(out, batch_first=True, total_length=x.shape[1])[0]


def test_lengths_that_values_decide():
    found = archlint.infer(Lengths(enforce_sorted=False), "N T 3")
    assert found.exact, found
    assert found.output(N=2, T=7) == (2, 7, 4)
    unsorted = archlint.infer(Lengths(enforce_sorted=True), "N T 3")
    assert not unsorted.exact
    assert "in decreasing order" in str(unsorted.reasons)


class Padded(nn.Module):
    def forward(self, x):
        return pad_sequence([x[0], x[0, 2:]], batch_first=True)


def test_padded_to_the_longest():
    found = archlint.infer(Padded(), "N T")
    assert found.exact, found
    assert found.output(N=3, T=9) == (2, 9)


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)

    def forward(self, x, mask):
        return self.encoder(x, src_key_padding_mask=mask if mask.dtype is torch.bool else mask == 0)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("mask", [{"dtype": "bool"}, {"dtype": "int64", "below": 3}])
def test_transformer_encoder_refuses_a_batch_of_padding(mask):
    model = Masked().eval()
    with torch.no_grad(), pytest.raises(RuntimeError, match="to_padded_tensor"):
        model(torch.ones(2, 3, 8), torch.ones(2, 3, dtype=torch.bool))
    input = {"x": "N T 8", "mask": {"shape": "N T", **mask}}
    found = archlint.infer(model, input)
    assert "all steps are padding" in str(found.reasons)
    assert not found.exact
    for samples in (0, None):
        verdict = archlint.check(model, input, accepts="any size", samples=samples)
        assert "all steps are padding" in str(verdict)
        assert "disagree" not in str(verdict)
        assert verdict.word != "proved"


def test_an_inverted_permutation_is_in_range():
    order = TensorSpec((5,), torch.int64, values=(0, 4))
    assert packed.invert_permutation(None, order).values == (0, 4)
    assert packed.invert_permutation(None, None) is None is invert_permutation(None)
