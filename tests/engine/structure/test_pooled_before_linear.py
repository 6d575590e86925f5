"""Whether a weight depends on the image's size, however a model is written.

Each expectation is what a reader of the code says: could this model, with these weights, compute
on another height and width?
"""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archlint

IMAGE = "N 3 H W"
SEQUENCE = "N T 8"


class Model(nn.Module):
    def __init__(self, function, **parts):
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.function(self, x)


def p(*shape):
    return nn.Parameter(torch.zeros(shape))


def buffer(model, name, tensor):
    model.register_buffer(name, tensor)
    return model


class WithCheck(nn.Module):
    """A head whose own code refuses other sizes before the weight would."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3 * 64, 2)

    def forward(self, x):
        if x.shape[-2:] != (8, 8):
            raise ValueError("expected 8x8")
        return self.head(x.flatten(1))


class Resizes(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3 * 64, 2)

    def forward(self, x):
        if x.shape[-2:] != (8, 8):
            x = F.interpolate(x, (8, 8))
        return self.head(x.flatten(1))


class ViT(nn.Module):
    def __init__(self, resize=False):
        super().__init__()
        self.resize = resize
        self.patch = nn.Conv2d(3, 16, 4, 4)
        self.cls = p(1, 1, 16)
        self.pos = p(1, 17, 16)
        self.block = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)

    def forward(self, x):
        x = self.patch(x)
        h, w = x.shape[2:]
        x = torch.cat([self.cls.expand(len(x), -1, -1), x.flatten(2).transpose(1, 2)], 1)
        pos = self.pos
        if self.resize:
            grid = pos[:, 1:].reshape(1, 4, 4, 16).permute(0, 3, 1, 2)
            grid = F.interpolate(grid, (h, w), mode="bicubic").flatten(2).transpose(1, 2)
            pos = torch.cat([pos[:, :1], grid], 1)
        return self.block(x + pos)[:, 0]


TIED = {
    "Linear": Model(lambda s, x: s.f(x.flatten(1)), f=nn.Linear(192, 2)),
    "Linear, input=": Model(lambda s, x: s.f(input=x.flatten(1)), f=nn.Linear(192, 2)),
    "F.linear, weight=": Model(lambda s, x: F.linear(x.flatten(1), weight=s.w), w=p(2, 192)),
    "@": Model(lambda s, x: x.flatten(1) @ s.w, w=p(192, 2)),
    "@ transposed": Model(lambda s, x: x.flatten(1) @ s.w.t(), w=p(2, 192)),
    "matmul, other=": Model(lambda s, x: torch.matmul(x.flatten(1), other=s.w), w=p(192, 2)),
    "mm, mat2=": Model(lambda s, x: x.flatten(1).mm(mat2=s.w), w=p(192, 2)),
    "mm, input=": Model(lambda s, x: torch.mm(input=x.flatten(1), mat2=s.w), w=p(192, 2)),
    "mv": Model(lambda s, x: torch.mv(x.flatten(1), s.w), w=p(192)),
    "addmm": Model(lambda s, x: torch.addmm(s.b, x.flatten(1), s.w), w=p(192, 2), b=p(2)),
    "addmm, mat1=": Model(
        lambda s, x: torch.addmm(s.b, mat1=x.flatten(1), mat2=s.w), w=p(192, 2), b=p(2)
    ),
    "bmm": Model(lambda s, x: torch.bmm(x[:1].flatten(2), s.w), w=p(1, 64, 2)),
    "einsum": Model(lambda s, x: torch.einsum("nchw,ow->ncho", x, s.w), w=p(2, 8)),
    "einsum, one operand each": Model(
        lambda s, x: torch.einsum("nk,ok->no", x.flatten(1), s.w), w=p(2, 192)
    ),
    "tensordot": Model(lambda s, x: torch.tensordot(x, s.w, dims=([3], [0])), w=p(8, 2)),
    "inner": Model(lambda s, x: torch.inner(x.flatten(1), s.w), w=p(2, 192)),
    "bilinear": Model(lambda s, x: s.f(x.flatten(1), x.mean((2, 3))), f=nn.Bilinear(192, 3, 2)),
    "view(N, 192)": Model(lambda s, x: s.f(x.view(x.size(0), 192)), f=nn.Linear(192, 2)),
    "reshape(len(x), -1)": Model(lambda s, x: s.f(x.reshape(len(x), -1)), f=nn.Linear(192, 2)),
    "flatten(2).flatten(1)": Model(lambda s, x: s.f(x.flatten(2).flatten(1)), f=nn.Linear(192, 2)),
    "Linear over tokens": Model(lambda s, x: s.f(x.flatten(2)), f=nn.Linear(64, 2)),
    "LSTM over columns": Model(lambda s, x: s.f(x.mean(1))[0], f=nn.LSTM(8, 4, batch_first=True)),
    "GRU over rows": Model(
        lambda s, x: s.f(x.mean(1).transpose(1, 2))[0], f=nn.GRU(8, 4, batch_first=True)
    ),
    "attention over columns": Model(
        lambda s, x: s.f(*[x.mean(1)] * 3)[0], f=nn.MultiheadAttention(8, 2, batch_first=True)
    ),
    "Conv1d over the flat image": Model(
        lambda s, x: s.f(x.flatten(1)[:, :, None]), f=nn.Conv1d(192, 2, 1)
    ),
    "BatchNorm1d of the flat image": Model(lambda s, x: s.f(x.flatten(1)), f=nn.BatchNorm1d(192)),
    "LayerNorm([8, 8])": nn.LayerNorm([8, 8]),
    "PReLU of rows": Model(lambda s, x: s.f(x.transpose(1, 2)), f=nn.PReLU(8)),
    "positions of a map": Model(lambda s, x: x + s.pos, pos=p(1, 3, 8, 8)),
    "positions as a buffer": buffer(Model(lambda s, x: x + s.pos), "pos", torch.zeros(1, 3, 8, 8)),
    "flat positions": Model(lambda s, x: x.flatten(2) + s.pos.flatten(1), pos=p(3, 8, 8)),
    "gate": Model(lambda s, x: s.f(x.mean((2, 3))) * x.flatten(1), f=nn.Linear(3, 192)),
    "weight_norm": Model(
        lambda s, x: s.f(x.flatten(1)),
        f=nn.utils.parametrizations.weight_norm(nn.Linear(192, 2)),
    ),
    "concatenated weights": Model(
        lambda s, x: x.flatten(1) @ torch.cat([s.a, s.b]), a=p(92, 2), b=p(100, 2)
    ),
    "a check in Python": WithCheck(),
    "flatten of a Sequential": nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(), nn.Linear(256, 2)),
    "unflatten and merge": Model(
        lambda s, x: s.f(x.unflatten(2, (2, 4)).flatten(1)), f=nn.Linear(192, 2)
    ),
    "mean over one axis only": Model(lambda s, x: s.f(x.mean(3).flatten(1)), f=nn.Linear(24, 2)),
    "max over channels": Model(lambda s, x: s.f(x.amax(1).flatten(1)), f=nn.Linear(64, 2)),
    "average pool of a fixed window": Model(
        lambda s, x: s.f(F.avg_pool2d(x, 8).flatten(1)), f=nn.Linear(3, 2)
    ),
    "squeeze behind a pool of 8": Model(
        lambda s, x: s.f(nn.functional.max_pool2d(x, 8).squeeze(-1).squeeze(-1)), f=nn.Linear(3, 2)
    ),
    "half adaptive pool": Model(
        lambda s, x: s.f(F.adaptive_avg_pool2d(x, (1, None)).flatten(1)), f=nn.Linear(24, 2)
    ),
    "linear over columns of a map": Model(lambda s, x: s.f(x.mT), f=nn.Linear(8, 2)),
    "depthwise kernel of the whole map": Model(
        lambda s, x: F.conv2d(x, s.w, groups=3).flatten(1) @ s.v, w=p(3, 1, 8, 8), v=p(3, 2)
    ),
    "attention pool with a table": Model(
        lambda s, x: torch.softmax(x.flatten(2).mT @ s.q + s.bias, 1).mT @ x.flatten(2).mT,
        q=p(3, 1),
        bias=p(64, 1),
    ),
    "ViT": ViT(),
    "written patches, flattened": Model(
        lambda s, x: s.f(x.reshape(x.shape[0], 3, 2, 4, 2, 4).flatten(1)), f=nn.Linear(192, 2)
    ),
    "mixer of a written number of tokens": Model(
        lambda s, x: s.g(s.f(x.reshape(x.shape[0], 4, 48)).mT),
        f=nn.Linear(48, 48),
        g=nn.Linear(4, 4),
    ),
    "positions of a written number of tokens": Model(
        lambda s, x: s.f(x.reshape(x.shape[0], 4, 48)) + s.pos, f=nn.Linear(48, 8), pos=p(1, 4, 8)
    ),
    "unflattened twice": Model(
        lambda s, x: s.f(x.unflatten(2, (2, 4)).unflatten(4, (2, 4)).flatten(1)),
        f=nn.Linear(192, 2),
    ),
    "a grid of a fixed number of patches": Model(
        lambda s, x: s.f(
            x.reshape(x.shape[0], 3, 2, x.shape[2] // 2, 2, x.shape[3] // 2)
            .permute(0, 2, 4, 1, 3, 5)
            .flatten(3)
        ),
        f=nn.Linear(48, 2),
    ),
    "rows, concatenated": Model(lambda s, x: s.f(torch.cat(x.unbind(2), 1)), f=nn.Linear(8, 2)),
    "rows, concatenated and averaged": Model(
        lambda s, x: s.f(torch.cat(x.unbind(2), 1).mean(2)), f=nn.Linear(24, 2)
    ),
    "rows of a comprehension": Model(
        lambda s, x: s.f(torch.cat([row.mean(2) for row in x.unbind(2)], 1)), f=nn.Linear(24, 2)
    ),
    "a constant beside the flat image": Model(
        lambda s, x: s.f(x.flatten(2) * torch.linspace(0, 1, 64)), f=nn.Linear(64, 2)
    ),
}

FREE = {
    "conv": nn.Conv2d(3, 8, 3),
    "mean": Model(lambda s, x: s.f(x.mean((2, 3))), f=nn.Linear(3, 2)),
    "mean, other=": Model(lambda s, x: torch.matmul(x.mean((2, 3)), other=s.w), w=p(3, 2)),
    "einsum over channels": Model(lambda s, x: torch.einsum("nchw,oc->nohw", x, s.w), w=p(2, 3)),
    "tensordot over channels": Model(
        lambda s, x: torch.tensordot(x, s.w, dims=([1], [0])), w=p(3, 2)
    ),
    "adaptive pool": Model(
        lambda s, x: s.f(F.adaptive_avg_pool2d(x, 8).flatten(1)), f=nn.Linear(192, 2)
    ),
    "resized by Python": Resizes(),
    "LSTM over positions": Model(
        lambda s, x: s.f(x.flatten(2).transpose(1, 2))[0], f=nn.LSTM(3, 4, batch_first=True)
    ),
    "attention over positions": Model(
        lambda s, x: s.f(*[x.flatten(2).transpose(1, 2)] * 3)[0],
        f=nn.MultiheadAttention(3, 1, batch_first=True),
    ),
    "BatchNorm2d": nn.BatchNorm2d(3),
    "flatten behind a pool": nn.Sequential(
        nn.Conv2d(3, 4, 1), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    ),
    "mean twice": Model(lambda s, x: s.f(x.mean(3).mean(2)), f=nn.Linear(3, 2)),
    "mean over dim, keepdim": Model(
        lambda s, x: s.f(torch.mean(x, dim=[2, 3], keepdim=True).squeeze(3).squeeze(2)),
        f=nn.Linear(3, 2),
    ),
    "amax": Model(lambda s, x: s.f(x.amax(dim=(-2, -1))), f=nn.Linear(3, 2)),
    "max of flat maps": Model(lambda s, x: s.f(x.flatten(2).max(-1).values), f=nn.Linear(3, 2)),
    "window of the whole map": Model(
        lambda s, x: s.f(F.avg_pool2d(x, x.shape[2:]).flatten(1)), f=nn.Linear(3, 2)
    ),
    "window by size()": Model(
        lambda s, x: s.f(F.max_pool2d(x, kernel_size=x.size()[2:]).view(x.size(0), -1)),
        f=nn.Linear(3, 2),
    ),
    "reshape and mean": Model(
        lambda s, x: s.f(x.reshape(len(x), 3, -1).mean(2)), f=nn.Linear(3, 2)
    ),
    "sum by einsum": Model(lambda s, x: s.f(torch.einsum("nchw->nc", x)), f=nn.Linear(3, 2)),
    "linear on channels last": Model(
        lambda s, x: s.f(x.permute(0, 2, 3, 1)).mean((1, 2)), f=nn.Linear(3, 2)
    ),
    "conv as a head": Model(
        lambda s, x: F.adaptive_avg_pool2d(s.f(x), 1).flatten(1), f=nn.Conv2d(3, 2, 1)
    ),
    "pooled attention": Model(
        lambda s, x: torch.softmax(x.flatten(2).mT @ s.q, 1).mT @ x.flatten(2).mT @ s.v,
        q=p(3, 1),
        v=p(3, 2),
    ),
    "generalised mean": Model(
        lambda s, x: s.f(F.adaptive_avg_pool2d(x.clamp(1e-6).pow(s.p), 1).pow(1 / s.p).flatten(1)),
        p=p(1),
        f=nn.Linear(3, 2),
    ),
    "pyramid of pools": Model(
        lambda s, x: s.f(torch.cat([F.adaptive_max_pool2d(x, k).flatten(1) for k in (1, 2)], 1)),
        f=nn.Linear(15, 2),
    ),
    "mean and max": Model(
        lambda s, x: s.f(torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)), f=nn.Linear(6, 2)
    ),
    "norm of a map": Model(lambda s, x: s.f(x.flatten(2).norm(dim=2)), f=nn.Linear(3, 2)),
    "LayerNorm of channels": Model(lambda s, x: s.f(x.permute(0, 2, 3, 1)), f=nn.LayerNorm(3)),
    "channel scale": Model(lambda s, x: x * s.w, w=p(1, 3, 1, 1)),
    "attention without weights": Model(lambda s, x: x @ x.transpose(2, 3)),
    "interpolated positions": ViT(resize=True),
    "written patches": Model(
        lambda s, x: s.f(
            x.reshape(x.shape[0], 3, 2, 4, 2, 4)
            .permute(0, 2, 4, 1, 3, 5)
            .reshape(x.shape[0], 4, 48)
        ),
        f=nn.Linear(48, 2),
    ),
    "patches by size": Model(
        lambda s, x: s.f(
            x.reshape(x.shape[0], 3, x.shape[2] // 4, 4, x.shape[3] // 4, 4)
            .permute(0, 2, 4, 1, 3, 5)
            .flatten(3)
        ),
        f=nn.Linear(48, 2),
    ),
    "a written number of tokens": Model(
        lambda s, x: s.f(x.reshape(x.shape[0], 4, 48)), f=nn.Linear(48, 2)
    ),
    "sum of rows in a comprehension": Model(
        lambda s, x: s.f(sum([x[:, :, i].mean(2) for i in range(x.shape[2])])), f=nn.Linear(3, 2)
    ),
    "written tokens, channels last": Model(
        lambda s, x: s.f(x.permute(0, 2, 3, 1).reshape(x.shape[0], 4, 16, 3)), f=nn.Linear(3, 2)
    ),
}


@pytest.mark.parametrize("name", TIED)
def test_a_weight_depends_on_the_image(name):
    verdict = archlint.check(
        TIED[name].eval(), IMAGE, structure={"pooled_before_linear": True}, samples=0
    )
    assert verdict.word == "broken", verdict.message
    assert "would have to be" in str(verdict.details), verdict.details


@pytest.mark.parametrize("name", FREE)
def test_no_weight_depends_on_the_image(name):
    verdict = archlint.check(
        FREE[name].eval(), IMAGE, structure={"pooled_before_linear": True}, samples=0
    )
    assert verdict.word in ("proved", "tested"), verdict.message
    assert verdict.message == ""


@pytest.mark.parametrize(
    "model",
    [
        Model(lambda s, x: x + s.pos[:, : x.shape[1]], pos=p(1, 16, 8)),
        Model(lambda s, x: x + s.e(torch.arange(x.shape[1])), e=nn.Embedding(16, 8)),
        Model(lambda s, x: s.f(x)[0], f=nn.LSTM(8, 4)),
    ],
    ids=["slice", "embedding", "batch as time"],
)
def test_a_table_that_is_long_enough_need_not_change(model):
    verdict = archlint.check(
        model.eval(),
        SEQUENCE,
        accepts="any T in 1..16",
        structure={"pooled_before_linear": True},
        samples=0,
    )
    assert verdict.word == "proved", verdict.message
