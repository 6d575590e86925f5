"""The dtypes of results under autocast, against the real operators."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

import archlint
from archlint.contracts.contract import TensorInput
from archlint.symbolic import symbol
from archlint.symbolic.intervals import Box
from archlint.tracing.tracer import trace
from tests.support.traced_models import Model

CALLS = {
    "conv": lambda x: F.conv2d(x, torch.zeros(2, 3, 2, 2)),
    "conv_transpose": lambda x: F.conv_transpose1d(x[0], torch.zeros(3, 2, 2)),
    "linear": lambda x: F.linear(x, torch.zeros(4, 8), torch.zeros(4)),
    "@": lambda x: x @ x,
    "matmul": lambda x: torch.matmul(x, x.mT),
    "bmm": lambda x: torch.bmm(x[0], x[0]),
    "mm": lambda x: x[0, 0].mm(x[0, 0]),
    "mv": lambda x: torch.mv(x[0, 0], x[0, 0, 0]),
    "dot": lambda x: x[0, 0, 0].dot(x[0, 0, 0]),
    "addmm": lambda x: torch.addmm(x[0, 0], x[0, 0], x[0, 0]),
    "baddbmm": lambda x: x[0].baddbmm(x[0], x[0]),
    "outer": lambda x: torch.outer(x[0, 0, 0], x[0, 0, 0]),
    "tensordot": lambda x: torch.tensordot(x, x, dims=([2, 3], [2, 3])),
    "prelu": lambda x: F.prelu(x, torch.ones(3)),
    "attention": lambda x: F.scaled_dot_product_attention(x, x, x),
    "doubles": lambda x: x.double() @ x.double(),
    "integers": lambda x: torch.bmm(x[0].long(), x[0].long()),
    "halves": lambda x: x.half() @ x.half(),
    "layer_norm": lambda x: F.layer_norm(x, (8,)),
    "batch_norm": lambda x: F.batch_norm(x, torch.zeros(3), torch.ones(3)),
    "softmax": lambda x: x.softmax(1),
    "add": lambda x: x + torch.ones(8),
    "cat": lambda x: torch.cat([x, x.float()]),
    "interpolate": lambda x: F.interpolate(x, scale_factor=2),
    "max_pool": lambda x: F.max_pool2d(x, 2),
    "adaptive_avg_pool2d": lambda x: F.adaptive_avg_pool2d(x, 2),
    "adaptive_avg_pool3d": lambda x: F.adaptive_avg_pool3d(x, 2),
    "adaptive_max_pool3d": lambda x: F.adaptive_max_pool3d(x, 2),
    "grid_sample": lambda x: F.grid_sample(x, torch.zeros(2, 4, 4, 2), align_corners=False),
    "reflect": lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect"),
    "replicate": lambda x: F.pad(x, (1, 1, 1, 1), "replicate"),
    "circular": lambda x: F.pad(x, (1, 1, 1, 1), "circular"),
    "zeros": lambda x: F.pad(x, (1, 1)),
    "max_pool3d": lambda x: F.max_pool3d(x, 2),
    "affine_grid": lambda x: F.affine_grid(x[:, 0, :2, :3], [2, 3, 4, 4], False),
    "prod": lambda x: x.prod(1),
    "sum": lambda x: x.sum(1),
    "norm": lambda x: torch.linalg.vector_norm(x),
    "trace": lambda x: x[0, 0].trace(),
    "cdist": lambda x: torch.cdist(x, x),
    "rfft": lambda x: torch.fft.rfft(x),
    "cross_entropy": lambda x: F.cross_entropy(x[:, :, 0, 0], torch.tensor([0, 1])),
    "mse_loss": lambda x: F.mse_loss(x, x),
    "max_unpool": lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
    "attention_layer": lambda x: F.multi_head_attention_forward(
        x[0], x[0], x[0], 8, 2, torch.zeros(24, 8), torch.zeros(24), None, None, False, 0.0,
        torch.zeros(8, 8), torch.zeros(8), training=False,
    )[0],
}  # fmt: skip
IMAGE = TensorInput((symbol("N"), 3, symbol("H"), symbol("W")))
SIZES = {"N": 2, "H": 8, "W": 8}
BOX = Box(dict.fromkeys("NHW", (1, None)))


def under_autocast(call, x):
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        return call(x)


@pytest.mark.parametrize("before", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", CALLS)
def test_the_dtype_is_that_of_pytorch(name, before):
    call = CALLS[name]
    try:
        expected = under_autocast(call, torch.ones(2, 3, 8, 8, dtype=before))
    except RuntimeError:
        pytest.skip("the real operator refuses")
    model = Model(lambda self, x: under_autocast(call, x.to(before)))
    found = trace(model, IMAGE, SIZES, BOX)
    if found.outcome == "unknown":
        assert "is not followed under autocast" in found.error
    else:
        assert (found.outcome, found.output.dtype) == ("accepted", expected.dtype), found.error


@pytest.mark.parametrize(
    "call",
    [
        lambda x: torch.einsum("nchw,nchv->nwv", x, x),
        lambda x: torch.linalg.matrix_power(x @ x.mT, 2),
        lambda x: torch.nn.LSTM(3, 2)(x.flatten(2).mT)[0],
        lambda x: torch.linalg.lu_factor(x)[0],
        lambda x: torch.cat([x.half(), x.half()]),
        lambda x: torch.stack(tensors=[x, x.half()]),
        lambda x: torch.hstack((x.bfloat16(), x.half())),
        lambda x: x.index_copy(1, torch.tensor([0, 1, 2]), x.bfloat16()),
    ],
)
def test_what_is_not_listed_is_not_followed(call):
    found = trace(Model(lambda self, x: under_autocast(call, x)), IMAGE, SIZES, BOX)
    assert found.outcome == "unknown"
    assert "is not followed under autocast" in found.error


def test_dtypes_that_do_not_fit_outside_of_autocast():
    layer = torch.nn.Linear(8, 2)

    def forward(self, x):
        return layer(under_autocast(lambda x: F.conv2d(x, torch.zeros(2, 3, 2, 2)), x))

    verdict = archlint.check(Model(forward), "N 3 H 9", accepts="any H >= 2", samples=0)
    assert (verdict.word, verdict.counterexample) == ("broken", {"N": 1, "H": 2})
    assert "one dtype" in str(verdict)
