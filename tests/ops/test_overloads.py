"""Operators of ``torch.ops.aten`` are followed by the rules of the functions that they are like."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import archlint
from archlint.ops.overloads import adapt, as_python_call
from archlint.ops.registry import RULES

aten = torch.ops.aten
x = torch.ones(2, 3, 4, 5)
CALLS = [
    (aten.add.Tensor, (x, x), {"alpha": 2}),
    (aten.add.Scalar, (x, 1), {}),
    (aten.add_.Tensor, (x.clone(), x), {}),
    (aten.mul.Tensor, (x, 2.0), {}),
    (aten.pow.Tensor_Scalar, (x, 2), {}),
    (aten.relu.default, (x,), {}),
    (aten.relu_.default, (x.clone(),), {}),
    (aten.hardtanh_.default, (x.clone(), 0.0, 6.0), {}),
    (aten.gelu.default, (x,), {"approximate": "tanh"}),
    (aten.cat.default, ([x, x], 1), {}),
    (aten.stack.default, ([x, x],), {}),
    (aten.conv2d.default, (x, torch.ones(4, 3, 3, 3), torch.ones(4), [1, 1], [1, 1]), {}),
    (aten.conv2d.padding, (x, torch.ones(4, 3, 3, 3), None, [1, 1], "same"), {}),
    (aten.conv_transpose2d.input, (x, torch.ones(3, 4, 2, 2), None, [2, 2]), {}),
    (aten.linear.default, (x, torch.ones(6, 5)), {}),
    (aten.addmm.default, (torch.ones(4), torch.ones(2, 3), torch.ones(3, 4)), {}),
    (aten.matmul.default, (x, x.mT), {}),
    (aten.mean.dim, (x, [2, 3], True), {}),
    (aten.sum.dim_IntList, (x, [1]), {"dtype": torch.float64}),
    (aten.max.dim, (x, 1), {}),
    (aten.softmax.int, (x, -1), {}),
    (aten.flatten.using_ints, (x, 1), {}),
    (aten.view.default, (x, [2, -1]), {}),
    (aten.reshape.default, (x, [2, 3, 20]), {}),
    (aten.permute.default, (x, [0, 2, 3, 1]), {}),
    (aten.transpose.int, (x, 1, 2), {}),
    (aten.expand.default, (x[:1], [2, -1, -1, -1]), {}),
    (aten.unsqueeze.default, (x, 0), {}),
    (aten.squeeze.dim, (x, 0), {}),
    (aten.select.int, (x, 1, 2), {}),
    (aten.slice.Tensor, (x, 3, 1, 9223372036854775807, 2), {}),
    (aten.slice.Tensor, (x, -3, -2), {}),
    (aten.chunk.default, (x, 2, 3), {}),
    (aten.split.Tensor, (x, 2, 3), {}),
    (aten.split_with_sizes.default, (x, [2, 3], -1), {}),
    (aten.unbind.int, (x, 1), {}),
    (aten.roll.default, (x, [1, 1], [2, 3]), {}),
    (aten.pad.default, (x, [1, 1, 2, 0]), {}),
    (aten.max_pool2d.default, (x, [2, 2], [2, 2]), {"ceil_mode": True}),
    (aten.avg_pool2d.default, (x, [2, 2]), {}),
    (aten.adaptive_avg_pool2d.default, (x, [1, 1]), {}),
    (aten.batch_norm.default, (x, *torch.ones(4, 3), False, 0.1, 1e-5, True), {}),
    (aten.layer_norm.default, (x, [5], torch.ones(5), torch.ones(5)), {}),
    (aten.group_norm.default, (x, 3), {}),
    (aten.upsample_bilinear2d.vec, (x, [8, 9], False, None), {}),
    (aten.upsample_nearest2d.vec, (x, None, [2.0, 2.0]), {}),
    (aten.embedding.default, (torch.ones(7, 2), torch.tensor([0, 6])), {}),
    (aten.scaled_dot_product_attention.default, (x, x, x), {"is_causal": True}),
    (aten.dropout.default, (x, 0.5, False), {}),
    (aten.clone.default, (x,), {}),
    (aten.contiguous.default, (x,), {}),
    (aten.to.dtype, (x, torch.float64), {}),
    (aten.where.self, (x > 0, x, x), {}),
    (aten.index_select.default, (x, 1, torch.tensor([0, 2])), {}),
    (aten.index_put.default, (x, [torch.tensor([1])], torch.ones(())), {}),
    (aten.gather.default, (x, 3, torch.zeros(2, 3, 4, 1, dtype=torch.int64)), {}),
    (aten.cumsum.default, (x, 1), {}),
    (aten.zeros_like.default, (x,), {}),
    (aten.ctc_loss.IntList, (x[0], torch.ones(4, 2, dtype=torch.int64), [3] * 4, [1] * 4), {}),
    (aten.einsum.default, ("bchw,bdhw->bcd", [x, x]), {}),
]


class Call(nn.Module):
    def __init__(self, function, args, kwargs):
        super().__init__()
        self.function, self.args, self.kwargs = function, args, kwargs

    def forward(self, x):
        args = [x if isinstance(a, torch.Tensor) and a is globals()["x"] else a for a in self.args]
        return self.function(*args, **self.kwargs)


@pytest.mark.parametrize(("overload", "args", "kwargs"), CALLS, ids=lambda v: str(v)[:30])
def test_an_overload_is_the_call_of_a_function_with_a_rule(overload, args, kwargs):
    function, a, k = as_python_call(overload, args, kwargs, {})
    assert function in RULES, f"{overload} runs as a kernel"
    ours, real = function(*a, **k), overload(*args, **kwargs)
    for one, other in zip(_tensors(ours), _tensors(real), strict=True):
        assert one.shape == other.shape
        assert one.dtype is other.dtype
        assert torch.equal(one, other)


def _tensors(value):
    return value if isinstance(value, (list, tuple)) else [value]


def test_an_overload_that_is_like_no_function_stays_a_kernel():
    call = aten._softmax.default, (x, 1, False), {}
    assert as_python_call(*call, {}) == call


def test_an_argument_that_no_rule_has_is_not_dropped():
    def rule(path, input, size):
        """As ``expand``, without its argument ``implicit``."""

    assert adapt(aten.expand.default, rule, (x, [2]), {"implicit": True}) is None
    assert adapt(aten.expand.default, rule, (x, [2]), {"implicit": False}) == ((x, [2]), {})


def test_arguments_in_another_order_go_by_name():
    def other(path, indices, weight, padding_idx=None):
        """As ``F.embedding``."""

    found = adapt(aten.embedding.default, other, ("table", "ids", 3), {})
    assert found == ((), {"weight": "table", "indices": "ids", "padding_idx": 3})


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.up = nn.Conv2d(3, 4, 3), nn.ConvTranspose2d(4, 4, 2, stride=2)
        self.rows = nn.Embedding(12, 4)

    def forward(self, x):
        y = self.up(self.conv(x)).relu_()
        y = torch.cat([y, y.sigmoid()], 1)[:, :4]
        index = [None, None, torch.arange(2)]
        z = torch.ops.aten.index_put.default(y, index, torch.ones(()))
        return z.mean((2, 3)) + self.rows(torch.arange(10)).mean(0)


@pytest.mark.slow
def test_an_exported_program_accepts_what_its_model_accepts():
    auto = torch.export.Dim.AUTO
    shapes = ({2: auto, 3: auto},)
    program = torch.export.export(Net().eval(), (torch.ones(2, 3, 24, 24),), dynamic_shapes=shapes)
    model, exported = (archlint.infer(m, "2 3 H W") for m in (Net().eval(), program.module()))
    assert exported.exact, exported
    for sizes in ({"H": 4, "W": 5}, {"H": 9, "W": 12}, {"H": 40, "W": 24}):
        assert model.accepts(**sizes)
        assert exported.output(**sizes) == model.output(**sizes)
