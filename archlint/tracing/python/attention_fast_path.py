"""The fast path of ``nn.MultiheadAttention``, which is one fused kernel.

PyTorch takes it in eval mode, without gradients, for self-attention of batched tensors. Under a
``__torch_function__`` mode it never does, so that a trace sees the other path. Both give the same
elements, but the kernel's output is contiguous, and the other path's is a transposed view.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.tracing.tensors.autograd import requires_grad
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor


@contextmanager
def attention_laid_out() -> Iterator[None]:
    """Inside the block symbolic outputs lie in memory as those of the path that PyTorch takes."""
    original = nn.MultiheadAttention.forward
    signature = inspect.signature(original)

    @functools.wraps(original)
    def forward(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        output = result[0]
        if type(output) is SymbolicTensor:
            call = signature.bind(*args, **kwargs).arguments
            if takes_fast_path(**call):
                return (output.contiguous(), *result[1:])
        return result

    with PROCESS_LOCK:
        nn.MultiheadAttention.forward = forward  # type: ignore[method-assign]
        try:
            yield
        finally:
            nn.MultiheadAttention.forward = original  # type: ignore[method-assign]


def takes_fast_path(
    self: nn.MultiheadAttention,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    key_padding_mask: torch.Tensor | None = None,
    attn_mask: torch.Tensor | None = None,
    **others: Any,
) -> bool:
    """Whether PyTorch runs its kernel for this call, by the conditions in its ``forward``."""
    weight, bias = self.in_proj_weight, self.in_proj_bias
    masks = [m for m in (key_padding_mask, attn_mask) if m is not None]
    if weight is None or bias is None or query.dim() != 3 or not (query is key is value):
        return False
    if any(m.is_floating_point() for m in masks):
        return False
    operands = (query, weight, bias, self.out_proj.weight, self.out_proj.bias)
    return (
        torch.backends.mha.get_fastpath_enabled()
        and query.dtype == weight.dtype == bias.dtype
        and not self.training
        and self.num_heads % 2 == 0
        and self.batch_first
        and self.bias_k is None
        and self.bias_v is None
        and not self.add_zero_attn
        and not torch.is_autocast_enabled()
        and not (torch.is_grad_enabled() and any(requires_grad(t) is not False for t in operands))
    )
