"""The fast path of ``nn.MultiheadAttention`` and of ``nn.TransformerEncoderLayer``: fused kernels.

PyTorch takes it in eval mode, without gradients, for self-attention of batched tensors. Under a
``__torch_function__`` mode it never does, so that a trace sees the other path. Both give the same
elements, but the kernel of attention gives a contiguous output where the other path gives a
transposed view, and without elements the kernels return before they look at sizes and masks.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.tracing.call_scopes import Around, Scope
from archlint.tracing.run import TraceRun
from archlint.tracing.tensors.autograd import requires_grad
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor


@contextmanager
def attention_laid_out(run: TraceRun) -> Iterator[None]:
    """Inside the block symbolic outputs lie in memory as those of the path that PyTorch takes."""
    attention, layer = nn.MultiheadAttention.forward, nn.TransformerEncoderLayer.forward

    @functools.wraps(attention)
    def attend(*args: Any, **kwargs: Any) -> Any:
        call = _symbolic_call(attention, args, kwargs)
        if call is None or not takes_fast_path(**call):
            return attention(*args, **kwargs)
        self, query = call["self"], call["query"]
        masks = (call.get("attn_mask"), call.get("key_padding_mask"))
        differs = call.get("need_weights", True) or any(m is not None for m in masks)
        if differs and _empty(query) and query.shape[-1] == self.embed_dim:
            self.merge_masks(*masks, query)
            return query.contiguous(), None
        with run.scopes.entered(Scope(Around.KERNEL)):
            output, *others = attention(*args, **kwargs)
            return (output.contiguous(), *others)

    @functools.wraps(layer)
    def encode(*args: Any, **kwargs: Any) -> Any:
        call = _symbolic_call(layer, args, kwargs)
        if call is not None and layer_takes_fast_path(**call):
            self, src = call["self"], call["src"]
            masks = (call.get("src_mask"), call.get("src_key_padding_mask"))
            width = src.shape[-1]
            known = isinstance(width, int) and width == self.self_attn.embed_dim
            if (not known or any(m is not None for m in masks)) and _empty(src):
                self.self_attn.merge_masks(*masks, src)
                return src.clone()
            with run.scopes.entered(Scope(Around.KERNEL)):
                return layer(*args, **kwargs)
        return layer(*args, **kwargs)

    with PROCESS_LOCK:
        try:
            nn.MultiheadAttention.forward = attend  # type: ignore[method-assign]
            nn.TransformerEncoderLayer.forward = encode  # type: ignore[method-assign]
            yield
        finally:
            nn.MultiheadAttention.forward = attention  # type: ignore[method-assign]
            nn.TransformerEncoderLayer.forward = layer  # type: ignore[method-assign]


def _empty(t: torch.Tensor) -> bool:
    """Whether a tensor has no elements: a branch where it can be either."""
    return any(size == 0 for size in t.shape)


def _symbolic_call(
    forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any] | None:
    """The arguments of a call by name, or None if it has the wrong ones or its input is real."""
    try:
        call = inspect.signature(forward).bind(*args, **kwargs).arguments
    except TypeError:
        return None
    source = call.get("query", call.get("src"))
    return call if type(source) is SymbolicTensor else None


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


def layer_takes_fast_path(
    self: nn.TransformerEncoderLayer,
    src: torch.Tensor,
    src_mask: torch.Tensor | None = None,
    src_key_padding_mask: torch.Tensor | None = None,
    **others: Any,
) -> bool:
    """Whether PyTorch runs its kernel for this call, by the conditions in its ``forward``."""
    attention = self.self_attn
    masks = [m for m in (src_mask, src_key_padding_mask) if m is not None]
    if any(m.dtype is not torch.bool and not m.is_floating_point() for m in masks):
        return False  # of these it says what it needs, on both paths
    hooks = (n for m in self.modules() for n in (m._forward_hooks, m._forward_pre_hooks))
    operands = (src, *self.parameters())
    return (
        torch.backends.mha.get_fastpath_enabled()
        and src.dim() == 3
        and not self.training
        and attention.batch_first
        and attention.in_proj_bias is not None
        and attention._qkv_same_embed_dim
        and attention.num_heads % 2 == 0
        and bool(self.activation_relu_or_gelu)
        and self.norm1.eps == self.norm2.eps
        and not torch.is_autocast_enabled()
        and not any(hooks)
        and not (torch.is_grad_enabled() and any(requires_grad(t) is not False for t in operands))
    )
