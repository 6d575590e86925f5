"""A TorchScript module accepts what the module itself does, at all sizes."""

import itertools
from typing import List, Optional  # noqa: UP035 (TorchScript reads them)

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import archlint

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
]
POINTS = [
    dict(zip("NHW", p, strict=True)) for p in itertools.product((1, 3), (1, 4, 9, 16), (5, 8))
]


class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.down, self.norm = nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4)
        self.up, self.mask = nn.ConvTranspose2d(4, 4, 2, 2), nn.Conv2d(7, 1, 1)

    def forward(self, x):
        up = self.up(F.silu(self.norm(self.down(x))))
        return self.mask(torch.cat([x, up], 1))


class Sizes(nn.Module):
    def forward(self, x):
        y = F.max_pool2d(x, 2)[:, :, ::2]
        z = y.reshape(x.shape[0], 3, -1)
        half = torch.zeros(x.shape[0], x.shape[2] // 2)
        return z.mean(-1), half.to(torch.float64)


class Branches(nn.Module):
    def forward(self, x):
        if x.shape[2] > 9:
            x = F.avg_pool2d(x, 2)
        for _ in range(2):
            x = x[:, :, 1:]
        if x.shape[3] % 4 != 0:
            raise ValueError(f"a width of {x.shape[3]}")
        return x.flatten(1)


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch, self.norm, self.head = nn.Conv2d(3, 8, 4, 4), nn.LayerNorm(8), nn.Linear(8, 5)
        self.place = nn.Parameter(torch.zeros(1, 16, 8))

    def forward(self, x):
        tokens = self.patch(x).flatten(2).transpose(1, 2) + self.place
        queries = self.norm(tokens)
        attention = torch.softmax(queries @ queries.transpose(1, 2) / 8**0.5, -1)
        return self.head((tokens + attention @ tokens).mean(1))


class Outer(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner, self.conv = inner, nn.Conv2d(3, 3, 2)

    def forward(self, x):
        return self.inner(x=self.conv(x)) if x.shape[2] > 4 else self.inner(x)


def traced(model):
    return torch.jit.trace(model, torch.rand(2, 3, 16, 16))


CASES = [
    *((c, k) for c in (Convolutions, Sizes, Tokens) for k in (torch.jit.script, traced)),
    (Branches, torch.jit.script),
    (Convolutions, lambda model: Outer(torch.jit.script(model))),
]


def shapes(value):
    return [tuple(t.shape) for t in (value if isinstance(value, tuple) else (value,))]


@pytest.mark.parametrize(("model", "compiled"), CASES)
def test_it_accepts_what_it_accepts_when_it_runs(model, compiled):
    module = compiled(model().eval()).eval()
    found = archlint.infer(module, "N 3 H W")
    assert found.exact, found
    for point in POINTS:
        try:
            real = shapes(module(torch.rand(point["N"], 3, point["H"], point["W"])))
        except Exception:
            real = None
        assert found.accepts(**point) is (real is not None), point
        if real is not None and len(real) == 1:
            assert found.output(**point) == real[0]


def test_what_is_not_followed_is_unknown():
    class Dictionary(nn.Module):
        def forward(self, x):
            sizes = {"height": x.shape[2]}
            return x[:, :, : sizes["height"] // 2]

    found = archlint.infer(torch.jit.script(Dictionary()), "N 3 H W")
    assert not found.exact
    assert "TorchScript: prim::DictConstruct is not followed" in str(found)


def gated(a, b, channels):
    number: int = int(channels[0])
    both = a + b
    return torch.tanh(both[:, :number]) * torch.sigmoid(both[:, number:])


def pooled(x, scale: float = 2, size: Optional[int] = None):  # noqa: UP045
    if size is None:
        size = x.size(2) // int(scale)
    if x.size(2) % 3 == 2:
        return F.adaptive_avg_pool2d(x, [size, size]), x.size(2)
    return x[:, :, :size], size


def joined(parts: List[torch.Tensor]):  # noqa: UP006
    total = parts[0]
    for part in parts[1:]:
        total = torch.cat([total, part], 2)
    return total.reshape(total.size(0), -1, 5)


class Functions(nn.Module):
    """Calls scripted functions, one of them with a real tensor of numbers."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.gated, self.pooled = torch.jit.script(gated), torch.jit.script(pooled)
        self.joined = torch.jit.script(joined)
        self.weight = self.joined([torch.ones(1, 3, 5), torch.ones(1, 3, 5)])

    def forward(self, x):
        y = self.gated(x, self.conv(x), torch.tensor([1]))  # of 1 and 2 channels
        first, number = self.pooled(y)
        second, _ = self.pooled(y, 1, size=x.shape[3] - 4)
        return self.joined([x, x]), first.reshape(number, -1), second


def test_scripted_functions_are_followed():
    model = Functions()
    found = archlint.infer(model, "N 3 H W")
    assert found.exact
    for n, h, w in itertools.product((1, 2), range(1, 12), (1, 4, 5, 6, 10)):
        try:
            real = shapes(model(torch.rand(n, 3, h, w)))
        except Exception:
            real = None
        assert found.accepts(N=n, H=h, W=w) is (real is not None), (n, h, w)
    with pytest.raises(RuntimeError, match="missing value for argument 'parts'"):
        model.joined()


def partly_compiled():
    """A module whose ``forward`` is Python, beside a method that is compiled."""

    class Partly(torch.jit.ScriptModule):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 3)

        @torch.jit.script_method
        def convolved(self, x):
            return self.conv(x)

        def forward(self, x):
            return self.convolved(x)

    return Partly()


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_python_forward_of_a_script_module_is_never_a_refusal(wrapped):
    """A copy would have lost it, and a run of that copy would have failed."""
    model = nn.Sequential(partly_compiled()) if wrapped else partly_compiled()
    found = archlint.infer(model, "1 3 H W")
    assert not found.exact
    assert archlint.check(model, "1 3 H W", rejects="any H, W >= 3").word == "broken"
    verdict = archlint.check(model, "1 3 H W", accepts="any H, W >= 3")
    assert verdict.word == "tested"
    assert verdict.samples.run >= 8
    assert model(torch.zeros(1, 3, 8, 8)).shape == (1, 3, 6, 6)
