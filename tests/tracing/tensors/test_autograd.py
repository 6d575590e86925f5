"""Which tensors require gradients, and the gradients, as PyTorch's autograd has them."""

import contextlib
import random

import pytest
import torch
from torch import nn

import archlint
from archlint.contracts.contract import TensorInput
from archlint.symbolic import symbol
from archlint.symbolic.intervals import Box
from archlint.tracing.run import current_run
from archlint.tracing.signals import UnknownOutcome
from archlint.tracing.tracer import trace
from tests.support.traced_models import Model

STEPS = [
    "{t}.clone()", "{t} * 2", "{t} + {u}", "{t}.detach()", "{t}.data", "{t}.relu()", "({t} > 0)",
    "{t}.argmax(-1)", "torch.zeros_like({t})", "{t}.new_ones({t}.shape)", "torch.rand_like({t})",
    "{t}[:, 0]", "{t}.transpose(0, 1)", "{t}.contiguous()", "{t}.to(torch.double)", "self.l({t})",
    "{t}.requires_grad_()", "{t}.detach().requires_grad_()", "{t}.long()", "{t}.view(-1)",
    "{t}.sum()", "{t}.softmax(-1)", "torch.cat([{t}, {u}])", "{t}.max(-1)[0]", "{t}.chunk(2, 1)[0]",
    "torch.where({t} > 0, {t}, {u})", "{t}.clone().mul_(2)", "self.l.weight * 2", "{t}.float()",
    "torch.ones(3, 4, requires_grad=True)", "copy.deepcopy({t})", "Clamp.apply({t})", "{t}.half()",
    "{t}.sort(-1)[1]", "{t}.round()", "{t}.sign()", "{t}.type(torch.long)", "{t}.unbind(0)[0]",
    "F.dropout({t}, 0.5, True)", "F.linear({t}, self.l.weight)", "{t}.masked_fill({t} > 0, 0)",
]  # fmt: skip
MODES = ["torch.enable_grad()", "torch.enable_grad()", "torch.no_grad()", "None"]


class Clamp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clamp(0)

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def drawn(draw):
    """A program: lines of a context and an expression that names earlier results."""
    lines = [("torch.enable_grad()", "x.clone()")]
    for at in range(1, draw.randint(4, 9)):
        t, u = (f"v[{draw.randrange(at)}]" for _ in "tu")
        lines.append((draw.choice(MODES), draw.choice(STEPS).format(t=t, u=u)))
    return lines


def run(lines, self, x):
    """What the results of a program say of gradients; ends with the first error."""
    import copy

    from torch.nn import functional as F

    names = {"torch": torch, "F": F, "copy": copy, "Clamp": Clamp, "self": self, "x": x, "v": []}
    said = []
    for mode, code in lines:
        try:
            with eval(mode, names) or contextlib.nullcontext():
                made = eval(code, names)
        except Exception:
            return said
        names["v"].append(made)
        said.append([asked(names["v"], name) for name in ("requires_grad", "is_leaf")])
    return said


def asked(made, name):
    found = []
    for tensor in made:
        try:
            found.append(getattr(tensor, name))
        except UnknownOutcome:
            found.append(None)
            current_run().stops.clear()
    return found


@pytest.mark.parametrize("seed", range(60))
def test_drawn_programs_say_what_they_say_of_real_tensors(seed):
    lines = drawn(random.Random(seed))
    layer = nn.Linear(4, 4)
    found = []

    def forward(self, x):
        with contextlib.suppress(UnknownOutcome):
            found.extend(run(lines, self, x))
        current_run().stops.clear()
        return x

    shape = TensorInput((symbol("N"), 4))
    trace(Model(forward, l=layer), shape, {"N": 4}, Box({"N": (1, None)}))
    with torch.no_grad():
        real = run(lines, Model(forward, l=layer), torch.rand(4, 4))
    for at, (mine, its) in enumerate(zip(found, real, strict=False)):
        for name, answers, right in zip(("requires_grad", "is_leaf"), mine, its, strict=True):
            for tensor, (answer, truth) in enumerate(zip(answers, right, strict=True)):
                assert answer in (None, truth), (name, lines[: at + 1], tensor)


def force(self, x):
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        energy = self.l(x).pow(2).sum(-1)
        if not energy.requires_grad:
            raise ValueError("no gradients")
        return -torch.autograd.grad(energy.sum(), x, create_graph=True)[0]


def of_weights(self, x):
    with torch.enable_grad():
        loss = self.l(x).pow(2).mean()
        first, bias = torch.autograd.grad(loss, list(self.l.parameters()))
    return torch.nn.functional.linear(x, self.l.weight - first, self.l.bias - bias)


def of_vector(self, x):
    with torch.enable_grad():
        x = x.clone().requires_grad_()
        y = self.l(x)[:, :2]
        return torch.autograd.grad(y, x, grad_outputs=torch.ones_like(y))[0]


def by_switch(self, x):
    x = x.clone()
    x.requires_grad = True
    with torch.set_grad_enabled(True):
        return torch.autograd.grad(self.l(x).sum(), [x])[0]


def of_function(self, x):
    with torch.enable_grad():
        x = x.clone().requires_grad_()
        return torch.autograd.grad(Clamp.apply(x).sum(), x)[0]


@pytest.mark.parametrize("samples", [0, 8])
@pytest.mark.parametrize("forward", [force, of_weights, of_vector, by_switch])
def test_gradients_have_the_sizes_of_their_tensors(forward, samples):
    model = Model(forward, l=nn.Linear(8, 8))
    verdict = archlint.check(model, "N 8", accepts="any N >= 1", output="N 8", samples=samples)
    assert verdict.word == "proved", str(verdict)


def no_number(self, x):
    with torch.enable_grad():
        x = x.clone().requires_grad_()
        return torch.autograd.grad(self.l(x)[:, :1], x)[0]


def wrong_start(self, x):
    with torch.enable_grad():
        x = x.clone().requires_grad_()
        return torch.autograd.grad(self.l(x), x, grad_outputs=torch.ones(1, 8))[0]


@pytest.mark.parametrize("forward", [no_number, wrong_start])
def test_a_gradient_of_more_than_a_number_needs_a_start(forward):
    found = archlint.infer(Model(forward, l=nn.Linear(8, 8)), "N 8")
    assert found.exact
    assert found.text == "N == 1"


def backward(self, x):
    with torch.enable_grad():
        x = x.clone().requires_grad_()
        self.l(x).sum().backward()
        return x.grad


def flattened(self, x):
    with torch.enable_grad():
        x = x.clone().requires_grad_()
        return torch.autograd.grad(x.sum(), x)[0].view(-1)


def second_time(self, x):
    with torch.enable_grad():
        x = x.clone().requires_grad_()
        y = self.l(x).pow(2).sum()
        return [torch.autograd.grad(y, x)[0] for _ in range(2)]


def unused(self, x):
    with torch.enable_grad():
        x, z = x.clone().requires_grad_(), x.clone().requires_grad_()
        return torch.autograd.grad((x * 2).sum(), z)[0]


def written(self, x):
    with torch.enable_grad():
        x = x.clone().requires_grad_()
        y = (x * 2).exp()
        y.add_(1)
        return torch.autograd.grad(y.sum(), x)[0]


@pytest.mark.parametrize("samples", [0, 8])
@pytest.mark.parametrize(
    "forward", [backward, of_function, flattened, second_time, unused, written]
)
def test_what_is_not_followed_is_unknown(forward, samples):
    model = Model(forward, l=nn.Linear(8, 8))
    verdict = archlint.check(model, "N 8", accepts="any N >= 1", samples=samples)
    fails = forward in (flattened, second_time, unused, written)
    assert verdict.word in (("error", "broken", "tested") if fails else ("error", "tested"))
    found = archlint.infer(model, "N 8")
    assert not found.exact


class FrozenResult(nn.Module):
    """Refuses an input of 3 rows if what its layer and a constant give requires gradients."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        with torch.enable_grad():
            y = self.layer(x) + torch.ones(4)
            if y.requires_grad and x.shape[0] == 3:
                raise ValueError("trainable")
        return y


@pytest.mark.parametrize("frozen", [True, False])
def test_weights_require_what_they_say(frozen):
    model = FrozenResult().eval().requires_grad_(not frozen)
    found = archlint.infer(model, "N 4")
    assert (found.exact, found.accepts(N=3)) == (True, frozen)


VIEWS = {
    "the tensor": lambda a: a,
    "result": lambda a: a * 2,
    "view": lambda a: a.view(-1),
    "slice": lambda a: a[1:],
    "contiguous": lambda a: a.contiguous(),
    "flatten": lambda a: a.flatten(),
    "view of a result": lambda a: (a * 2)[1:],
    "split": lambda a: (a * 2).split(2)[0],
    "unbind": lambda a: (a * 2).unbind()[0],
    "diagonal": lambda a: (a * 2).expand(4, 4).diagonal(),
}
WRITES = {
    "add_": lambda v: v.add_(1),
    "fill_": lambda v: v.fill_(1),
    "item": lambda v: v.__setitem__(..., 2),
    "out": lambda v: torch.exp(v.detach(), out=v),
    "mul_": lambda v: v.mul_(2.0),
}


def written_to(view, write):
    with torch.enable_grad():
        write(view(torch.ones(4, requires_grad=True)))


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("write", WRITES)
def test_a_write_to_what_requires_gradients_may_be_refused(view, write):
    def forward(self, x):
        written_to(VIEWS[view], WRITES[write])
        return x

    try:
        written_to(VIEWS[view], WRITES[write])
        accepts = True
    except RuntimeError:
        accepts = False
    found = archlint.infer(Model(forward, l=nn.Identity()), "N 8")
    assert found.accepts(N=2) in (None, accepts)
