"""Models whose large weights have any values: built for runs that values do not decide."""

import pytest
import torch
from torch import nn

from archlint.models.arbitrary_weights import quickly_built
from archlint.models.meta_weights import LARGE


class Parts(nn.Module):
    """Weights of all kinds: tied, a buffer, an attribute, half precision, other strides."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(64, 32)
        self.head = nn.Linear(32, 64, bias=False)
        self.head.weight = self.embed.weight
        self.conv = nn.Conv2d(8, 32, 3).to(memory_format=torch.channels_last)
        self.low = nn.Parameter(torch.zeros(LARGE, dtype=torch.half), requires_grad=False)
        self.register_buffer("variance", torch.ones(LARGE))
        self.register_buffer("index", torch.arange(LARGE))
        self.table = torch.zeros(2, LARGE)
        self.small = nn.Parameter(torch.full((3,), 7.0))
        self.known = [self.embed.weight]


def described(model):
    tensors = [*model.named_parameters(), *model.named_buffers(), ("table", model.table)]
    return [(n, t.shape, t.stride(), t.dtype, t.device, t.requires_grad) for n, t in tensors]


def test_all_but_values_is_as_in_the_real_model():
    model = quickly_built(Parts)
    assert described(model) == described(Parts())
    assert model.head.weight is model.embed.weight is model.known[0]
    assert torch.equal(model.index, torch.arange(LARGE))
    assert torch.equal(model.small, torch.full((3,), 7.0))
    assert model.variance.min() >= 0


def test_values_are_small_and_differ():
    weight = quickly_built(Parts).head.weight
    assert torch.isfinite(weight).all()
    assert 0 < weight.abs().max() < 0.1
    assert torch.linalg.matrix_rank(weight) == 32


def test_the_random_state_stays_and_the_values_are_the_same_again():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first, second = quickly_built(Parts), quickly_built(Parts)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.conv.weight, second.conv.weight)


def test_writing_to_a_buffer_changes_no_other():
    model = quickly_built(lambda: nn.Sequential(nn.BatchNorm1d(LARGE), nn.BatchNorm1d(LARGE)))
    before = model[1].running_mean.clone()
    model(torch.randn(4, LARGE))
    model[0].running_mean.fill_(9)
    assert not torch.equal(model[0].running_mean, before)
    model[1].running_var.fill_(5)
    assert (model[0].running_mean == 9).all()
    assert not (model[1].running_mean == 9).any()


class ReadsValues(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = float(torch.randn(LARGE).sum())


class Sparse(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.empty(LARGE, device="meta").to_sparse()


def raises():
    raise SystemExit(3)


@pytest.mark.parametrize("build", [ReadsValues, Sparse, raises, lambda: None])
def test_what_cannot_be_built_so_is_not_built(build):
    assert quickly_built(build) is None
