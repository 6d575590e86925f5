"""Which path attention takes, by whether its output can be viewed, as PyTorch runs it."""

import contextlib

import pytest
import torch
from torch import nn

import archlint


class Viewed(nn.Module):
    """Views the output of attention, which only a contiguous one allows at every size."""

    def __init__(self, heads=2, grad=False, mask=None, **settings):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, heads, **{"batch_first": True, **settings})
        self.grad, self.mask = grad, mask

    def forward(self, x):
        mask = None if self.mask is None else torch.zeros(x.shape[1], x.shape[1], dtype=self.mask)
        with torch.enable_grad() if self.grad else contextlib.nullcontext():
            y, _ = self.attention(x, x, value=x, attn_mask=mask)
        return y.view(x.shape[0] * x.shape[1], -1)


MODELS = {
    "fast": lambda: Viewed().eval(),
    "training": lambda: Viewed().train(),
    "odd heads": lambda: Viewed(heads=1).eval(),
    "grad": lambda: Viewed(grad=True).eval(),
    "frozen, grad": lambda: Viewed(grad=True).eval().requires_grad_(False),
    "batch second": lambda: Viewed(batch_first=False).eval(),
    "added zeros": lambda: Viewed(add_zero_attn=True).eval(),
    "key bias": lambda: Viewed(add_bias_kv=True).eval(),
    "other sizes of keys": lambda: Viewed(kdim=8, vdim=8).eval(),
    "no bias": lambda: Viewed(bias=False).eval(),
    "mask of truths": lambda: Viewed(mask=torch.bool).eval(),
    "mask of numbers": lambda: Viewed(mask=torch.float).eval(),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_set_is_that_of_the_path_that_is_taken(name):
    model = MODELS[name]()
    mode = "train" if model.training else "eval"
    found = archlint.infer(model, "N T 8", mode=mode)
    for n, t in [(1, 3), (3, 1), (2, 3)]:
        try:
            with torch.no_grad():
                model(torch.rand(n, t, 8))
            right = True
        except RuntimeError:
            right = False
        assert found.accepts(N=n, T=t) in (right, None), (n, t)
    assert found.exact


class Shortened(nn.Module):
    """Encodes a sequence that may have no steps left."""

    def __init__(self, called, **settings):
        super().__init__()
        settings = {"batch_first": True, **settings}
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, **settings)
        self.encoder = nn.TransformerEncoder(self.layer, 2)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=settings["batch_first"])
        self.called = called

    def forward(self, x):
        return self.called(self, x[:, 2:])


def causal(n):
    return torch.ones(n, n, dtype=torch.bool).triu(1)


EMPTIED = {
    "layer": (lambda m, x: m.layer(x), {}),
    "layer, norm first": (lambda m, x: m.layer(x), {"norm_first": True}),
    "layer, batch second": (lambda m, x: m.layer(x), {"batch_first": False}),
    "layer, other activation": (lambda m, x: m.layer(x), {"activation": torch.tanh}),
    "layer, mask": (lambda m, x: m.layer(x, causal(x.shape[1])), {}),
    "layer, mask of another size": (lambda m, x: m.layer(x, causal(2)), {}),
    "encoder, mask": (lambda m, x: m.encoder(x, causal(x.shape[1])), {}),
    "encoder, padding": (lambda m, x: m.encoder(x, None, x[..., 0] > 9), {}),
    "attention, weights": (lambda m, x: m.attention(x, x, x)[1], {}),
    "attention, mask": (lambda m, x: m.attention(x, x, x, attn_mask=causal(x.shape[1]))[0], {}),
}


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("name", EMPTIED)
def test_the_set_is_right_without_elements(name):
    called, settings = EMPTIED[name]
    model = Shortened(called, **settings).eval()
    found = archlint.infer(model, "N T W")
    assert found.exact or "padding" in name
    for point in [(1, 1, 7), (2, 2, 8), (2, 2, 1), (1, 3, 7), (2, 4, 8), (1, 5, 8)]:
        try:
            with torch.no_grad():
                output = model(torch.rand(point))
            result = None if output is None else tuple(output.shape)
            right = True
        except (AssertionError, IndexError, RuntimeError):
            right = False
        sizes = dict(zip("NTW", point, strict=True))
        accepted = found.accepts(**sizes)
        assert accepted is right or (accepted is None and not found.exact), point
        if accepted:
            assert found.output(**sizes) == result, point
