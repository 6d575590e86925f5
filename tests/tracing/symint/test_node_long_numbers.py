"""Numbers of thousands of digits, which Python does not print, end a trace with a reason."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archlint


class Uses(nn.Module):
    def __init__(self, use):
        super().__init__()
        self.use = use

    def forward(self, x):
        return self.use(x, x.shape[0])


LONG = 10**4400


@pytest.mark.parametrize(
    "use",
    [
        lambda x, n: torch.zeros(n * LONG),
        lambda x, n: x[: n % (1 << 20000)],
        lambda x, n: x[: (n << 20000) >> 19999],
        lambda x, n: x[: n * 7**9000 // 7**9000],
        lambda x, n: x[:1] if n > LONG else x,
        lambda x, n: x[:1] if n == LONG else x,
        lambda x, n: x[: (LONG - n) % 3],
    ],
)
def test_a_long_number_is_told(use):
    verdict = archlint.check(Uses(use), input="N 4", accepts="any N >= 1", samples=0)
    assert verdict.word == "error"
    assert "1,200 digits" in verdict.message


def test_a_long_number_of_the_code_alone_is_a_number():
    model = Uses(lambda x, n: x[: n * (LONG // LONG)])
    assert archlint.check(model, input="N 4", accepts="any N >= 1", samples=0)
