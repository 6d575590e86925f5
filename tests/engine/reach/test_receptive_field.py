"""Receptive fields, against which outputs become NaN, and against gradients of real runs."""

import random
from fractions import Fraction

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archlint
from archlint.engine.reach.receptive_field import EVERYTHING, receptive_fields
from tests.engine.cost.test_flops import every_size


def fields(model, input):
    """The fields of the outputs on the path that most sizes take, and that path."""
    _, exploration = every_size(model.eval(), input)
    path = exploration.accepting[-1]
    return [each for _, each in receptive_fields(path.trace)]


def depends(model, length, rest=()):
    """For each position along the axis of the output: the first and last input that it needs.

    One run: of each image of the batch another position is NaN, as is all that depends on it.
    """
    x = torch.rand(length, 3, length, *rest, dtype=torch.float64)
    x[torch.arange(length), :, torch.arange(length)] = float("nan")
    with torch.no_grad():
        out = model.eval().double()(x)
    touched = out.isnan().flatten(3).any(-1).any(1) if out.ndim > 3 else out.isnan().any(1)
    result = []
    for column in touched.T:
        found = column.nonzero().flatten().tolist()
        result.append((found[0], found[-1]) if found else None)
    return result


def agrees(model, length=96, rest=(), input="N 3 T"):
    (((field, *_),)) = fields(model, input)
    found = depends(model, length, rest)
    inner = 0
    for position in range(len(found) // 3, 2 * len(found) // 3 + 1):  # far from the borders
        ends = field.window.of(position)
        if ends is None or (ends[0] >= 0 and ends[1] < length):
            assert found[position] == ends, (position, model)
            inner += 1
    assert inner >= 3, (field, len(found))
    return field


def drawn(seed):
    """A chain of layers that slide, spread, resize, pad and skip."""
    draw = random.Random(seed)
    layers, channels = [], 3
    for _ in range(draw.randint(1, 4)):
        k, d = draw.randint(1, 4), draw.choice((1, 1, 2, 3))
        kind = draw.choice(("conv", "conv", "spread", "max", "avg", "pad", "up", "skip", "cut"))
        if kind == "conv":
            s, p = draw.randint(1, 3), draw.randint(0, 2)
            layers.append(nn.Conv1d(channels, 4, k, s, p, d))
            channels = 4
        elif kind == "spread":
            s = draw.randint(1, 3)
            layers.append(nn.ConvTranspose1d(channels, 2, k, s, draw.randint(0, 1), 0, 1, True, d))
            channels = 2
        elif kind == "max":
            layers.append(nn.MaxPool1d(k + 1, draw.randint(1, 3), draw.randint(0, 1), d))
        elif kind == "avg":
            layers.append(nn.AvgPool1d(k + 1, draw.randint(1, 3), draw.randint(0, 1)))
        elif kind == "pad":
            layers.append(nn.ConstantPad1d((draw.randint(0, 2), draw.randint(0, 2)), 0.0))
        elif kind == "up":
            mode = draw.choice(("nearest", "linear"))
            by = 2 if mode == "linear" else draw.randint(2, 3)  # by 3, some weights are 0
            layers.append(nn.Upsample(scale_factor=by, mode=mode))
        elif kind == "skip":
            layers.append(Skip(channels, k))
        else:
            layers.append(Cut(draw.randint(0, 3), draw.randint(1, 2)))
        if draw.random() < 0.5:
            layers.append(draw.choice((nn.BatchNorm1d(channels), nn.GELU(), nn.Hardtanh())))
    return nn.Sequential(*layers)


class Skip(nn.Module):
    def __init__(self, channels, k):
        super().__init__()
        self.inner = nn.Conv1d(channels, channels, 2 * k + 1, padding=k)

    def forward(self, x):
        return torch.cat([x + self.inner(x), x], 1)[:, : x.shape[1]]


class Cut(nn.Module):
    def __init__(self, start, step):
        super().__init__()
        self.start, self.step = start, step

    def forward(self, x):
        return x[..., self.start :: self.step]


@pytest.mark.parametrize("seed", range(24))
def test_drawn_nets(seed):
    model = drawn(seed)
    with torch.no_grad():
        if model.eval()(torch.rand(1, 3, 160)).shape[-1] < 8:
            pytest.skip("too few positions are far from the borders")
    (((field,),)) = fields(model, "N 3 T")
    if field.size > 40:
        pytest.skip("too wide to be far from the borders")
    agrees(model, 160)


@pytest.mark.parametrize("seed", range(100, 106))
def test_gradients_say_the_same(seed):
    draw = random.Random(seed)
    layers = []
    for i in range(3):
        layers.append(nn.Conv2d(3 if i == 0 else 4, 4, draw.randint(1, 4), draw.randint(1, 2),
                                draw.randint(0, 2), draw.randint(1, 2)))  # fmt: skip
    model = nn.Sequential(*layers, nn.AvgPool2d(2))
    for parameter in model.parameters():
        parameter.data.abs_().add_(0.1)
    (((rows, columns),)) = fields(model, "N 3 H W")
    x = torch.rand(1, 3, 90, 80, dtype=torch.float64, requires_grad=True)
    out = model.double()(x)
    at = (out.shape[2] // 2, out.shape[3] // 2)
    out[0, :, at[0], at[1]].sum().backward()
    touched = x.grad[0].abs().sum(0).nonzero()
    for axis, field in enumerate((rows, columns)):
        found = touched[:, axis]
        assert (found.min().item(), found.max().item()) == field.window.of(at[axis])
        assert field.size == found.max().item() - found.min().item() + 1


class Segmenter(nn.Module):
    """Down and up again, with a skip; tokens and back on the way."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, 2, 1)
        self.norm = nn.LayerNorm(8)
        self.mlp = nn.Linear(8, 8)
        self.up = nn.ConvTranspose2d(8, 8, 2, 2)

    def forward(self, x):
        y = self.down(x)
        n, c, h, w = y.shape
        tokens = self.mlp(self.norm(y.flatten(2).transpose(1, 2)))
        y = y + tokens.transpose(1, 2).reshape(n, c, h, w)
        return self.up(F.relu(y, inplace=True))[..., : x.shape[2], : x.shape[3]]


def test_tokens_and_back():
    field = agrees(Segmenter(), 64, (16,), "N 3 H W")
    assert (field.size, field.stride, field.first_centre) == (3, 1, 0)


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        return self.attend(tokens, tokens, tokens, need_weights=False)[0]


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)),
        nn.Sequential(nn.Conv2d(3, 4, 3), nn.InstanceNorm2d(4), nn.Conv2d(4, 2, 1)),
        nn.Sequential(nn.Conv2d(3, 4, 1), nn.GroupNorm(2, 4)),
        Attends(),
    ],
    ids=["pooled", "instance norm", "group norm", "attention"],
)
def test_everything(model):
    (found,) = fields(model, "N 3 H W")
    assert [f.size for f in found] == [EVERYTHING, EVERYTHING]
    assert [(f.stride, f.first_centre) for f in found] == [(None, None)] * 2


def test_what_is_not_known():
    class Rolled(nn.Module):
        def forward(self, x):
            return torch.roll(x, 1, -1)

    (found,) = fields(Rolled(), "N 3 H W")
    assert [(f.size, f.unknown) for f in found] == [(None, "roll in the model")] * 2


def test_half_positions_apart():
    (((field, _),)) = fields(nn.Upsample(scale_factor=2, mode="bilinear"), "N 3 H W")
    assert (field.size, field.stride) == (2, Fraction(1, 2))


CONV = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ReLU(), nn.Conv2d(4, 4, 3, padding=1))


@pytest.mark.parametrize(
    ("model", "value", "word"),
    [
        (CONV, "== 7", "proved"),
        (CONV, ">= 8", "broken"),
        (CONV, "< 7", "broken"),
        (nn.Sequential(CONV, nn.AdaptiveAvgPool2d(1)), ">= 1000", "proved"),
        (nn.Sequential(CONV, nn.AdaptiveAvgPool2d(1)), "<= 16", "broken"),
        (CONV, "7", "error"),
        (nn.Sequential(CONV, nn.PixelShuffle(2)), "<= 7", "proved"),
    ],
)
def test_as_a_contract(model, value, word):
    verdict = archlint.check(model, "N 3 H W", structure={"receptive_field": value}, samples=0)
    assert verdict.word == word, verdict
    if "AdaptiveAvgPool2d" in repr(model) and word == "broken":
        assert verdict.counterexample == {"N": 1, "H": 17, "W": 1}
        assert "depends on the whole input along H" in verdict.message


class Of(nn.Module):
    def __init__(self, function, *layers):
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, *inputs):
        return self.function(*inputs, *self.layers)


def narrow():
    return nn.Conv1d(3, 4, 1)


def wide():
    return nn.Conv1d(3, 4, 5, padding=2)


def written(change):
    """What ``change`` writes to a narrow field depends on a wide one."""

    def forward(x, one, five):
        h = one(x)
        change(h, five(x))
        return h

    return Of(forward, narrow(), wide())


def shifted(x):
    y = torch.zeros_like(x)
    y[..., 1:].copy_(x[..., :-1])
    return y + x


def transposed_write(h, y):
    h.transpose(1, 2)[...] = y.transpose(1, 2)


def returned_view(x, one, five):
    h = one(x)
    r = h[:]
    h += five(x)
    return r


TOO_SMALL = {
    "view": written(lambda h, y: h.view(-1).add_(y.view(-1))),
    "subscript": written(lambda h, y: h[:, 0].add_(y[:, 0])),
    "pieces": written(lambda h, y: h.split(2, 1)[0].add_(y[:, :2])),
    "unbind": written(lambda h, y: h.unbind(1)[0].add_(y[:, 0])),
    "transpose": written(transposed_write),
    "data": written(lambda h, y: h.data.add_(y)),
    "detach": written(lambda h, y: h.detach().add_(y)),
    "out": written(lambda h, y: torch.add(h, y, out=h.view(h.shape))),
    "written base": Of(returned_view, narrow(), wide()),
    "shifted": Of(shifted),
    "whole std": Of(lambda x: x.std(False)),
    "whole sum": Of(lambda x: x.sum(dim=())),
    "minus first": Of(lambda x: x - x[..., :1]),
    "times first": Of(lambda x: x[..., 0:1] * x),
    "expanded": Of(lambda x: x[..., :1].expand(-1, -1, x.shape[2])),
}


@pytest.mark.filterwarnings("ignore:.*(resized|dim=None|sum)")
@pytest.mark.parametrize("name", TOO_SMALL)
def test_a_field_is_never_claimed_to_be_smaller_than_it_is(name):
    verdict = archlint.check(
        TOO_SMALL[name], "N 3 T", structure={"receptive_field": "<= 1"}, samples=0
    )
    assert verdict.word in ("broken", "error"), verdict


class Groups(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(72, 24, 1, groups=24)

    def forward(self, x):
        return self.conv(x.flatten(1, 2))


TOO_LARGE = {
    "crop": (Of(lambda x: x[..., :4].mean(-1)), "N 3 T"),
    "image crop": (Of(lambda x: x[..., :32, :32].mean((2, 3))), "N 3 H W"),
    "half": (Of(lambda x: x[..., : x.shape[2] // 2].mean(-1)), "N 3 T"),
    "negative pad": (Of(lambda x: F.pad(x, (0, -9)).mean(-1)), "N 3 T"),
    "pool beside time": (nn.MaxPool1d(2), "N T 80"),
    "average beside time": (nn.AvgPool1d(2), "N T 80"),
    "pooled tokens": (Of(lambda x: F.avg_pool1d(x.flatten(2).mT, 2)), "N 4 H W"),
    "first of cumsum": (Of(lambda x: x.cumsum(-1)[..., 0]), "N 3 T"),
    "first of causal": (
        Of(lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True)[:, 0]), "N T 8"
    ),
    "folded groups": (Groups(), "N 24 3 H W"),
}  # fmt: skip


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_field_is_never_claimed_to_be_larger_than_it_is(name):
    model, input = TOO_LARGE[name]
    verdict = archlint.check(model, input, structure={"receptive_field": ">= 224"}, samples=0)
    assert verdict.word in ("broken", "error"), verdict


def test_inputs_of_every_dtype_are_followed():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.five = narrow(), wide()

        def forward(self, x, mask):
            return self.one(x) + self.five(mask.float())

    both = Both()
    input = {"x": "N 3 T", "mask": {"shape": "N 3 T", "dtype": "uint8"}}
    for value, word in (("<= 1", "broken"), ("== 5", "proved")):
        verdict = archlint.check(both, input, structure={"receptive_field": value}, samples=0)
        assert verdict.word == word, verdict


def test_two_dimensions_of_one_size_are_two_axes():
    (each,) = fields(nn.Conv2d(3, 4, (7, 1)), "N 3 S S")
    assert [(f.axis, f.size) for f in each] == [("S", 7), ("S (dimension 3)", 1)]


def test_merged_positions_have_no_stride():
    def shuffled(x):
        n, c, h, w = x.shape
        return x.view(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, -1, 2 * h, 2 * w)

    (each,) = fields(Of(shuffled), "N 8 H W")
    assert all(f.stride is None and f.size is None for f in each)


def test_area_is_adaptive_pooling():
    (each,) = fields(Of(lambda x: F.interpolate(x, scale_factor=0.5, mode="area")), "N 3 T")
    assert each[0].size is None
