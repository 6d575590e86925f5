"""Comparisons of a tensor with what is cut from it once it is padded."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archlint


class Checked(nn.Module):
    """A pad that its author checks, as models for sound do."""

    def __init__(self, sides, mode, shift=0, change=None):
        super().__init__()
        self.sides, self.mode, self.shift, self.change = sides, mode, shift, change

    def forward(self, x):
        length, before, start = x.shape[-1], x, self.sides[0] + self.shift
        most = max(self.sides)
        if self.mode == "reflect" and length <= most:
            start += most - length + 1
            x = F.pad(x, (most - length + 1, 0))
        out = F.pad(x, self.sides, self.mode)
        if self.change is not None:
            self.change(out, before)
        cut = out[..., start : start + length]
        assert cut.shape == before.shape
        assert (cut == before).all()
        assert not torch.any(before != cut)
        return out


@pytest.mark.parametrize("mode", ["reflect", "constant", "replicate"])
def test_what_padding_left_is_the_same(mode):
    model = Checked((2, 3), mode)
    found = archlint.infer(model, "N 4 T")
    assert found.text == "any size", found.reasons
    assert found.exact
    assert found.output(N=1, T=2) == tuple(model(torch.randn(1, 4, 2)).shape)


@pytest.mark.parametrize(
    "model",
    [
        Checked((2, 3), "reflect", shift=1),
        Checked((2, 3), "circular"),
        Checked((2, 3), "constant", change=lambda out, x: out.add_(1)),
        Checked((2, 3), "constant", change=lambda out, x: x.mul_(2)),
        Checked((2, 3), "constant", change=lambda out, x: out.__setitem__(0, 1.0)),
    ],
)
def test_others_are_not_known(model):
    found = archlint.infer(model, "N 4 T")
    assert not found.exact
    assert found.accepts(N=1, T=9) is None
