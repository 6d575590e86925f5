"""What recurrent layers, losses and products of stretched views keep, against real runs."""

import statistics

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archlint
from tests.engine.cost.test_saved import ratios

WIDTH = 8
POINTS = [{"N": n, "T": t} for n, t in ((2, 5), (1, 1), (3, 20))]
SETTINGS = ((6, 1, False, True), (9, 2, True, False), (6, 3, False, True))
LAYERS = [
    kind(WIDTH, hidden, layers, bidirectional=both, bias=bias, **more)
    for hidden, layers, both, bias in SETTINGS
    for kind, more in (
        (nn.LSTM, {}), (nn.GRU, {}), (nn.RNN, {}), (nn.RNN, {"nonlinearity": "relu"}),
        (nn.LSTM, {"proj_size": 4}),
    )
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_recurrent_layers(layer):
    found = ratios(layer, f"T N {WIDTH}", POINTS)
    assert max(found) <= 1
    fused = isinstance(layer, nn.LSTM) and not layer.proj_size  # whose kernel pads on the CPU
    assert fused or min(found) >= 0.25
    assert not fused or found[-1] > 0.02


def test_recurrent_layers_in_another_dtype():
    layer = nn.GRU(WIDTH, 6)
    half = archlint.cost(layer, f"T N {WIDTH}", optimizer="sgd", dtype="bfloat16").activations
    whole = archlint.cost(layer, f"T N {WIDTH}", optimizer="sgd").activations
    assert half.at(POINTS[0]) * 2 == whole.at(POINTS[0])


class Last(nn.Module):
    """A function of what a layer computes, and of the input."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.lift = nn.Linear(WIDTH, WIDTH)

    def forward(self, x):
        return self.function(self.lift(x), x)


def one_row(y):
    return y.mean(1, keepdim=True)


LOSSES = [
    *(
        lambda y, x, f=f, r=r: f(y, x, reduction=r)
        for f in (F.mse_loss, F.smooth_l1_loss, F.huber_loss)
        for r in ("mean", "none")
    ),
    lambda y, x: F.mse_loss(x, y) + F.mse_loss(y, y.detach()),
    lambda y, x: F.binary_cross_entropy(y.sigmoid(), x.sigmoid()),
    lambda y, x: F.binary_cross_entropy_with_logits(y, x),
    lambda y, x: F.cross_entropy(y.mT, x.argmax(-1)),
    lambda y, x: F.cross_entropy(y.flatten(0, 1), x.argmax(-1).flatten(), reduction="none"),
    lambda y, x: F.cross_entropy(y.mT, x.mT.softmax(1), label_smoothing=0.1),
]
STRETCHED = [
    lambda y, x: one_row(y).expand(-1, x.shape[1], -1) @ y.mT,
    lambda y, x: F.linear(one_row(y).expand_as(x), x[0]),
    lambda y, x: torch.einsum("ntc,nsc->nts", one_row(y).expand_as(x), y),
    lambda y, x: torch.broadcast_to(y[:, :1], x.shape) * y,
    lambda y, x: torch.stack(torch.meshgrid(y[0, 0], y[0, 0], indexing="ij")).prod(0),
    lambda y, x: y.unfold(2, 4, 1) @ x[0, :1, :4].mT,
    lambda y, x: F.mse_loss(y, y[:, :1].expand_as(y)),
]
PRODUCTS = [
    lambda y, x: torch.tensordot(y, y.permute(1, 0, 2), dims=([0, 2], [1, 2])),
    lambda y, x: torch.tensordot(y, x[0], dims=([2], [1])),
    lambda y, x: torch.outer(y.flatten(), x.flatten()),
    lambda y, x: torch.mv(y[0].mT, x[0, :, 0]) + torch.dot(y[0, 0], x[0, 0]),
]


@pytest.mark.parametrize("function", [*LOSSES, *STRETCHED, *PRODUCTS])
def test_never_above_what_a_kernel_keeps(function):
    found = ratios(Last(function), f"N T {WIDTH}", POINTS)
    assert max(found) <= 1
    assert statistics.median(found) >= 0.45
