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
