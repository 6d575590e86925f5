"""torch.func on symbolic tensors, compared with the real transforms."""

import pytest
import torch
from torch import nn
from torch._functorch import eager_transforms
from torch.func import (
    functional_call,
    grad,
    grad_and_value,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    vjp,
    vmap,
)

import archlint
from archlint.tracing.python.function_transforms import function_transforms_traced


def square(t):
    return (t * t).sum()


CALLS = {
    "grad": lambda x: grad(square)(x),
    "grad_and_value": lambda x: grad_and_value(square)(x),
    "grad of no scalar": lambda x: grad(lambda t: t * 2)(x),
    "grad of the second": lambda x: grad(lambda a, b: (a @ b).sum(), argnums=1)(x, x.mT),
    "jvp": lambda x: jvp(lambda t: t @ t, (x,), (x,))[1],
    "vjp": lambda x: vjp(lambda t: t.sum(0), x)[1](x[0]),
    "vjp at half": lambda x: vjp(lambda t: t[:, ::2], x)[1](x[:, : (x.shape[1] + 1) // 2])[0],
    "vjp of three": lambda x: vjp(lambda t: t[:, ::2], x)[1](torch.ones(x.shape[0], 3))[0],
    "vjp of another rank": lambda x: vjp(lambda t: t.sum(0), x)[1](torch.ones(3, 1))[0],
    "vjp of no dependence": lambda x: vjp(lambda t: torch.ones(3), x)[1](x[0])[0],
    "jacrev of nothing": lambda x: jacrev(lambda t: t[:, 1:].sum(0))(x),
    "vmap of nothing": lambda x: vmap(lambda t: t * 2)(x[:, :0].mT),
    "vmap": lambda x: vmap(lambda t: t @ torch.ones(3))(x),
    "vmap with dims": lambda x: vmap(lambda t: t * 2, in_dims=1, out_dims=1)(x),
    "vmap of two": lambda x: vmap(torch.dot)(x, x),
    "vmap of one of two": lambda x: vmap(lambda a, b: a @ b, in_dims=(0, None))(x, x),
    "vmap of other sizes": lambda x: vmap(torch.dot)(x, x.mT),
    "vmap inside vmap": lambda x: vmap(vmap(lambda t: t + torch.ones(2)))(x),
    "grad of each": lambda x: vmap(grad(square))(x),
    "jacrev": lambda x: jacrev(lambda t: t.sum(1))(x),
    "jacfwd": lambda x: jacfwd(lambda t: t.sum(1))(x),
    "hessian": lambda x: hessian(square)(x),
}


OPEN = {
    "jacrev", "jacfwd", "hessian", "jacrev of nothing", "vmap of nothing",
    "vjp of three", "vjp of another rank", "vjp of no dependence",
}  # fmt: skip


class Transformed(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.parametrize("name", CALLS)
def test_transforms(name):
    model = Transformed(CALLS[name])
    found = archlint.infer(model, "H W")
    for h, w in [(1, 1), (2, 3), (3, 3), (3, 2), (4, 1)]:
        try:
            real = model(torch.ones(h, w))
        except (RuntimeError, ValueError):
            assert found.accepts(H=h, W=w) is not True
            continue
        assert found.accepts(H=h, W=w) is not False
        if found.exact:
            shapes = (
                [tuple(r.shape) for r in real] if isinstance(real, tuple) else tuple(real.shape)
            )
            assert list(found.output(H=h, W=w)) == list(shapes)
    assert found.exact or name in OPEN, found


REFUSED = {
    "a branch": lambda t: t * 2 if t.sum() > 0 else t,
    "a report": lambda t: print(t) if t.isnan().any() else t,
    "a number": lambda t: t * t.sum().item(),
    "a known truth": lambda t: t * bool((t.abs() >= 0).all()),
    "a mask": lambda t: t[t > 0],
    "a mask inside": lambda t: t[t > 0].sum(),
    "nonzero": lambda t: t.nonzero(),
    "random numbers": lambda t: t + torch.rand_like(t),
    "a mask in vmap in vmap": lambda t: vmap(lambda e: e[e > 0])(t.unsqueeze(0)),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("samples", [0, 4])
def test_what_vmap_refuses_is_not_proved(name, samples):
    model = Transformed(lambda x: vmap(REFUSED[name])(x))
    with pytest.raises(RuntimeError, match="vmap"):
        model(torch.ones(2, 3))
    verdict = archlint.check(model, "H W", accepts="any H, W >= 1", samples=samples)
    assert verdict.word != "proved", str(verdict)


@pytest.mark.parametrize("attribute", ["requires_grad", "is_leaf", "grad_fn"])
@pytest.mark.parametrize("wanted", [True, False])
def test_gradient_questions_inside_a_transform_are_not_answered(attribute, wanted):
    def function(t):
        if bool(getattr(t, attribute)) is wanted:
            return square(t)
        raise ValueError("refused")

    verdict = archlint.check(
        Transformed(lambda x: grad(function)(x)), "H W", accepts="any H, W >= 1", samples=0
    )
    assert verdict.word not in ("proved", "broken"), str(verdict)


def test_after_vmap_values_decide_as_ever():
    def function(x):
        y = vmap(lambda t: t * 2)(x)
        return y if y.sum() > 0 else y + 1

    assert archlint.infer(Transformed(function), "H W").exact


def test_parameters_as_arguments():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3, 2)

        def forward(self, x):
            return functional_call(self.layer, dict(self.layer.named_parameters()), (x,))

    found = archlint.infer(Functional(), "N F")
    assert found.exact
    assert found.text == "F == 3"


def test_real_tensors_are_wrapped_as_ever():
    before = eager_transforms._wrap_for_grad
    with function_transforms_traced():
        assert torch.equal(grad(square)(torch.ones(2)), torch.full((2,), 2.0))
        assert torch.equal(vmap(lambda t: t + 1)(torch.zeros(3)), torch.ones(3))
    assert eager_transforms._wrap_for_grad is before
