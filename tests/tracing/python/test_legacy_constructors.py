"""torch.Tensor(n, 4) and its kin, with sizes of the input."""

import pytest
import torch
from torch import nn

import archlint


class Made(nn.Module):
    def __init__(self, make):
        super().__init__()
        self.make = make

    def forward(self, x):
        return self.make(x).float() + x


MAKERS = {
    "torch.Tensor of sizes": lambda x: torch.Tensor(x.shape[0], 4).zero_(),
    "torch.Tensor of a torch.Size": lambda x: torch.Tensor(x.shape).zero_(),
    "torch.FloatTensor": lambda x: torch.FloatTensor(x.shape[0], 4).zero_(),
    "torch.LongTensor": lambda x: torch.LongTensor(x.size(0), 1).zero_(),
    "torch.DoubleTensor": lambda x: torch.DoubleTensor(x.size()).zero_(),
    "Tensor.new of sizes": lambda x: x.new(x.size(0), 4).zero_(),
    "Tensor.new of a torch.Size": lambda x: x.new(x.size()).zero_(),
    "Tensor.new of elements": lambda x: x.new([1, 2, 3, 4]),
    "Variable": lambda x: torch.autograd.Variable(torch.zeros(x.size(0), 4)),
    "Tensor.type": lambda x: torch.zeros(x.size(0), 4).type(torch.LongTensor),
    "Tensor.type of a name": lambda x: torch.zeros(x.size(0), 4).type(x.type()),
    "elements": lambda x: torch.Tensor([1.0, 2.0, 3.0, 4.0]).repeat(x.shape[0], 1),
}


@pytest.mark.parametrize("name", MAKERS)
def test_constructors(name):
    model = Made(MAKERS[name])
    found = archlint.infer(model, "N C")
    assert found.exact, found
    for n, c in [(1, 1), (1, 4), (3, 4), (2, 5)]:
        try:
            want = tuple(model(torch.ones(n, c)).shape)
        except RuntimeError:
            want = None
        assert found.accepts(N=n, C=c) is (want is not None)
        assert want is None or found.output(N=n, C=c) == want


def test_real_tensors_are_made_as_ever():
    class Own(nn.Module):
        def forward(self, x):
            weight = torch.Tensor(3, 4).fill_(1.0)
            return torch.FloatTensor(x.shape[0], 3) @ weight + x

    found = archlint.infer(Own(), "N C")
    assert found.exact, found
    assert found.text == "C in {1, 4}"
