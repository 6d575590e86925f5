"""Operators that refuse values: not proved where nothing is known of these, else as before."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import archlint

REFUSING = {
    "binary_cross_entropy": lambda p: F.binary_cross_entropy(p, torch.ones_like(p)),
    "binary_cross_entropy of a target": lambda p: F.binary_cross_entropy(torch.rand_like(p), p),
    "BCELoss": lambda p: nn.BCELoss(reduction="none")(p, torch.zeros_like(p)),
    "bernoulli": torch.bernoulli,
    "bernoulli, a method": lambda p: p.bernoulli(),
    "bernoulli_": lambda p: torch.empty_like(p).bernoulli_(p),
    "poisson": torch.poisson,
    "normal": lambda p: torch.normal(p, p),
    "multinomial": lambda p: torch.multinomial(p.flatten(0, -2), 1),
    "multinomial, a method": lambda p: p[:, 0].multinomial(1, replacement=True),
}
ACCEPTED = {
    "sigmoid": torch.sigmoid,
    "softmax": lambda x: F.softmax(x, -1),
    "a part of a softmax": lambda x: x.softmax(1).transpose(1, 2).contiguous()[:, :1],
    "ones": torch.ones_like,
    "joined": lambda x: torch.cat([x.sigmoid(), x.softmax(-1)], 1),
    "a part of a product": lambda x: 0.3 * x.sigmoid() * x.softmax(1),
    "a mean": lambda x: torch.stack([x.sigmoid(), torch.ones_like(x)]).mean(0),
}
NOT_BY_ALL = {
    "the input": lambda x: x,
    "a sum": lambda x: x.sigmoid() * 3 - 2,
    "joined with the input": lambda x: torch.cat([x.sigmoid(), x], 1),
    "a product with the input": lambda x: x.sigmoid() * x,
    "a product with a negative number": lambda x: x.sigmoid() * -0.5,
    "a difference": lambda x: x.sigmoid() - x.sigmoid() * 2,
    "a mean with the input": lambda x: torch.stack([x.sigmoid(), x]).mean(0),
    "written": lambda x: x.sigmoid().sub_(2),
    "written through a view": lambda x: below(x.sigmoid()),
    "written before it is read": lambda x: read_after_write(x.softmax(-1)),
}


def below(p):
    p[:, :1].fill_(-1)
    return p


def read_after_write(p):
    part = p.detach()
    part -= 2
    return p


def model_of(values, refusing):
    class Model(nn.Module):
        def forward(self, x):
            return refusing(values(x))

    return Model().eval()


@pytest.mark.parametrize("name", REFUSING)
def test_values_that_are_never_refused(name):
    for values in ACCEPTED.values():
        model = model_of(values, REFUSING[name])
        found = archlint.infer(model, "N T 5")
        assert not found.reasons, (found.reasons, values)
        assert found.accepts(N=2, T=3)


@pytest.mark.parametrize(("name", "values"), list(itertools.product(REFUSING, NOT_BY_ALL)))
def test_nothing_is_proved_of_values_that_may_be_refused(name, values):
    model = model_of(NOT_BY_ALL[values], REFUSING[name])
    found = archlint.check(model, "N T 5", accepts="any N, T <= 40", samples=0)
    assert found.word != "proved", found
    assert "tensor values determine" in str(found), found


def test_a_run_that_fails_by_its_values_breaks_the_contract():
    model = model_of(NOT_BY_ALL["a sum"], REFUSING["bernoulli"])
    assert archlint.check(model, "N T 5", accepts="any N, T <= 40").word == "broken"
