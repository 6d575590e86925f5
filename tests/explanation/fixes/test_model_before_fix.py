"""Outputs are the same only if every part was compared and is equal."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from archlint.contracts.contract import TensorInput
from archlint.explanation.fixes.model_before_fix import ModelBefore
from archlint.symbolic import symbol

INPUT = TensorInput((symbol("N"), 3), text="N 3")
SIZES = [{"N": 1}, {"N": 2}]


@dataclass
class Fields:
    out: torch.Tensor


class Opaque:
    def __init__(self, out):
        self.hidden = [out]


class Returns(nn.Module):
    def __init__(self, make):
        super().__init__()
        self.make = make

    def forward(self, x):
        return self.make(x)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (lambda x: x, lambda x: x, True),
        (lambda x: Fields(x), lambda x: Fields(x), True),
        (lambda x: {"a": [x, None], "n": 3}, lambda x: {"a": [x, None], "n": 3}, True),
        (lambda x: Fields(x), lambda x: Fields(x + 1), False),
        (lambda x: {"a": x}, lambda x: {"b": x}, False),
        (lambda x: (x, 3), lambda x: (x, 4), False),
        (lambda x: (x, None), lambda x: (x, x), False),
        (lambda x: x, lambda x: x.double(), False),
        (lambda x: x, lambda x: x * x.shape[0], False),  # only at N=2
        (lambda x: 3, lambda x: 3, False),  # no tensor to compare
        (lambda x: Opaque(x), lambda x: Opaque(x), False),
        (lambda x: 1 / 0, lambda x: 1 / 0, False),
    ],
)
def test_the_same_outputs(before, after, same):
    before_fix = ModelBefore.of(Returns(before), INPUT, {}, SIZES)
    assert before_fix.same_outputs(Returns(after), INPUT) == (tuple(SIZES) if same else ())


def test_nothing_was_compared_without_a_size():
    before_fix = ModelBefore.of(Returns(lambda x: x), INPUT, {}, [])
    assert before_fix.same_outputs(Returns(lambda x: x), INPUT) == ()
