"""Where the weights are that a traced model lacks, in many ways to ask."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archlint


class AsksWhere(nn.Module):
    """Its path depends on where a weight is, large or small."""

    def __init__(self, size, ask):
        super().__init__()
        self.norm, self.ask = nn.BatchNorm2d(size), ask
        self.register_buffer("table", torch.zeros(size))

    def forward(self, x):
        tensors = self.norm.weight, self.norm.running_mean, self.table
        if all(map(self.ask, tensors)):
            return x.mean((2, 3))
        return x[:, :, 6:].flatten(1)


OF_A_WEIGHT = {
    "itself": lambda w: w,
    "detached": lambda w: w.detach(),
    "data": lambda w: w.data,
    "view": lambda w: w[:2],
    "computed": lambda w: w * 2,
    "new": lambda w: w.new_zeros(2),
    "like": lambda w: torch.zeros_like(w),
    "moved": lambda w: torch.zeros(2).to(w),
    "made there": lambda w: torch.zeros(2, device=w.device),
    "named": lambda w: torch.zeros(2, device=str(w.device)),
}
WHERE = {
    "is_cpu": lambda w: w.is_cpu,
    "is_meta": lambda w: not w.is_meta,
    "device": lambda w: w.device == torch.device("cpu"),
    "key": lambda w: w.device in {torch.device("cpu"): 1},
    "get_device": lambda w: w.get_device() == -1,
    "type": lambda w: w.type() == "torch.FloatTensor",
    "text": lambda w: "meta" not in repr(w),
    "storage": lambda w: w.untyped_storage().device.type == "cpu",
    "address": lambda w: w.data_ptr() != 0,
    "numpy": lambda w: w.detach().numpy().ndim == 1,
}


@pytest.mark.parametrize("size", [4, 2048])
@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("of", OF_A_WEIGHT)
def test_a_weight_that_was_left_out_is_on_the_cpu(size, where, of):
    model = AsksWhere(size, lambda w: WHERE[where](OF_A_WEIGHT[of](w)))
    assert model(torch.ones(1, 3, 2, 2)).shape == (1, 3)
    verdict = archlint.check(
        model, input="N 3 H W", accepts="any N, H, W >= 1", output="N 3", samples=0
    )
    assert verdict.word == "proved", str(verdict)
    assert model.norm.weight.is_cpu


class OnMeta(nn.Module):
    """Makes a tensor that really is on the meta device."""

    def __init__(self, make):
        super().__init__()
        self.norm, self.make = nn.BatchNorm2d(2048), make

    def forward(self, x):
        if self.make(self.norm.weight).is_meta:
            return x.mean((2, 3))
        return x[:, :, 6:].flatten(1)


@pytest.mark.parametrize(
    "make",
    [
        lambda w: torch.zeros(3, device="meta"),
        lambda w: torch.zeros(3, device=torch.device("meta")),
        lambda w: w.to("meta"),
        lambda w: w.to(device="meta"),
        lambda w: torch.zeros_like(w, device="meta"),
    ],
)
def test_a_tensor_that_the_code_makes_on_the_meta_device_is_there(make):
    model = OnMeta(make)
    assert model(torch.ones(1, 3, 2, 2)).shape == (1, 3)
    verdict = archlint.check(
        model, input="N 3 H W", accepts="any N, H, W >= 1", output="N 3", samples=0
    )
    assert verdict.word == "proved", str(verdict)
