"""What autocast on the CPU makes of an operator's operands.

The lists are those of https://docs.pytorch.org/docs/stable/amp.html, "CPU Op-Specific Behavior". An
operator that PyTorch composes of several, some of them listed, is not followed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from archlint.ops.aliases import methods, spellings
from archlint.ops.registry import Path, TensorSpec

_LOWER: set[Any] = {
    *spellings("conv1d", "conv2d", "conv3d", "conv_tbc", "bmm", "mm", "baddbmm", "addmm", "addbmm"),
    *spellings("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "linear", "matmul"),
    *spellings("prelu", "scaled_dot_product_attention", "vecdot", "affine_grid"),
    *methods("__matmul__", "__rmatmul__"),
    torch.functional.tensordot,
}
_WIDER: set[Any] = {
    *spellings("avg_pool3d", "max_pool3d", "_max_pool3d", "max_pool3d_with_indices", "prod"),
    *spellings("binary_cross_entropy", "grid_sample", "grid_sampler", "polar"),
    *spellings("quantile", "nanquantile", "stft", "cdist", "trace", "view_as_complex", "cholesky"),
    *spellings("cholesky_inverse", "cholesky_solve", "inverse", "lu_solve", "orgqr", "ormqr"),
    *spellings("pinverse", "max_unpool2d", "max_unpool3d", "adaptive_avg_pool3d", "mse_loss"),
    *spellings("cosine_embedding_loss", "nll_loss", "nll_loss_nd", "hinge_embedding_loss"),
    *spellings("poisson_nll_loss", "smooth_l1_loss", "cross_entropy_loss", "cross_entropy"),
    *spellings("l1_loss", "huber_loss", "margin_ranking_loss", "soft_margin_loss", "ctc_loss"),
    *spellings("triplet_margin_loss", "multi_margin_loss", "kl_div", "multilabel_margin_loss"),
    *spellings("binary_cross_entropy_with_logits", "adaptive_max_pool3d"),
    *spellings("adaptive_max_pool3d_with_indices"),
    *(getattr(torch.fft, f"{kind}fft{n}") for kind in ("", "i", "r", "ir") for n in ("", "2", "n")),
    *(torch.fft.hfft, torch.fft.ihfft),
}
_COMPOSED: set[Any] = {
    *spellings("inner", "chain_matmul", "multi_dot", "matrix_power", "matrix_exp", "kron", "lstm"),
    *spellings("gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "bilinear"),
    *spellings("rnn_relu_cell", "local_response_norm", "cov", "corrcoef", "istft"),
    torch.functional.einsum,
    torch.functional.norm,
}
_COPIES: set[Any] = {*spellings("index_copy")}
_WIDEST: set[Any] = {
    *_COPIES,
    *spellings("cat", "concat", "concatenate", "stack", "hstack", "vstack", "dstack", "row_stack"),
    *spellings("column_stack"),
}
"""These promote to the widest dtype as ever, but refuse 16 bits of the kind that is not enabled."""
_PADS: set[Any] = {F.pad, torch._C._nn.pad}
_CAST = (torch.float32, torch.float16, torch.bfloat16)


def autocast(
    path: Path, function: Callable[..., Any], args: list[Any], settings: dict[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments with the dtypes in which autocast, if it is enabled, computes ``function``."""
    if not torch.is_autocast_enabled("cpu"):
        return args, settings
    if function in _COMPOSED or _is_refused(function, args, settings):
        path.unknown_outcome(f"{function.__name__} is not followed under autocast")
    if function in _LOWER:
        dtype = torch.get_autocast_dtype("cpu")
    elif function in _WIDER or (function in _PADS and _bends(args, settings)):
        dtype = torch.float32
    else:
        return args, settings
    return [_cast(a, dtype) for a in args], {k: _cast(v, dtype) for k, v in settings.items()}


def _is_refused(function: Callable[..., Any], args: list[Any], settings: dict[str, Any]) -> bool:
    """Whether autocast may refuse what the function accepts without it, or the reverse."""
    if function not in _WIDEST:
        return False
    values = [*args, *settings.values()]
    values += [v for each in values if isinstance(each, (list, tuple)) for v in each]
    specs = [v for v in values if isinstance(v, TensorSpec) and v.dtype.is_floating_point]
    dtypes = {spec.dtype for spec in specs}
    known = {torch.float32, torch.float64, torch.get_autocast_dtype("cpu")}
    return not dtypes <= known or (function in _COPIES and len(dtypes) > 1)


def _bends(args: list[Any], settings: dict[str, Any]) -> bool:
    """Whether the arguments of a padding have a mode whose kernel is listed."""
    mode = args[2] if len(args) > 2 else settings.get("mode")
    return mode in ("reflect", "replicate")


def _cast(operand: Any, dtype: torch.dtype) -> Any:
    if not isinstance(operand, TensorSpec) or operand.dtype not in _CAST or operand.dtype is dtype:
        return operand
    return operand.like(operand.dims, dtype, operand.strides)
