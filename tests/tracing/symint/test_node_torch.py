"""What PyTorch asks of sizes that are formulas: methods of the protocol, and its own kernels."""

import pytest
import torch
from torch._dispatch.python import enable_python_dispatcher

from archlint.symbolic import Expr, evaluate, symbol
from archlint.symbolic.formula import holds
from archlint.symbolic.intervals import Box
from archlint.tracing.path import TracedPath
from archlint.tracing.symint.node import SizeNode, size_of
from archlint.tracing.symint.python_types import sym_int
from tests.support.traced_sizes import HINT, let_through

# torch 2.6 turns a SymFloat into an int that way.
pytestmark = pytest.mark.filterwarnings("ignore:The delegation of int:DeprecationWarning")

H, W = symbol("H"), symbol("W")


@pytest.fixture
def path():
    return TracedPath(HINT, Box({"H": (1, None), "W": (1, None)}))


def test_torch_check_is_a_claim(path):
    torch._check(sym_int(H, path) % 2 == 0)
    assert [(e.kind, e.held) for e in path.events] == [("claim", True)]
    with pytest.raises(RuntimeError):
        torch._check(sym_int(H, path) > 50, lambda: "too small")
    assert [(e.kind, e.held) for e in path.events] == [("claim", True), ("claim", False)]


def test_every_method_that_torch_can_ask_is_there():
    """What torch's user-facing operators look up on a node, by name."""
    from torch.fx.experimental import sym_node

    trailing = sym_node.magic_methods_on_operator_with_trailing_underscore
    asked = {f"sym_{m}" if m in trailing else m for m in sym_node.magic_methods}
    assert sorted(m for m in asked if not hasattr(SizeNode, m)) == []


F = torch.nn.functional


def like(*dims):
    return lambda size: torch.empty([size(d) for d in dims], device="meta")


IMAGE = like(2, 8, H, W)
KERNEL = torch.empty(4, 8, 3, 3, device="meta")
KERNELS = {
    "conv2d": (lambda x: F.conv2d(x, KERNEL, stride=2, padding=1), IMAGE),
    "conv_transpose2d": (
        lambda x: F.conv_transpose2d(x, torch.empty(8, 4, 3, 3, device="meta"), stride=2),
        IMAGE,
    ),
    "max_pool2d": (lambda x: F.max_pool2d(x, 3, 2, 1), IMAGE),
    "max_pool2d ceil": (lambda x: F.max_pool2d(x, 2, 2, ceil_mode=True), IMAGE),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, 2), IMAGE),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (7, 1)), IMAGE),
    "adaptive to a size": (lambda x: F.adaptive_avg_pool2d(x, (x.shape[3], 2)), IMAGE),
    "linear": (lambda x: F.linear(x, torch.empty(5, 8, device="meta")), like(H, W, 8)),
    "matmul": (lambda x: x @ x.transpose(-1, -2), IMAGE),
    "view": (lambda x: x.view(2, 8, -1), IMAGE),
    "view by sizes": (lambda x: x.view(2, 8, x.shape[2] * x.shape[3]), IMAGE),
    "flatten": (lambda x: torch.flatten(x, 1), IMAGE),
    "reshape after permute": (lambda x: x.permute(0, 2, 3, 1).reshape(2, -1, 8), IMAGE),
    "cat": (lambda x: torch.cat([x, x, x], 2), IMAGE),
    "cat of other sizes": (lambda x: torch.cat([x[:, :3], x], 1), IMAGE),
    "stack": (lambda x: torch.stack([x, x]), IMAGE),
    "interpolate to double": (lambda x: F.interpolate(x, scale_factor=2), IMAGE),
    "interpolate to half": (lambda x: F.interpolate(x, scale_factor=0.5, mode="bilinear"), IMAGE),
    "interpolate by size": (lambda x: F.interpolate(x, size=(x.shape[3], 9)), IMAGE),
    "pad": (lambda x: F.pad(x, (1, 2, 0, 3)), IMAGE),
    "pad by sizes": (lambda x: F.pad(x, (0, (7 - x.shape[3] % 7) % 7)), IMAGE),
    "slice": (lambda x: x[:, :, : x.shape[2] // 2], IMAGE),
    "strided slice": (lambda x: x[:, :, ::2, 1:], IMAGE),
    "unsqueeze": (lambda x: x[:, None].expand(2, 3, 8, -1, -1), IMAGE),
    "broadcast": (lambda x: x + torch.empty(8, 1, 1, device="meta"), IMAGE),
    "mean": (lambda x: x.mean((2, 3), keepdim=True), IMAGE),
    "softmax": (lambda x: x.softmax(-1), IMAGE),
    "batch_norm": (
        lambda x: F.batch_norm(x, torch.empty(8, device="meta"), torch.empty(8, device="meta")),
        IMAGE,
    ),
    "layer_norm": (lambda x: F.layer_norm(x, (8,)), like(H, W, 8)),
    "roll": (lambda x: torch.roll(x, (1, 2), (2, 3)), IMAGE),
    "unfold": (lambda x: F.unfold(x, 3, padding=1), IMAGE),
    "zeros of sizes": (lambda x: torch.zeros(x.shape[2] + 1, x.shape[3], device="meta"), IMAGE),
    "arange": (lambda x: torch.arange(x.shape[2], device="meta"), IMAGE),
    "chunk": (lambda x: torch.cat(x.chunk(2, 1), 2), IMAGE),
    "repeat": (lambda x: x.repeat(1, 1, 2, x.shape[2]), IMAGE),
    "attention": (lambda x: F.scaled_dot_product_attention(x, x, x), like(2, 4, H, 16)),
    "einsum": (lambda x: torch.einsum("nchw,ncHw->nhH", x, x), IMAGE),
}  # fmt: skip


@pytest.mark.parametrize("name", KERNELS)
def test_meta_kernels_compute_in_formulas(name):
    run, make = KERNELS[name]
    path = TracedPath({"H": 30, "W": 44}, Box({"H": (8, None), "W": (8, None)}))
    with torch.no_grad(), enable_python_dispatcher():
        out = run(make(lambda d: sym_int(d, path)))
    dims = [size_of(d) for d in out.shape]
    assert all(isinstance(d, (int, Expr)) for d in dims)
    reached = 0
    for env in ({"H": h, "W": w} for h in (8, 9, 15, 30, 64, 99) for w in (8, 13, 44, 45, 100)):
        real = run(make(lambda d, env=env: evaluate(d, env)))
        if let_through(path, env):
            assert [evaluate(d, env) for d in dims] == list(real.shape), env
            reached += 1
    assert reached >= 8, [str(e.formula) for e in path.events]


def test_a_kernel_refuses_as_it_does_at_numbers(path):
    with enable_python_dispatcher(), pytest.raises(RuntimeError):
        F.conv2d(like(1, 3, H, W)(lambda d: sym_int(d, path)), KERNEL)


def test_layout_questions(path):
    with enable_python_dispatcher():
        x = IMAGE(lambda d: sym_int(d, path))
        assert x.is_contiguous()
        assert size_of(x.numel()) is 16 * H * W
        assert path.events == []
        assert not x.permute(0, 2, 3, 1).is_contiguous()
        sizes = [2, 8, *(sym_int(d, path) for d in (H, W))]
        strides = [sym_int(d, path) for d in (8 * H * W, 1, 8 * W, 8)]
        last = torch.empty_strided(sizes, strides, device="meta")
        assert last.is_contiguous(memory_format=torch.channels_last)
        assert not last.is_contiguous()
        assert [size_of(s) for s in last.stride()] == [8 * H * W, 1, 8 * W, 8]
    # Where the strides do not settle it, PyTorch asks whether sides are 1; no larger size parts.
    assert all(holds(e.formula, {"H": 2, "W": 2}) for e in path.events)


def test_layout_methods_ask_nothing(path):
    sizes = [SizeNode(d, path) for d in (2, 8, H, W)]
    plain = [SizeNode(d, path) for d in (8 * H * W, H * W, W, 1)]
    last = [SizeNode(d, path) for d in (8 * H * W, 1, 8 * W, 8)]
    for strides, answers in ((plain, [True, False]), (last, [False, True])):
        node = sizes[2]
        asked = [node.is_contiguous, node.is_channels_last_contiguous_2d]
        assert [ask(sizes, strides).guard_bool() for ask in asked] == answers
        assert node.is_channels_last_strides_2d(sizes, strides).guard_bool() is answers[1]
        assert node.is_channels_last_contiguous_3d(sizes, strides).guard_bool() is False
        assert node.is_channels_last_strides_3d(sizes, strides).guard_bool() is False
        assert node.is_non_overlapping_and_dense(sizes, strides).guard_bool() is True
        assert node.is_non_overlapping_and_dense_indicator(*sizes, *strides).guard_int() == 1
    assert path.events == []
