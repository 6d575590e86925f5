"""What autograd keeps, by formula, against what ``saved_tensors_hooks`` sees of the real model."""

import statistics
from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from archlint.contracts.contract import Contract, SizeClause
from archlint.engine.check_run import CheckRun
from archlint.engine.cost.amount import total
from archlint.engine.cost.saved import saved
from archlint.engine.explore import explore_model
from archlint.engine.python_contracts import contract_of, source_of
from archlint.engine.sampling.real_run import build_input
from tests.engine.cost.test_activations import CASES as INFERENCE
from tests.engine.cost.test_flops import Blocks, Padded, Steps


def kept(call, *known):
    """The bytes of all memory but that of ``known`` which a call keeps for its gradients."""
    seen = {t.untyped_storage()._cdata for t in known}
    sizes, alive = [], []

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage._cdata not in seen:
            seen.add(storage._cdata)
            alive.append(storage)  # so that nothing else gets its place
            sizes.append(storage.nbytes())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        alive.append(call())
    return sum(sizes)


def explored(model, input):
    parsed = contract_of(input=input, accepts="any size", mode="train").input
    clause = SizeClause("any", True, "any size")
    with source_of(model) as source:
        run = CheckRun.start(Contract("c", parsed, clause, mode="train"), source, samples=0)
        return parsed, explore_model(run)


def ratios(model, input, points):
    """What the formula says as a part of what the real model keeps, on the CPU."""
    parsed, exploration = explored(model, input)
    formulas = {id(p): total(saved(p.trace).values()) for p in exploration.accepting}
    model.train()
    found = []
    for point in points:
        value = build_input(parsed, point, "cpu")
        weights = (*model.parameters(), *model.buffers())
        real = kept(lambda value=value: model(value), *weights)
        mine = formulas[id(exploration.path_at(point))].at(point)
        found.append(mine / real if real else 1 + mine)
    return found


class Gated(nn.Module):
    """Squeeze and excitation, with functions in place."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.gate = nn.Conv2d(4, 4, 1)

    def forward(self, x):
        y = F.silu(self.norm(self.conv(x)), inplace=True)
        return F.relu6(y * torch.sigmoid(self.gate(F.adaptive_avg_pool2d(y, 1))), inplace=True)


class Heads(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.how = how
        self.norm = nn.LayerNorm(4)
        self.qkv, self.out = nn.Linear(4, 12), nn.Linear(4, 4)

    def forward(self, x):
        tokens = self.norm(x.flatten(2).transpose(1, 2))
        n, t, c = tokens.shape
        qkv = self.qkv(tokens).reshape(n, t, 3, 2, c // 2).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0) if self.how == "unbind" else (qkv[0], qkv[1], qkv[2])
        if self.how == "fused":
            out = F.scaled_dot_product_attention(q, k, v)
        else:
            out = (q * 0.5 @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.out(out.transpose(1, 2).reshape(n, t, c)) + tokens


class Frozen(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(4, 8, 3).requires_grad_(False)
        self.head = nn.Conv2d(8, 8, 3)

    def forward(self, x):
        side = self.head(F.relu(self.stem(x)))
        return side * torch.tanh(side.detach()) + side.new_zeros(side.shape)


class Sliced(nn.Module):
    """Views and copies of parts, products with numbers and with what needs no gradients."""

    def __init__(self):
        super().__init__()
        self.lift = nn.Conv2d(4, 8, 1)
        self.mix = nn.Linear(8, 8)

    def forward(self, x):
        y = self.lift(x)
        a, b = y.chunk(2, 1)
        tokens = y.flatten(2).transpose(1, 2)
        mixed = self.mix(tokens[:, 1:]) + self.mix(tokens[:, :-1])
        return (
            a * torch.sigmoid(b) / (x.abs() + 1),
            mixed * 2,
            torch.einsum("nchw,nc->nhw", a, b.mean((2, 3))),
        )


class Unet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), nn.InstanceNorm2d(8), nn.ELU())
        self.deep = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(8, 8, 3, padding=1), nn.PReLU())
        self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.last = nn.Conv2d(16, 2, 1)

    def forward(self, x):
        y = self.down(F.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2), mode="replicate"))
        return self.last(torch.cat([y, self.up(self.deep(y))], 1)).log_softmax(1)


def _chain(*layers):
    return nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), *layers)


CASES = {
    **deepcopy(INFERENCE),
    "gated": Gated(),
    "unbound": Heads("unbind"),
    "indexed": Heads("index"),
    "fused": Heads("fused"),
    "frozen": Frozen(),
    "sliced": Sliced(),
    "unet": Unet(),
    "dropout": _chain(nn.Dropout(0.5), nn.Conv2d(4, 4, 1), nn.Dropout2d(0.5), nn.Conv2d(4, 4, 1)),
    "activations": _chain(
        nn.Hardswish(inplace=True), nn.Conv2d(4, 4, 1), nn.LeakyReLU(0.1, inplace=True), nn.Mish(),
        nn.Hardtanh(inplace=True), nn.Softplus(), nn.SELU(inplace=True), nn.GLU(1), nn.CELU(),
    ),
    "groups": _chain(
        nn.GroupNorm(2, 4), nn.AvgPool2d(2), nn.Conv2d(4, 4, 1), nn.AdaptiveAvgPool2d(3)
    ),
    "sums": _chain(nn.Softmax(1), nn.Flatten(2), nn.AdaptiveMaxPool1d(2), nn.LPPool1d(2, 2)),
}  # fmt: skip
SIZES = ((2, 8, 8), (3, 17, 9), (2, 32, 20))


@pytest.fixture(scope="module")
def found():
    sizes = [dict(zip("NHW", s, strict=True)) for s in SIZES]
    with torch.random.fork_rng(devices=[]):
        return {name: ratios(model, "N 4 H W", sizes) for name, model in CASES.items()}


@pytest.mark.parametrize("name", CASES)
def test_never_above_what_autograd_keeps(found, name):
    assert max(found[name]) <= 1
    assert min(found[name]) >= 0.35


def test_within_ten_percent_in_the_median(found):
    assert statistics.median(r for each in found.values() for r in each) >= 0.95


def test_never_above_in_merged_branches_and_loops():
    merged = [{"N": 2, "H": 9, "W": w} for w in (1, 2, 3, 4, 5, 64)]
    each = ratios(Blocks(Padded, 4), "N 2 H W", merged)
    assert max(each) <= 1
    assert min(each) >= 0.9
    assert max(ratios(Steps(), "N T 4", [{"N": 2, "T": t} for t in (1, 2, 3, 17)])) <= 1
