"""``torch.fft`` against the real transforms."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import fft, nn

import archlint
from archlint.symbolic import symbol
from tests.ops.oracle import S, T, agree, covers
from tests.ops.rules.test_view import few, sizes

ONE = [fft.fft, fft.ifft, fft.rfft, fft.irfft, fft.hfft, fft.ihfft]
TWO = [fft.fft2, fft.ifft2, fft.rfft2, fft.irfft2, fft.hfft2, fft.ihfft2]
MANY = [fft.fftn, fft.ifftn, fft.rfftn, fft.irfftn, fft.hfftn, fft.ihfftn]
tensors = st.sampled_from([("a", "b", "c"), ("a",), ("a", 3, "b"), (), ("c", "a", 2, "b")])
dtypes = st.sampled_from([torch.float32, torch.int64, torch.float64, torch.complex64, torch.bool])
points = st.sampled_from([None, S("a"), S("d"), 1, 5, -1, 0])
norms = st.sampled_from([None, "ortho", "other"])


@covers(*ONE)
@settings(max_examples=120, deadline=None)
@given(st.sampled_from(ONE), sizes, sizes, tensors, dtypes, points, st.integers(-4, 3), norms)
def test_along_one(op, env, other, x, dtype, n, dim, norm):
    x, at = T(*x, dtype=dtype), {"env": env, "other": other, "may_lack_rule": True}
    agree(op, x, n, dim, norm, layout=True, **at)


@covers(*TWO, *MANY)
@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(TWO + MANY),
    sizes,
    sizes,
    tensors,
    dtypes,
    st.none() | st.lists(points, min_size=1, max_size=2).filter(lambda s: None not in s),
    st.none() | st.permutations([0, 1, -1]).map(lambda d: d[:2]) | st.sampled_from([[], [1]]),
)
def test_along_many(op, env, other, x, dtype, s, dim):
    x, at = T(*x, dtype=dtype), {"env": env, "other": other, "may_lack_rule": True}
    if dim is None:
        agree(op, x, s, layout=True, **at)
    else:
        agree(op, x, s, dim, layout=True, **at)


@covers(fft.fftfreq, fft.rfftfreq)
@few
@given(st.sampled_from([fft.fftfreq, fft.rfftfreq]), sizes, sizes, st.sampled_from([0, 5, -1, -3]))
def test_frequencies(op, env, other, n):
    agree(op, S("a"), env=env, other=other)
    at = {"env": env, "other": other, "may_lack_rule": True}
    agree(op, S(symbol("a") - symbol("b")), 0.5, dtype=torch.float64, **at)
    agree(op, n, **at)


class Convolved(nn.Module):
    def forward(self, x):
        n = 2 * x.shape[-1] - 1
        spectrum = fft.rfft(x, n=n) * fft.rfft(torch.ones(5), n=n)
        return fft.irfft(spectrum[..., 4:], n=n).view(x.shape[0], -1)


def test_a_batch_with_elements_is_exact():
    class Cut(nn.Module):
        def forward(self, x):
            return fft.irfft(fft.rfft(x[:, 3:].transpose(1, 2)))

    for model in (Cut(), Convolved()):
        found = archlint.infer(model, "N T 4")
        for n, t in ((1, 4), (3, 5), (2, 6)):
            try:
                real = tuple(model(torch.zeros(n, t, 4)).shape)
            except RuntimeError:
                real = None
            assert found.accepts(N=n, T=t) is (real is not None)
            assert real is None or found.output(N=n, T=t) == real
