"""Models whose large weights have no values yet, or are built in full."""

import copy

import pytest
import torch
from torch import nn

import archlint
from archlint.contracts.rulefile.load import loads
from archlint.engine.pipeline import check_source
from archlint.models.meta_weights import LARGE, leaned
from tests.support.target_models import Rich, source_of


def test_a_lean_model_differs_only_in_large_weights(tmp_path, monkeypatch):
    source = source_of(Rich, tmp_path, monkeypatch)
    lean, real = source.for_tracing(), source.for_running()
    a, b = lean.state_dict(keep_vars=True), real.state_dict(keep_vars=True)
    assert list(a) == list(b)
    for name, tensor in b.items():
        assert a[name].shape == tensor.shape, name
        assert a[name].stride() == tensor.stride(), name
        assert a[name].dtype == tensor.dtype, name
        assert a[name].requires_grad == tensor.requires_grad, name
        large = tensor.is_floating_point() and tensor.numel() >= LARGE
        assert a[name].is_meta == large, name
        if not tensor.is_floating_point():
            assert torch.equal(a[name], tensor), name
    assert lean.rates == real.rates
    assert lean.plain.is_meta
    assert lean.tied is lean.conv.weight


def looks_at_values():
    model = nn.Linear(64, 64)
    model.scale = float(torch.ones(2000).sum())
    return model


def makes_integers():
    model = nn.Linear(64, 64)
    model.register_buffer("order", torch.rand(2000).argsort())
    return model


def draws_integers():
    model = nn.Linear(64, 64)
    model.register_buffer("shuffle", torch.randperm(8))
    return model


def writes_into_small():
    model = nn.Linear(64, 64)
    model.table = torch.zeros(4)
    model.table[:] = torch.ones(2000)[:4]
    return model


def asks_the_device():
    model = nn.Linear(64, 64)
    model.device = model.weight.device
    return model


@pytest.mark.parametrize(
    "factory", [looks_at_values, makes_integers, draws_integers, writes_into_small]
)
def test_a_model_that_needs_values_is_built_in_full(factory, tmp_path, monkeypatch):
    model = source_of(factory, tmp_path, monkeypatch).for_tracing()
    assert not any(t.is_meta for t in model.state_dict().values())


def test_a_constructor_that_asks_the_device_gets_that_of_the_real_model(tmp_path, monkeypatch):
    model = source_of(asks_the_device, tmp_path, monkeypatch).for_tracing()
    assert model.weight.is_meta
    assert model.device == asks_the_device().device


class Drawn(nn.Module):
    """A seed fixes its coin, which is drawn after weights that a lean model does not draw."""

    def __init__(self, kind):
        super().__init__()
        torch.manual_seed(4)
        self.conv = nn.Conv2d(3, 500, 9)
        coin = torch.rand(1)
        if kind == "number":
            coin = coin.item()
        elif kind == "compared":
            coin = coin * 1 > 0.5
        elif kind == "sorted":
            coin = torch.cat((coin, torch.full((1,), 0.5))).sort().indices[1] == 0
        self.coin = nn.Parameter(coin) if kind == "parameter" else coin

    def forward(self, x):
        return x.mean((2, 3)) if self.coin > 0.5 else self.conv(x).mean((2, 3))


@pytest.mark.parametrize("kind", ["tensor", "parameter", "number", "compared", "sorted"])
def test_numbers_drawn_after_others_are_those_of_the_seed(kind, tmp_path, monkeypatch):
    assert Drawn("number").coin < 0.5  # without the weights' draws before it: 0.57
    source = source_of(lambda: Drawn(kind), tmp_path, monkeypatch)
    rules = "- {id: c, models: python:model, input: N 3 H W, accepts: any size}"
    contract = loads(f"archlint: 1\ncontracts:\n{rules}\n").contracts[0]
    verdict = check_source(contract, source, samples=0)
    assert verdict.word == "broken"
    assert verdict.counterexample == {"N": 1, "H": 1, "W": 1}


@pytest.mark.parametrize("size", [4, 2048])
@pytest.mark.parametrize("needs_grad", [True, False])
def test_a_lean_parameter_is_one_in_all_respects(size, needs_grad):
    weight = nn.Parameter(torch.ones(size), requires_grad=needs_grad)
    lean = leaned(set(), weight)
    made = nn.Parameter(torch.ones(size, device=lean.device), requires_grad=needs_grad)
    assert type(lean) is nn.Parameter
    for one, other in ((lean, made), (copy.deepcopy(lean), copy.deepcopy(made))):
        assert isinstance(one, nn.Parameter)
        for name in ("shape", "dtype", "device", "requires_grad", "is_leaf", "grad", "grad_fn"):
            assert getattr(one, name) == getattr(other, name)
        assert (one._version, one._base, vars(one)) == (other._version, other._base, vars(other))
        assert type(one.data) is type(one + 1) is torch.Tensor
        assert one.__torch_function__ == other.__torch_function__
    layer = nn.Linear(2, 2)
    layer.weight = lean
    assert dict(layer.named_parameters())["weight"] is lean
    if needs_grad:
        (lean * 2).sum().backward()
        assert lean.grad.shape == (size,)
    with torch.no_grad():
        lean.mul_(2)
    assert torch.equal(weight, torch.ones(size))


class ReadsSmall(nn.Module):
    """Its path depends on the values of a small weight of a layer."""

    def __init__(self, scale):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        nn.init.constant_(self.norm.weight, scale)

    def forward(self, x):
        x = self.norm(x)
        return x.mean((2, 3)) if float(self.norm.weight.sum()) > 4 else x.flatten(1)


@pytest.mark.parametrize(("scale", "word"), [(2.0, "proved"), (1.0, "broken")])
def test_values_of_small_weights_of_layers_count(scale, word):
    question = {"input": "N 3 H W", "accepts": "any N, H, W >= 1", "output": "N 3"}
    verdict = archlint.check(ReadsSmall(scale), samples=0, **question)
    assert verdict.word == word, str(verdict)


class Picks(nn.Module):
    """Its output has the channels that the largest weights of a layer say."""

    def __init__(self, size):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, size, 1), nn.BatchNorm2d(size)

    def forward(self, x):
        return self.norm(self.conv(x)).mean((2, 3))[:, self.norm.weight.topk(3).indices]


@pytest.mark.parametrize("size", [4, 2048])
@pytest.mark.parametrize(("channels", "word"), [(3, "proved"), (4, "broken")])
def test_integers_made_from_weights_are_those_of_the_real_weights(size, channels, word):
    question = {"input": "N 3 H W", "accepts": "any N, H, W >= 1", "output": f"N {channels}"}
    verdict = archlint.check(Picks(size), samples=0, **question)
    assert verdict.word == word, str(verdict)
