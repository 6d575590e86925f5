"""What a training step keeps where the model's own code says what autograd records.

Nets drawn from blocks under ``torch.no_grad()`` and its kin, checkpoints, autograd functions, casts
and weights that are stretched, against ``saved_tensors_hooks`` and the gradients of a real step.
"""

import random

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

import archlint
from archlint.engine.sampling.real_run import build_input
from archlint.tracing.python import gradient_scopes
from archlint.tracing.python.gradient_scopes import gradient_scopes_noted
from tests.engine.cost.test_saved import kept

pytestmark = pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
WIDTH = 8


class Square(torch.autograd.Function):
    """Keeps its input, and computes with tensors that it does not keep."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.tanh(x.sigmoid() * x) * x

    @staticmethod
    def backward(ctx, grad):
        return 2 * ctx.saved_tensors[0] * grad


class Straight(torch.autograd.Function):
    """Keeps nothing."""

    @staticmethod
    def forward(ctx, x):
        return torch.round(torch.sigmoid(x) * 3).exp()

    @staticmethod
    def backward(ctx, grad):
        return grad


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.lift = nn.Linear(WIDTH, WIDTH)
        self.scale = nn.Parameter(torch.ones(WIDTH))

    def inner(self, x):
        return F.silu(self.lift(x)) * x


class Plain(Block):
    def forward(self, x):
        return self.inner(x) * self.scale


class Stretched(Block):
    def forward(self, x):
        wide = self.scale.expand(x.shape[0], x.shape[1], WIDTH)
        return self.inner(x) * wide + wide @ self.lift.weight.expand(x.shape[0], -1, -1)


class Cast(Block):
    def forward(self, x):
        steps = torch.arange(x.shape[1]).to(x.dtype)[:, None]
        return self.inner(x) * (x > 0).float() * steps * self.scale


class NoGrad(Block):
    def forward(self, x):
        with torch.no_grad():
            gate = torch.sigmoid(self.inner(x))
            with torch.enable_grad():
                gate = gate * self.scale
        return x * gate


class Inference(Block):
    def forward(self, x):
        with torch.inference_mode():
            gate = self.inner(x).sigmoid()
        return x * gate.clone()


class Switched(Block):
    @torch.no_grad()
    def quiet(self, x):
        return self.inner(x).tanh()

    def forward(self, x):
        torch.set_grad_enabled(False)
        gate = self.inner(x)
        torch.set_grad_enabled(True)
        with torch.set_grad_enabled(False):
            gate = gate * self.inner(gate)
        return x * gate * self.scale + self.quiet(x)


class Checkpointed(Block):
    def forward(self, x):
        return checkpoint(self.inner, x, use_reentrant=False) * self.scale


class Reentrant(Block):
    def forward(self, x):
        return checkpoint(self.inner, x, use_reentrant=True)


class Functions(Block):
    def forward(self, x):
        return Straight.apply(Square.apply(self.inner(x))) * self.scale


class Unused(Block):
    def forward(self, x):
        return torch.softmax(x, -1) * self.scale


class Mapped(Block):
    def forward(self, x):
        return torch.vmap(self.lift)(x) * x


BLOCKS = Block.__subclasses__()


def drawn(seed):
    draw = random.Random(seed)
    torch.manual_seed(seed)
    return nn.Sequential(*(draw.choice(BLOCKS)() for _ in range(draw.randint(1, 4))))


@pytest.mark.parametrize("model", [pytest.param(b(), id=b.__name__) for b in BLOCKS])
def test_each_block(model):
    compare(nn.Sequential(nn.Linear(WIDTH, WIDTH), model))


@pytest.mark.parametrize("seed", range(30))
def test_drawn_nets(seed):
    compare(drawn(seed))


def compare(model):
    found = archlint.cost(model, f"N T {WIDTH}", optimizer="adam")
    assert found.notes == ()
    model.train()
    for n, t in ((1, 3), (2, 5)):
        x = build_input(found.input, {"N": n, "T": t}, "cpu")
        real = kept(lambda x=x: model(x), *model.parameters())
        mine = found.activations.at({"N": n, "T": t})
        assert mine <= real, (n, t)
        assert mine >= 0.9 * real, (n, t)
    out = model(x)
    if out.requires_grad:
        out.sum().backward()
    with_gradients = [p for p in model.parameters() if p.grad is not None]
    real = sum(p.grad.nbytes for p in with_gradients)
    assert found.training.gradient_bytes >= real
    read = archlint.cost(model, f"N T {WIDTH}", optimizer="sgd").training.gradient_bytes
    assert read == found.training.gradient_bytes
    # At a reentrant checkpoint no gradient goes through what is closed over.
    if not any(isinstance(m, (Reentrant, Inference, Functions)) for m in model):
        assert found.training.gradient_bytes == real
    else:
        assert found.training.gradient_bytes <= sum(p.nbytes for p in model.parameters())


def test_the_switch_of_the_process_is_put_back():
    names = [(torch.no_grad, "__enter__"), (torch.set_grad_enabled, "__init__")]
    before = [vars(kind)[name] for kind, name in names]
    apply = vars(torch.autograd.Function)["apply"]
    archlint.cost(nn.Sequential(Switched(), Functions(), Checkpointed()), f"N T {WIDTH}")
    assert [vars(kind)[name] for kind, name in names] == before
    assert vars(torch.autograd.Function)["apply"] is apply


def methods():
    return [vars(home)[name] for home, name, _ in gradient_scopes._METHODS]


def test_a_run_inside_a_run_notes_each_block_once():
    before = methods()
    with gradient_scopes_noted():
        outer = methods()
        with gradient_scopes_noted():
            assert methods() == outer
        assert methods() == outer
    assert all(one is not other for one, other in zip(before, outer, strict=True))
    assert methods() == before
    with gradient_scopes_noted():
        assert methods() == outer


def test_what_another_put_there_between_two_runs_is_called(monkeypatch):
    entered = []
    with gradient_scopes_noted():
        pass
    plain = torch.no_grad.__enter__
    monkeypatch.setattr(torch.no_grad, "__enter__", lambda b: (entered.append(b), plain(b))[1])
    with gradient_scopes_noted(), torch.no_grad():
        assert not torch.is_grad_enabled()
    assert len(entered) == 1
