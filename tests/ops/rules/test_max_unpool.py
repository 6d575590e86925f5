"""max_unpool against the real kernels, and of the indices that a pool gives."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import archlint
from tests.ops.oracle import S, T, agree, covers
from tests.ops.rules.test_indexing import ids
from tests.ops.rules.test_view import few, sizes

_nn = torch._C._nn
images = st.sampled_from([(1, "a", "b"), (2, 1, "a", "b"), ("a", 2, 2), ("a", "b"), (1,) * 5])
volumes = st.sampled_from([(1, "a", 1, "b"), (1, 1, "a", 2, 1), ("a", 1, "b")])
outputs = st.sampled_from(["a", "b", 3, 4, 0, -1])


@covers(_nn.max_unpool2d, _nn.max_unpool3d)
@few
@given(sizes, sizes, images, images, st.lists(outputs, min_size=1, max_size=3), st.booleans())
def test_max_unpool2d(env, other, x, index, output, same):
    size = tuple(S(o) for o in output)
    where = ids(*(x if same else index), low=0)
    agree(_nn.max_unpool2d, T(*x), where, size, env=env, other=other)


@few
@given(sizes, sizes, volumes, st.tuples(outputs, outputs, outputs), st.sampled_from([-1, 0, 2]))
def test_max_unpool3d(env, other, x, output, stride):
    size = tuple(S(o) for o in output)
    args = (T(*x), ids(*x), size, (2, 2, stride), (0, 0, 0))
    agree(_nn.max_unpool3d, *args, env=env, other=other)


class Unpooled(nn.Module):
    def __init__(self, pool, unpool, same_size, *window):
        super().__init__()
        self.pool, self.unpool, self.same_size, self.window = pool, unpool, same_size, window

    def forward(self, x):
        y, where = self.pool(x, *self.window, return_indices=True)
        size = x.shape[2:] if self.same_size else None
        return self.unpool(y, where, *self.window, output_size=size)


@pytest.mark.parametrize(
    ("pool", "unpool", "input"),
    [
        (F.max_pool1d, F.max_unpool1d, "N 3 L"),
        (F.max_pool2d, F.max_unpool2d, "N 3 H W"),
        (F.max_pool3d, F.max_unpool3d, "N 3 D H W"),
    ],
)
def test_the_size_from_before_the_pool(pool, unpool, input):
    found = archlint.infer(Unpooled(pool, unpool, True, 2), input)
    names = input.split()[2:]
    assert found.exact, found
    assert found.text == ", ".join(names) + " >= 2"
    sizes = dict.fromkeys(names, 7)
    assert found.output(N=2, **sizes) == (2, 3, *sizes.values())


def test_rows_that_the_pool_left_out_do_not_matter():
    found = archlint.infer(Unpooled(F.max_pool2d, F.max_unpool2d, False, 2), "N 3 H W")
    assert found.accepts(N=1, H=7, W=6) is True
    assert found.output(N=1, H=7, W=6) == (1, 3, 6, 6)
    assert found.accepts(N=1, H=6, W=7) is None  # the largest index may be beyond 6x6
    overlapping = archlint.infer(Unpooled(F.max_pool2d, F.max_unpool2d, False, 3, 2), "N 3 H W")
    assert overlapping.accepts(N=1, H=8, W=7) is True
