"""Tensors made from sizes."""

from __future__ import annotations

import inspect
import itertools

import numpy
import pytest
import torch

import archlint
import archlint.ops.rules.factories as factory
from archlint.ops.registry import RULES
from archlint.symbolic import symbol
from tests.ops.oracle import HintPath, S, T, agree, covers

DTYPES = [torch.bool, torch.int64, torch.float16, torch.float64]
POINTS = [{"a": 2, "b": 3}, {"a": 0, "b": 1}, {"a": 3, "b": -1}]
OURS = [f for f, r in RULES.items() if inspect.getmodule(r) is factory]
SIZED = [torch.zeros, torch.ones, torch.empty, torch.rand, torch.randn]
LIKE = [torch.zeros_like, torch.ones_like, torch.empty_like, torch.rand_like, torch.randn_like]
NEW = [torch.Tensor.new_zeros, torch.Tensor.new_ones, torch.Tensor.new_empty]


def _named(f):
    return f.__name__


@covers(*SIZED)
@pytest.mark.parametrize("function", SIZED, ids=_named)
def test_sizes(function):
    for env in POINTS:
        for args in ((S("a"), S("b")), ((S("a"), S("b")),), ([S("a")],), (), ((),), (4, S("a"))):
            if args:
                agree(function, *args, env=env, other=POINTS[0])
        agree(function, size=(S("a"), 2), env=env, other=POINTS[0])
    for dtype in [*DTYPES, None]:
        agree(function, S("a"), dtype=dtype, device="cpu", env=POINTS[0])
    agree(function, S("a"), requires_grad=False, pin_memory=False, env=POINTS[0])


@covers(*LIKE, torch.full_like, torch.randint_like)
def test_like():
    for function, perm, dtype in itertools.product(LIKE, [None, (0, 3, 1, 2)], [None, *DTYPES]):
        x = T(2, "a", 3, "b", perm=perm)
        agree(function, x, dtype=dtype, env=POINTS[0], layout=True)
        if dtype is not None:
            agree(function, T("a", dtype=dtype), env=POINTS[0], layout=True)
        for memory_format in (torch.contiguous_format, torch.channels_last):
            agree(function, x, memory_format=memory_format, env=POINTS[0], layout=True)
    for value in (1, 2.5, True, S("a")):
        agree(torch.full_like, T("a", dtype=torch.int64), value, env=POINTS[0])
    for args in ((3,), (1, 3), (3, 3), (S("a"),)):
        agree(torch.randint_like, T("b"), *args, env=POINTS[0], other=POINTS[1])


@covers(*NEW, torch.Tensor.new, torch.Tensor.new_full, torch.Tensor.new_tensor)
def test_new():
    for function, env in itertools.product(NEW, POINTS):
        x = T("a", dtype=torch.int64) if env["a"] >= 0 else T(1)
        for args in ((S("b"), 2), ((S("b"),),), ((),)):
            agree(function, x, *args, env=env, other=POINTS[0])
        agree(function, x, (S("b"),), dtype=torch.float64, env=env, other=POINTS[0])
    for value in (1, 2.5, True, S("a")):
        agree(torch.Tensor.new_full, T("a", dtype=torch.int64), (S("b"),), value, env=POINTS[0])
        agree(torch.Tensor.new_full, T("a"), (S("b"),), value, env=POINTS[2], other=POINTS[0])
    agree(torch.Tensor.new_tensor, T("a"), [S("a"), 2], env=POINTS[0])
    for args in (((S("a"), 2),), ([S("a"), 2],), ([[1], [2]],), (S("a"), 2), (), (S("b"),)):
        agree(torch.Tensor.new, T("a", dtype=torch.int64), *args, env=POINTS[0], other=POINTS[1])
    agree(torch.Tensor.new_tensor, T("a"), [[1], [2.5]], dtype=torch.int64, env=POINTS[0])
    for array in (numpy.array([[1, 2], [3, 4]]), numpy.array(2.5), numpy.zeros((0, 3))):
        agree(torch.Tensor.new_tensor, T("a", dtype=torch.int64), array, env=POINTS[0])


WINDOWS = [torch.hann_window, torch.hamming_window, torch.blackman_window, torch.bartlett_window]


@covers(*WINDOWS, torch.kaiser_window)
@pytest.mark.parametrize("function", [*WINDOWS, torch.kaiser_window], ids=_named)
def test_window_functions(function):
    for env in [*POINTS, {"a": 1, "b": 1}]:
        for size, periodic in itertools.product((S("a"), S("b"), 5), (True, False)):
            agree(function, size, periodic, env=env, other=POINTS[0])
        agree(function, S("b"), periodic=False, env=env, other=POINTS[0])
        agree(function, window_length=S("b"), env=env, other=POINTS[0])
    for dtype in [*DTYPES, torch.bfloat16, None]:
        agree(function, S("a"), dtype=dtype, device="cpu", env=POINTS[0])
    agree(function, S("a"), dtype=torch.complex64, env=POINTS[0], may_lack_rule=True)
    agree(function, S("a"), requires_grad=True, env=POINTS[0])
    if function is torch.hamming_window:
        agree(function, S("a"), True, 0.5, 0.4, env=POINTS[0])
        agree(function, S("a"), False, alpha=0.5, beta=0.4, env=POINTS[0])
    if function is torch.kaiser_window:
        agree(function, S("a"), True, 5.0, env=POINTS[0])
        agree(function, S("a"), periodic=False, beta=5.0, env=POINTS[0])


@covers(torch.normal)
def test_normal():
    for env, (mean, std) in itertools.product(POINTS, [(0.0, 1.0), (2.5, 0.0), (0.0, -1.0)]):
        for size in ((S("a"), S("b")), (S("b"),), [3, S("a")], ()):
            agree(torch.normal, mean, std, size, env=env, other=POINTS[0])
        agree(torch.normal, mean, std, size=(S("b"), 2), env=env, other=POINTS[0])
        agree(torch.normal, mean=mean, std=std, size=(S("b"), 2), env=env, other=POINTS[0])
    for dtype in [*DTYPES, torch.bfloat16, None]:
        agree(torch.normal, 0.0, 1.0, (S("a"),), dtype=dtype, device="cpu", env=POINTS[0])
    agree(torch.normal, T("a"), 1.0, env=POINTS[0], may_lack_rule=True)


@covers(torch.full, torch.randint)
def test_full_and_randint():
    for value, dtype in itertools.product([1, 2.5, True, S("b")], [None, *DTYPES]):
        agree(torch.full, (S("a"), 2), value, dtype=dtype, env=POINTS[0], other=POINTS[1])
    for env in POINTS:
        for args in ((5, (S("a"),)), (1, 3, (S("a"),)), (S("b"), (2,)), (S("a"), S("b"), [2])):
            agree(torch.randint, *args, env=env, other=POINTS[0])
        agree(torch.randint, 0, 5, size=(S("a"),), env=env, other=POINTS[0])
        agree(torch.randint, low=0, high=S("b"), size=(2,), env=env, other=POINTS[0])


@pytest.mark.filterwarnings("ignore:.*out of bounds")
@covers(torch.randint, torch.randint_like)
@pytest.mark.parametrize("dtype", [*DTYPES, torch.bfloat16, torch.int16, torch.int8, torch.uint8])
@pytest.mark.parametrize("high", [2, 3, 128, 129, 256, 257, 32768, 32769, 65505, 65506, 2**31 + 1])
def test_randint_of_numbers_that_a_dtype_does_not_hold(dtype, high):
    env, other = {"a": 2, "b": high}, {"a": 3, "b": 2}
    agree(torch.randint, S("b"), (S("a"),), dtype=dtype, env=env, other=other)
    agree(torch.randint, -high, 1, (S("a"),), dtype=dtype, env=env, other=other)
    agree(torch.randint, S("b"), (0,), dtype=dtype, env=env, other=other)
    agree(torch.randint_like, T("a"), S("b"), dtype=dtype, env=env, other=other)


@covers(torch.tensor, torch.as_tensor)
def test_of_numbers():
    data = [
        S("a"),
        [S("a"), S("b")],
        [[S("a"), 1], [S("b"), -2]],
        [S("a"), 2.5],
        [True, S("a")],
        [],
    ]
    for function, numbers in itertools.product((torch.tensor, torch.as_tensor), data):
        for dtype in (None, torch.int64, torch.float64):
            agree(function, numbers, dtype=dtype, env=POINTS[0], other=POINTS[1])
        agree(function, [[S("a")], [S("a"), S("b")]], env=POINTS[0])
        agree(function, [S("a"), [S("b")]], env=POINTS[0], may_lack_rule=True)
    agree(torch.as_tensor, T("a"), dtype=torch.float64, env=POINTS[0])


def test_values():
    h, w = symbol("h"), symbol("w")
    path = HintPath({"h": 3, "w": 4})
    assert RULES[torch.tensor](path, [h, h - 2]).values == (h - 2, h)
    assert RULES[torch.full](path, (2,), w - 1).values == (w - 1, w - 1)
    assert RULES[torch.randint](path, w, (2,)).values == (0, w - 1)


def test_every_rule_is_covered():
    from tests.ops.oracle import COVERED

    assert set(OURS) <= COVERED


@covers(torch.multinomial, torch.Tensor.multinomial)
@pytest.mark.parametrize("replacement", [False, True])
def test_multinomial(replacement):
    for dims, env in itertools.product([("a",), ("a", "b"), ("b", "a"), (), (2, 3, 4)], POINTS):
        if min(env.values()) < 0:
            continue
        for number in (0, 1, 3, S("b")):
            args = (T(*dims, fill=1), number, replacement)
            agree(torch.multinomial, *args, env=env, other=POINTS[0])


def test_new_tensor_knows_the_numbers_of_an_array():
    class Offsets(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.offsets = numpy.array([0, 5, 12])
            self.table = torch.nn.Embedding(21, 2)

        def forward(self, x):
            return self.table(x + x.new_tensor(self.offsets))

    fields = {"shape": "N F", "dtype": "int64"}
    found = archlint.infer(Offsets(), fields | {"below": 9})
    assert (found.exact, found.text) == (True, "F in {1, 3}")
    assert not archlint.infer(Offsets(), fields | {"below": 10}).exact


@pytest.mark.filterwarnings("ignore:To copy construct")
def test_new_tensor_of_a_tensor_is_its_copy():
    class Overlap(torch.nn.Module):
        def forward(self, x):
            frames = torch.arange(x.shape[1]).unfold(0, 3, 2)
            index = x.new_tensor(frames).long().contiguous().view(-1)
            sums = x.new_zeros(x.shape).index_add_(1, index, x[:, : len(index)])
            return x.new_tensor(sums, dtype=torch.float64)

    found = archlint.infer(Overlap().eval(), "N T")
    assert found.exact, found.reasons
    for n in (1, 2):
        for t in range(1, 12):
            try:
                real = Overlap()(torch.zeros(n, t)).shape
            except (RuntimeError, IndexError):
                assert found.accepts(N=n, T=t) is False
            else:
                assert found.output(N=n, T=t) == tuple(real)
