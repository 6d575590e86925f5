"""What autograd keeps of a call until its gradients are computed, operator by operator.

The source are PyTorch's derivatives, ``tools/autograd/derivatives.yaml``. Where kernels differ in
what they keep, the least is stated; where nothing is stated, nothing is known to be kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from archlint.ops.aliases import methods, spellings
from archlint.ops.traits import Saves, declare_traits
from archlint.symbolic import Size, product

_STATISTIC = 4  # bytes of a mean or a deviation
_INDEX = 8
_INPUT = "gelu mish hardswish hardsigmoid silu softplus softshrink hardshrink logsigmoid prelu glu \
log log2 log10 log1p sin cos sinh cosh asin acos atan asinh acosh atanh erf erfc erfinv abs square \
hardtanh relu6 threshold clamp clip clamp_min clamp_max pow __pow__ var std digamma lgamma sinc"
_RESULT = "relu sigmoid tanh exp exp2 expm1 sqrt rsqrt reciprocal tan softmax log_softmax"
_BENT = "leaky_relu elu selu celu"  # computed from either side
_BOTH = "logsumexp prod amax amin norm vector_norm"
_CONVOLUTIONS = (
    "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d convolution"
)


def _with_in_place(names: str) -> tuple[Callable[..., Any], ...]:
    each = names.split()
    return spellings(*each, *(f"{n}_" for n in each if not n.startswith("_")))


def _numel(result: Any) -> Size:
    numel: Size = (result[0] if isinstance(result, (tuple, list)) else result).numel()
    return numel


def _indices(result: Any, *_: Any, **__: Any) -> Size:
    """Of the largest, which a reduction over a dimension or a window returns or keeps."""
    return _numel(result) * _INDEX


def _pair_indices(result: Any, *_: Any, **__: Any) -> Size:
    return _numel(result) * _INDEX if isinstance(result, (tuple, list)) else 0


def _channel_statistics(result: Any, input: Any, *settings: Any, **named: Any) -> Size:
    """Of a batch norm in training."""
    trains = settings[4] if len(settings) > 4 else named.get("training", False)
    size: Size = input.dims[1] * (2 * _STATISTIC) if trains is True else 0
    return size


def _row_statistics(result: Any, input: Any, normalized_shape: Any, *_: Any, **__: Any) -> Size:
    size = normalized_shape
    count = 1 if isinstance(size, int) else len(size)
    return product(input.dims[: input.ndim - count]) * (2 * _STATISTIC)


def _group_statistics(result: Any, input: Any, num_groups: Any, *_: Any, **__: Any) -> Size:
    size: Size = input.dims[0] * num_groups * (2 * _STATISTIC)
    return size


def _dropped(
    result: Any, input: Any, p: Any = 0.5, training: Any = True, inplace: Any = False
) -> Size:
    """The mask: one byte for each element on a GPU, more on the CPU."""
    return _numel(result) if training is True and p > 0 else 0


def _averaged(input: Any, output_size: Any, *_: Any, **__: Any) -> tuple[int, ...]:
    """The average over everything is a mean, which keeps nothing."""
    sizes = output_size if isinstance(output_size, (tuple, list)) else (output_size,)
    return () if all(s == 1 for s in sizes) else (0,)


def _bordered(input: Any, pad: Any, mode: str = "constant", *_: Any, **__: Any) -> tuple[int, ...]:
    return (0,) if mode in ("reflect", "replicate") else ()


def _gates(more: int) -> Callable[..., Size]:
    """Of each layer, direction and step the gates, and ``more`` sizes of the state.

    The rows of the weights of the input are the gates. A packed sequence has its rows in order.
    """

    def elements(result: Any, input: Any, second: Any, *settings: Any, **named: Any) -> Size:
        params = settings[0] if isinstance(settings[0], (tuple, list)) else settings[1]
        matrices = [p for p in params if p.ndim == 2]
        inputs = matrices[:: 3 if _projects(matrices) else 2]
        states = [w.dims[1] for w in matrices[1 :: 3 if _projects(matrices) else 2]]
        sizes = [w.dims[0] for w in inputs] + [s * more for s in states]
        rows = product(input.dims[:-1])
        total: Size = 0
        for size in sizes:
            total = total + rows * size
        return total

    return elements


def _projects(matrices: Any) -> bool:
    """Whether there is a third matrix for each layer and direction, which makes states smaller."""
    return len(matrices) > 2 and matrices[2].dims[0] == matrices[1].dims[1]


def _scores(result: Any, input: Any, *_: Any, **__: Any) -> Size:
    """Of each class the logarithm of its probability."""
    return _numel(input)


_BY_FUNCTION: tuple[tuple[tuple[Callable[..., Any], ...], Saves], ...] = (
    (_with_in_place(_INPUT), Saves((0,))),
    (_with_in_place(_RESULT), Saves(result=True, in_place=True)),
    (_with_in_place(_BENT), Saves((0,), in_place=True)),
    (spellings(*_BOTH.split()), Saves((0,), result=True)),
    (spellings(*_CONVOLUTIONS.split()), Saves((0, 1))),
    ((F.linear,), Saves(factors=(0, 1), laid_out=True)),
    ((F.bilinear,), Saves((0, 1))),
    ((torch.functional.einsum,), Saves(factors=(1, 2, 3, 4), laid_out=True)),
    (_with_in_place("mul multiply __mul__ __rmul__"), Saves(factors=(0, 1))),
    (_with_in_place("div divide true_divide __truediv__"), Saves((1,), factors=(0, 1))),
    (spellings("__rtruediv__"), Saves(extra=lambda result, *_: result.numel() * 4)),
    (_with_in_place("addcmul"), Saves(factors=(1, 2))),
    (spellings("maximum", "minimum"), Saves((0, 1))),
    ((torch.batch_norm, F.batch_norm), Saves((0,), extra=_channel_statistics)),
    (spellings("layer_norm"), Saves((0,), extra=_row_statistics)),
    (spellings("group_norm"), Saves((0,), extra=_group_statistics)),
    (spellings("instance_norm", "rms_norm"), Saves((0,))),
    (spellings("avg_pool1d", "avg_pool2d", "avg_pool3d"), Saves((0,))),
    (spellings(*(f"adaptive_avg_pool{n}d" for n in (1, 2, 3))), Saves(_averaged)),
    (
        spellings(*(f"{a}max_pool{n}d{w}" for a in ("", "adaptive_") for n in (1, 2, 3)
                    for w in ("", "_with_indices"))),
        Saves((0,), extra=_indices),
    ),
    (spellings("max", "min", "topk", "sort", "kthvalue", "cummax", "cummin"),
     Saves(extra=_pair_indices)),
    ((F.scaled_dot_product_attention,), Saves((0, 1, 2))),
    ((torch.lstm, torch.gru), Saves((0,), elements=_gates(more=1))),
    ((torch.rnn_tanh, torch.rnn_relu), Saves((0,), elements=_gates(more=0))),
    (spellings("cross_entropy", "cross_entropy_loss"), Saves(elements=_scores)),
    (spellings("mse_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
               "binary_cross_entropy_with_logits"), Saves((0, 1))),
    ((torch.functional.tensordot,), Saves(factors=(0, 1), laid_out=True)),
    (spellings("outer", "ger", "dot", "vdot", "mv"), Saves(factors=(0, 1))),
    ((F.embedding,), Saves((0,))),
    ((torch.embedding,), Saves((1,))),
    (spellings("gather", "index_select"), Saves((2,))),
    ((torch.where,), Saves((0,))),
    ((*methods("where"), *_with_in_place("masked_fill")), Saves((1,))),
    ((F.pad,), Saves(_bordered)),
    (spellings("grid_sample", "grid_sampler"), Saves((0, 1))),
    ((F.dropout, torch.dropout, torch.dropout_), Saves(extra=_dropped)),
)  # fmt: skip


def _declare() -> None:
    """A function that is named twice has what is stated first."""
    done: set[Callable[..., Any]] = set()
    for functions, saves in _BY_FUNCTION:
        declare_traits(*(f for f in dict.fromkeys(functions) if f not in done), saves=saves)
        done.update(functions)


_declare()
