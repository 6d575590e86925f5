"""What has no shape rule: the meta kernel's answer, held against the CPU's."""

from __future__ import annotations

import re

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from archlint.contracts.contract import TensorInput
from archlint.symbolic import evaluate
from archlint.tracing import meta_kernels as kernels
from archlint.tracing.trace import dims_of
from tests.support.traced_models import SIZES, H, N, W, run


def test_without_rules_pytorchs_kernels_give_the_same_sizes():
    def forward(self, x):
        return self.pool(self.conv(x)).flatten(1)

    parts = {"conv": nn.Conv2d(3, 4, 3, stride=2), "pool": nn.MaxPool2d(2)}
    ruled, bare = run(forward, **parts), run(forward, rules=False, **parts)
    assert dims_of(ruled.output) == dims_of(bare.output)
    assert ruled.kernels == {}
    assert len(bare.kernels) == 3


def _refuse(x):
    raise RuntimeError("no such sizes")


def _needs_int(x):
    raise NotImplementedError("\"narrow\" not implemented for 'Float'")


@pytest.mark.parametrize(
    ("name", "cpu", "meta", "outcome", "words"),
    [
        ("agree", torch.clone, torch.empty_like, "accepted", ""),
        ("refuse", _refuse, _refuse, "raised", "no such sizes"),
        (
            "meta_refuses",
            torch.clone,
            _refuse,
            "unknown",
            "its meta kernel refuses what the CPU kernel accepts",
        ),
        ("cpu_refuses", _refuse, torch.empty_like, "accepted", "the CPU may refuse"),
        ("no_dtype", _needs_int, torch.empty_like, "raised", "not implemented for 'Float'"),
        ("sizes", torch.clone, lambda x: x.new_empty(1), "unknown", "give different sizes"),
    ],
)
def test_the_cpu_is_heard_on_what_has_no_rule(name, cpu, meta, outcome, words):
    schema = "(Tensor x) -> Tensor"
    op = torch.library.custom_op(f"archlint_tests::{name}", cpu, mutates_args=(), schema=schema)
    op.register_fake(meta)
    found = run(lambda self, x: op(x))
    assert found.outcome == outcome, found.error
    said = " ".join([found.error, *found.path.caveats])
    assert words in said
    assert bool(said) == bool(words)


def _pairs(x):
    return x.new_empty((x.numel() + 1) // 2)


def _even_pairs(x):
    torch._check(x.numel() % 2 == 0)
    return x.new_empty(x.numel() // 2)


@pytest.mark.parametrize("cpu", [_pairs, _even_pairs])
def test_the_cpu_is_heard_on_sizes_that_the_meta_kernel_refuses(cpu):
    """They are on no path of their own: what the meta kernel checks is a claim."""
    schema = "(Tensor x) -> Tensor"
    name = f"archlint_tests::claims{cpu.__name__}"
    op = torch.library.custom_op(name, cpu, mutates_args=(), schema=schema)
    op.register_fake(_even_pairs)
    found = run(lambda self, x: op(x[:1, :1]), sizes={"N": 2, "H": 4, "W": 4})
    if cpu is _even_pairs:
        assert found.outcome == "accepted", found.error
        assert [e.kind for e in found.path.events][-1] == "claim"
    else:
        assert found.outcome == "unknown"
        assert "its meta kernel needs" in found.error


def test_the_cpu_kernel_does_not_run_on_many_elements(monkeypatch):
    calls = []

    def run_on_cpu(func, arguments):
        calls.append(func)
        return func(*arguments[0])

    monkeypatch.setattr(kernels, "run_on_cpu", run_on_cpu)
    inverse = lambda self, x: torch.linalg.inv(x)  # noqa: E731
    monkeypatch.setattr(kernels, "sample_sizes", lambda path, call: [path.env])
    few, many = {"N": 1, "H": 4, "W": 4}, {"N": 1, "H": 1024, "W": 1024}
    run(inverse, sizes=few)
    assert calls == [torch.linalg.inv]
    run(inverse, sizes=many)
    run(inverse, sizes=few, rules=False)
    assert calls == [torch.linalg.inv]


def test_the_cpu_is_heard_at_the_smallest_sizes_too():
    """Some of its kernels take another way for few elements."""
    found = run(
        lambda self, x: torch.isin(x[0, 0], x[0, 1].t()), sizes={"N": 1, "H": 256, "W": 288}
    )
    assert any("the CPU may refuse" in c for c in found.path.caveats), found.path.caveats


REASONS = "not implemented for|be cast to the desired output type"


@pytest.mark.parametrize(
    ("forward", "dtype"),
    [
        (lambda self, x: F.adaptive_avg_pool2d(x, 2), "int64"),
        (lambda self, x: F.adaptive_max_pool2d(x, 2), "int64"),
        (lambda self, x: F.interpolate(x, 4, mode="area"), "uint8"),
        (lambda self, x: F.avg_pool2d(x, 2), "int64"),
        (lambda self, x: F.avg_pool2d(x, 2), "bool"),
        (lambda self, x: F.max_pool2d(x, 2), "bool"),
        (lambda self, x: F.unfold(x, 2), "int64"),
        (lambda self, x: torch.einsum("nchw,nkhw->nck", x, x), "bool"),
        (lambda self, x: x.cumsum(1, dtype=torch.bool), "float32"),
        (lambda self, x: torch.lerp(x, x, x), "int64"),
        (lambda self, x: torch.addcmul(x, x, x), "int64"),
        (lambda self, x: (x > 0).addcmul_(x, x), "int64"),
    ],
)
def test_a_dtype_that_the_cpu_may_have_no_kernel_for(forward, dtype):
    """Meta kernels take them all; what is left to them is tried on the CPU."""
    found = run(forward, input=TensorInput((N, 3, H, W), dtype))
    real, reason = None, ""
    try:
        real = forward(None, torch.zeros(2, 3, 20, 24, dtype=getattr(torch, dtype)))
    except RuntimeError as e:
        reason = str(e)
    if real is None:
        assert re.search(REASONS, reason)
        assert found.outcome == "raised"
        assert re.search(REASONS, found.error)
    else:
        assert found.outcome == "accepted", found.error
        assert tuple(evaluate(d, SIZES) for d in dims_of(found.output)) == tuple(real.shape)


def test_the_cpu_is_heard_on_where_a_result_lies():
    """The meta kernel lays out the last result of ``svd`` in rows, the CPU in columns."""
    svd = lambda self, x: torch.linalg.svd(x, full_matrices=False)  # noqa: E731
    viewed = run(lambda self, x: svd(self, x)[2].view(-1))
    assert viewed.outcome == "unknown"
    assert "the memory layout of the result of linalg_svd" in viewed.error
    assert run(lambda self, x: svd(self, x)[2].abs()).outcome == "accepted"
