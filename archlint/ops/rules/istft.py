"""``torch.istft``, which adds overlapping windows up and divides by the sum of their squares."""

from __future__ import annotations

import torch

from archlint.ops.registry import NoRule, Path, TensorSpec, refuse, shape_rule
from archlint.ops.shapes.claims import claim_ndim
from archlint.symbolic import Size
from archlint.symbolic.formula import eq, ge, gt

_NEAR_ZERO = 1e-11  # sums of squares below it are refused (aten/src/ATen/native/SpectralOps.cpp)
_MOST_OVERLAPS = 64  # windows over one sample


@shape_rule(torch.istft, torch.Tensor.istft, raises=(RuntimeError, TypeError), reads_weights=True)
def istft(
    path: Path,
    input: TensorSpec,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: TensorSpec | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: Size | None = None,
    return_complex: bool = False,
) -> TensorSpec:
    """(..., frequencies, frames) -> (..., samples), of at most one batch dimension."""
    hop = n_fft // 4 if hop_length is None else hop_length
    width = n_fft if win_length is None else win_length
    if not input.dtype.is_complex:
        raise NoRule("an input of real numbers")
    if not all(isinstance(n, int) for n in (n_fft, hop, width)):
        path.unknown_outcome("which windows istft refuses is not known where sizes determine n_fft")
    if window is not None and window.dtype.is_complex:
        path.unknown_outcome("which complex windows istft refuses is not known")
    if n_fft < 1:
        raise NoRule("a length of the transform below 1")
    claim_ndim(path, "an input", input, 2, 3)
    *batch, frequencies, frames = input.dims
    for size in input.dims:
        path.claim(gt(size, 0), "size {} > 0", size)
    if onesided is None:
        onesided = not path.branch(eq(frequencies, n_fft))
    needed = n_fft // 2 + 1 if onesided else n_fft
    text = "frequencies {} == n_fft // 2 + 1 = {}" if onesided else "frequencies {} == n_fft {}"
    path.claim(eq(frequencies, needed), text, frequencies, needed)
    path.claim(0 < hop <= width, "hop_length {} from 1 to win_length {}", hop, width)
    path.claim(0 < width <= n_fft, "win_length {} from 1 to n_fft {}", width, n_fft)
    if window is not None:
        claim_ndim(path, "a window", window, 1)
        path.claim(
            eq(window.dims[0], width), "window size {} == win_length {}", window.dims[0], width
        )
    if return_complex and onesided:
        refuse(path, "onesided=False for a complex result")
    samples = (frames - 1) * hop + n_fft
    start = n_fft // 2 if center else 0
    if length is None:
        end: Size = samples - start
    elif isinstance(length, int) and length < 0:
        raise NoRule("a negative length")
    else:
        end = length + start
        path.claim(ge(samples - 1, start), "number of samples {} > n_fft // 2 = {}", samples, start)
    path.claim(gt(end, start), "at least one sample, from {} up to {}", start, end)
    if -(-n_fft // hop) > _MOST_OVERLAPS:
        path.unknown_outcome("which windows istft refuses is not known where many overlap")
    with torch.no_grad():
        weights = _weights(path, window, width, n_fft)
        _claim_windows_overlap(path, weights, hop, start, frames, end)
    dtype = input.dtype if return_complex else input.dtype.to_real()
    return input.like((*batch, end - start), dtype=dtype)


def _claim_windows_overlap(
    path: Path, weights: torch.Tensor, hop: int, start: int, frames: Size, end: Size
) -> None:
    """Claim that the squared windows do not add up to 0 at a sample from ``start`` to ``end``."""
    n_fft = len(weights)
    most = 2 * -(-n_fft // hop) + 1  # in more frames, the same sums occur
    firsts = [_first_zero(weights, hop, start, count) for count in range(1, most + 1)]
    last = firsts[-1]
    if last is not None and last >= (most - 1) * hop:  # in the last window, wherever that is
        usual: list[Size | None] = [last - (most - 1 - at) * hop for at in range(most)]
        beyond: Size | None = (frames - most) * hop + last
    else:
        usual, beyond = [last] * most, last
    text = "last sample {} before sample {}, where windows add up to 0"
    for count, first in enumerate(firsts, 1):
        if first != usual[count - 1] and path.branch(eq(frames, count)):
            beyond = first
            break
    if beyond is not None:
        path.claim(ge(beyond, end), text, end - 1, beyond)


def _first_zero(weights: torch.Tensor, hop: int, start: int, frames: int) -> int | None:
    """The first sample from ``start`` on where the squares of all windows add up to 0."""
    total = torch.zeros(len(weights) + hop * (frames - 1), dtype=weights.dtype)
    for at in range(0, frames * hop, hop):
        total[at : at + len(weights)] += weights.square()
    zeros = (total[start:] < _NEAR_ZERO).nonzero()
    return int(zeros[0]) + start if len(zeros) else None


def _weights(path: Path, window: TensorSpec | None, width: int, n_fft: int) -> torch.Tensor:
    """The elements of the window, with zeros on both sides up to ``n_fft``."""
    if window is None:
        elements: torch.Tensor | None = torch.ones(width)
    else:
        elements = window.elements.tensor
    if elements is None:
        path.unknown_outcome("istft refuses some windows, and the values of this one are not known")
    left = (n_fft - width) // 2
    return torch.nn.functional.pad(elements.detach(), (left, n_fft - width - left))
