"""What autograd keeps of single calls, against ``saved_tensors_hooks``."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.engine.cost.test_saved import ratios


def calls():
    """Operators one by one, on tensors that require gradients."""
    x = torch.rand(2, 4, 6, 6) + 0.1
    y = torch.rand(2, 4, 6, 6) + 0.1
    one = [
        F.gelu, F.mish, F.hardswish, F.hardsigmoid, F.silu, F.softplus, F.softshrink, F.hardshrink,
        F.logsigmoid, torch.log, torch.log2, torch.log1p, torch.sin, torch.cos, torch.erf,
        torch.abs, torch.square, torch.relu, torch.sigmoid, torch.tanh, torch.exp, torch.exp2,
        torch.expm1, torch.sqrt, torch.rsqrt, torch.reciprocal, torch.tan, F.leaky_relu, F.elu,
        F.selu, F.celu, F.hardtanh, F.relu6, torch.var, torch.std, torch.prod, torch.amax,
        torch.norm, F.instance_norm, lambda t: F.softmax(t, 1), lambda t: F.log_softmax(t, 1),
        lambda t: t.clamp(0.2, 0.5), lambda t: t.pow(3), lambda t: 1 / t, lambda t: t / 2,
        lambda t: F.glu(t, 1), lambda t: F.threshold(t, 0.2, 0.0), lambda t: t.max(1)[0],
        lambda t: t.topk(2, 1)[0], lambda t: t.logsumexp(1), lambda t: F.max_pool2d(t, 2),
        lambda t: F.avg_pool2d(t, 2), lambda t: F.adaptive_avg_pool2d(t, 1),
        lambda t: F.adaptive_avg_pool2d(t, 2), lambda t: F.adaptive_max_pool2d(t, 2),
        lambda t: F.layer_norm(t, (6, 6)), lambda t: F.group_norm(t, 2), F.dropout,
        lambda t: F.batch_norm(t, None, None, training=True), lambda t: F.pad(t, (1, 1)),
        lambda t: F.pad(t, (1, 1, 1, 1), mode="reflect"), lambda t: t.masked_fill(t > 0.5, 0.0),
        lambda t: F.prelu(t, t.new_ones(1)), lambda t: F.interpolate(t, scale_factor=2),
        lambda t: F.rms_norm(t, (6,)),
    ]  # fmt: skip
    two = [
        torch.mul, torch.add, torch.div, torch.maximum, torch.minimum, torch.matmul, torch.pow,
        lambda a, b: torch.where(a > b, a, b), lambda a, b: F.conv2d(a, b),
        lambda a, b: F.scaled_dot_product_attention(a, b, b),
        lambda a, b: a.addcmul(a, b), lambda a, b: torch.einsum("nchw,ncwk->nchk", a, b),
    ]  # fmt: skip
    return [(f, (x,)) for f in one] + [(f, (x, y)) for f in two]


class Called(nn.Module):
    """A function of what a layer makes, so that its arguments require gradients."""

    def __init__(self, function, count):
        super().__init__()
        self.function, self.count = function, count
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        arguments = [x + self.scale for _ in range(self.count)]
        return self.function(*arguments)


@pytest.mark.parametrize("at", range(len(calls())))
def test_each_operator(at):
    function, arguments = calls()[at]
    (ratio,) = ratios(Called(function, len(arguments)), "N 4 6 6", [{"N": 4}])
    assert 0.2 < ratio <= 1  # dropout: a mask of bools may be a quarter of what is counted
