"""istft against the real operator."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import archlint
from tests.ops.oracle import S, T, agree, covers
from tests.ops.rules.test_view import few, sizes

c64 = torch.complex64
spectra = st.sampled_from([("a", 5, "b"), (5, "b"), ("a", "b", 3), ("b",), (1, 5, "a")])
lengths = st.sampled_from([None, 0, 1, 9, S("a")])


@covers(torch.istft, torch.Tensor.istft)
@few
@given(
    env=sizes, other=sizes, x=spectra, hop=st.sampled_from([None, 1, 3, 8, 9]),
    center=st.booleans(), onesided=st.sampled_from([None, True, False]), length=lengths,
    width=st.sampled_from([None, 6]), whole=st.booleans(),
)  # fmt: skip
def test_istft(env, other, x, hop, center, onesided, length, width, whole):
    agree(
        torch.istft, T(*x, dtype=c64), 8, hop, width, center=center, onesided=onesided,
        length=length, return_complex=whole, env=env, other=other,
    )  # fmt: skip


class Resynthesis(nn.Module):
    """Back from a spectrum, by a window that the sound's dtype is given."""

    def __init__(self, make, n_fft, hop, center, length):
        super().__init__()
        self.settings = make, n_fft, hop, center, length

    def forward(self, x):
        make, n_fft, hop, center, length = self.settings
        spectrum = torch.complex(x, x)
        window = make(n_fft).to(x)
        count = None if length is None else length(x.shape[-1])
        return torch.istft(spectrum, n_fft, hop, window=window, center=center, length=count)


@pytest.mark.parametrize(
    ("make", "hop", "center", "length"),
    [
        (torch.hann_window, 2, True, lambda t: t * 2),
        (torch.hann_window, 8, True, None),
        (torch.hann_window, 4, False, None),
        (torch.hamming_window, 4, True, lambda t: 40),
        (torch.ones, 4, False, lambda t: t * 3 + 1),
        (torch.zeros, 4, True, None),
    ],
)
def test_which_windows_overlap(make, hop, center, length):
    model = Resynthesis(make, 8, hop, center, length)
    found = archlint.infer(model, "N 5 T")
    assert found.exact, found.reasons
    for frames in (1, 2, 3, 4, 5, 9, 20):
        try:
            real = tuple(model(torch.randn(2, 5, frames)).shape)
        except RuntimeError:
            real = None
        assert found.accepts(N=2, T=frames) == (real is not None), (frames, found.text)
        if real is not None:
            assert found.output(N=2, T=frames) == real


LENGTHS = {
    "a third": lambda t: (t // 3, t // 12, None),
    "an eighth, the hop fixed": lambda t: (t // 8, 4, None),
    "fixed, the hop an eighth": lambda t: (8, t // 8, None),
    "fixed, a narrow window": lambda t: (8, 8, max(1, t // 16)),
    "many overlap": lambda t: (128, 1, None),
}


@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("make", [torch.hann_window, torch.ones, torch.zeros])
def test_nothing_is_accepted_that_a_window_refuses(lengths, make):
    class Back(nn.Module):
        def forward(self, x):
            n_fft, hop, width = lengths(x.shape[1])
            window = make(n_fft if width is None else width)
            spectrum = torch.stft(x, n_fft, hop, width, window=window, return_complex=True)
            return torch.istft(spectrum, n_fft, hop, width, window=window)

    found = archlint.infer(Back(), "N T")
    for t in (5, 8, 12, 24, 32, 33, 40, 64, 70, 96, 100, 128, 160):
        try:
            Back()(torch.randn(1, t))
            runs = True
        except RuntimeError:
            runs = False
        assert found.accepts(N=1, T=t) in (runs, None), t


def test_a_complex_window_may_be_refused():
    class Back(nn.Module):
        def forward(self, x):
            window = torch.zeros(8, dtype=c64)
            return torch.istft(torch.complex(x, x), 8, 4, window=window, return_complex=True)

    assert archlint.infer(Back(), "N 8 T").accepts(N=1, T=4) in (False, None)
