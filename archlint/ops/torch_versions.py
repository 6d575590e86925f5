"""What the installed PyTorch does where its versions differ: tried once, on the CPU, at import."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F

from archlint.runtime.forks import one_thread


def _accepts(function: Callable[..., object], *args: object, **settings: object) -> bool:
    try:
        function(*args, **settings)
    except (RuntimeError, IndexError):
        return False
    return True


def _empty(*sizes: int) -> torch.Tensor:
    return torch.empty(sizes, device="cpu")


_INDEX = torch.tensor([1], device="cpu")

EMPTY_GROUPS = _accepts(torch.group_norm, _empty(1, 1, 0), 1)
"""``group_norm`` of a tensor without elements."""

RMS_NORM_IN_ORDER = torch.rms_norm(_empty(2, 3, 4).permute(0, 2, 1), (3,)).is_contiguous()
"""``rms_norm`` keeps the order of strides of channels-last tensors only."""

EMPTY_SIDES = _accepts(torch.constant_pad_nd, _empty(0, 1), (1, 0, 0, 0))
"""Padding a tensor of which another size is 0."""

EMPTY_REFLECTION = _accepts(F.pad, _empty(1, 4, 4), (1, 1, -2, -2), mode="reflect")
"""Reflection that crops a size to 0 beside others."""

CUMMAX_CHECKS_DIM = not any(_accepts(torch.cummax, _empty(*dims), 1) for dims in ((), (0,)))
"""``cummax`` refuses a wrong dim of a scalar, and of a tensor without elements."""

EMPTY_FFT_BATCH = _accepts(torch.fft.irfft, _empty(0, 2).to(torch.complex64))
"""``torch.fft`` of a batch without elements, which older versions pass to MKL."""

_ROWS = _empty(5, 2, 8).transpose(0, 1)
with one_thread():  # attention of several rows starts threads, and this process may fork
    _ATTENDED = F.scaled_dot_product_attention(_ROWS, _ROWS, _ROWS)
FUSED_RANKS = (4,) if _ATTENDED.is_contiguous() else (3, 4)
"""Numbers of dimensions for which attention has a fused kernel, which follows the query's order."""

INT32_INDEX = _accepts(torch.gather, _empty(2), 0, _INDEX.int())
"""``gather`` and ``scatter`` with an index of int32."""

NEGATIVE_ALONG = _accepts(torch.take_along_dim, _empty(1), -_INDEX, 0)
"""``take_along_dim`` counts negative indices from the end."""

MODULO_ALONG = _accepts(torch.take_along_dim, _empty(1), _INDEX, 0)
"""``take_along_dim`` takes every index modulo the size, where a dimension is stated."""

EMPTY_LARGEST = _accepts(torch.linalg.matrix_norm, _empty(1, 0), 1)
"""A matrix norm that is a maximum, of a matrix without elements."""

TENSOR_AS_LIST = _accepts(torch.roll, _empty(2), _INDEX[0], 0)
"""A tensor of one integer for a list of integers, which older versions read as an empty list."""
