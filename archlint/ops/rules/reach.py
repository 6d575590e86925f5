"""Which positions of its operands each position of a result reads, operator by operator.

A trait ``reach`` gives, for each operand by its position among the arguments, a mapping from the
dimensions of the result to those of the operand with the :class:`Taps` along them, ``None`` where
they are not known. All positions of an operand's other dimensions are read. A tensor in a list has
the position of the list and its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

from archlint.ops.aliases import methods, spellings
from archlint.ops.read_positions import (
    SAME,
    Along,
    Reach,
    Taps,
    averaged,
    between,
    nearest,
    slid,
    slide,
    transposed,
)  # fmt: skip
from archlint.ops.registry import NoRule, TensorSpec
from archlint.ops.rules import reach_views as views
from archlint.ops.traits import declare_traits
from archlint.symbolic import Size, evaluate
from archlint.symbolic.division import exact_quotient

_ELEMENTWISE = (
    "relu relu_ gelu mish silu sigmoid sigmoid_ tanh tanh_ hardswish hardsigmoid hardtanh relu6 "
    "leaky_relu elu selu celu softplus softsign tanhshrink softshrink hardshrink logsigmoid rrelu "
    "threshold exp exp_ expm1 exp2 log1p erf sqrt rsqrt sin cos square square_ sign reciprocal "
    "pow __pow__ prelu add add_ sub sub_ mul mul_ div div_ __add__ __radd__ __iadd__ __sub__ "
    "__rsub__ __isub__ __mul__ __rmul__ __imul__ __truediv__ __rtruediv__ __itruediv__ subtract "
    "multiply divide true_divide maximum minimum where masked_fill addcmul addcdiv lerp dropout "
    "dropout_ dropout1d dropout2d dropout3d alpha_dropout feature_dropout feature_alpha_dropout "
    "clone contiguous hardswish_ silu_ hardtanh_ relu6_ leaky_relu_ elu_ clamp_ mish_ nan_to_num"
)
_DIVISIBLE = 20160  # by all numbers up to 10, and by 64
_REDUCE = "mean sum amax amin prod logsumexp var std norm max min median all any argmax argmin"


def pointwise(result: TensorSpec, *args: Any, **_: Any) -> Reach:
    return {i: _aligned(result, a) for i, a in enumerate(args) if isinstance(a, TensorSpec)}


def _aligned(result: TensorSpec, operand: TensorSpec, but: Iterable[int] = ()) -> Along:
    """Dimensions from the right, as broadcasting aligns them, without those of ``but``.

    What is broadcast is read by every position, which no taps say.
    """
    ahead = result.ndim - operand.ndim
    left = {d % operand.ndim for d in but} if operand.ndim else set()
    return {
        d + ahead: (d, SAME if _alike(operand.dims[d], result.dims[d + ahead]) else None)
        for d in range(operand.ndim)
        if d not in left
    }


def _alike(one: Size, other: Size) -> bool:
    """Whether two sizes are one size, but where one of them may be 1.

    The path requires that they are equal, or that one is 1. So if they are equal and large at a
    size that is a multiple of all common strides, they are equal wherever they are not 1.
    """
    if one == other or isinstance(one, int) or isinstance(other, int):
        return one == other
    names = sorted(one.symbols() | other.symbols())
    point = {name: (i + 1) * _DIVISIBLE for i, name in enumerate(names)}
    try:
        return evaluate(one, point) == evaluate(other, point) > 1
    except (KeyError, ValueError, ZeroDivisionError):
        return False


def _each(value: Any, n: int) -> list[int]:
    values = list(value) if isinstance(value, (tuple, list)) else [value] * n
    values = values * n if len(values) == 1 else values
    if len(values) != n or not all(type(v) is int for v in values):
        raise NoRule("a window that is not known")
    return values


def _convolved(result: TensorSpec, n: int, taps: list[Taps], groups: Any) -> Along:
    """As :func:`.slid`, but all channels are read, or those of a group."""
    along, channels = slid(result, n, taps), result.ndim - n - 1
    if groups == 1:
        del along[channels]
    else:
        along[channels] = (channels, None)
    return along


def _conv(result: Any, input: Any, weight: Any, bias: Any = None, stride: Any = 1,
          padding: Any = 0, dilation: Any = 1, groups: Any = 1) -> Reach:  # fmt: skip
    n = weight.ndim - 2
    kernels, strides = _each(list(weight.dims[2:]), n), _each(stride, n)
    dilations = _each(dilation, n)
    if padding == "same":
        paddings = [d * (k - 1) // 2 for k, d in zip(kernels, dilations, strict=True)]
    else:
        paddings = _each(0 if padding == "valid" else padding, n)
    settings = zip(kernels, strides, paddings, dilations, strict=True)
    return {0: _convolved(result, n, [slide(*s) for s in settings], groups)}


def _conv_transpose(result: Any, input: Any, weight: Any, bias: Any = None, stride: Any = 1,
                    padding: Any = 0, output_padding: Any = 0, groups: Any = 1,
                    dilation: Any = 1) -> Reach:  # fmt: skip
    n = weight.ndim - 2
    every = (_each(v, n) for v in (list(weight.dims[2:]), stride, padding, dilation))
    taps = [transposed(*s) for s in zip(*every, strict=True)]
    return {0: _convolved(result, n, taps, groups)}


def _pool_of(n: int, dilates: bool) -> Any:
    def pool(result: Any, input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0,
             *settings: Any, **named: Any) -> Reach:  # fmt: skip
        first = result[0] if isinstance(result, (tuple, list)) else result
        dilation = named.get("dilation", settings[0] if settings else 1) if dilates else 1
        strides = kernel_size if stride is None or stride == [] else stride
        every = (_each(v, n) for v in (kernel_size, strides, padding, dilation))
        return {0: slid(first, n, [slide(*s) for s in zip(*every, strict=True)])}

    return pool


def _lp_pool_of(n: int) -> Any:
    def pool(result: Any, input: Any, norm_type: Any, kernel_size: Any, stride: Any = None,
             *_: Any, **__: Any) -> Reach:  # fmt: skip
        reach: Reach = _pool_of(n, False)(result, input, kernel_size, stride)
        return reach

    return pool


def _ratio(size: Size, out: Size) -> tuple[int, int] | None:
    """``size`` to ``out`` in whole numbers, if that is the same for all sizes."""
    if isinstance(size, int) and isinstance(out, int):
        return (size, out) if size > 0 and out > 0 else None
    for one, other, turn in ((size, out, False), (out, size, True)):
        times = exact_quotient(other, one) if one != 0 else None
        if isinstance(times, int) and times > 0:
            return (times, 1) if turn else (1, times)
    return None


def _resized(result: Any, input: Any, n: int, taps: Any) -> Along:
    each = []
    for i in range(n):
        ratio = _ratio(input.dims[input.ndim - n + i], result.dims[result.ndim - n + i])
        if ratio is None:
            raise NoRule("a resizing by a factor that depends on the size")
        each.append(taps(*ratio))
    return slid(result, n, each)


def _adaptive_of(n: int) -> Any:
    def pool(result: Any, input: Any, *_: Any, **__: Any) -> Reach:
        first = result[0] if isinstance(result, (tuple, list)) else result
        if all(size == 1 for size in first.dims[first.ndim - n :]):
            return {0: {d: (d, SAME) for d in range(first.ndim - n)}}
        return {0: _resized(first, input, n, averaged)}

    return pool


def _interpolate(
    result: Any,
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: Any = None,
    recompute_scale_factor: Any = None,
    antialias: Any = False,
) -> Reach:
    n = input.ndim - 2
    if align_corners or antialias or mode == "nearest-exact":
        raise NoRule(f"interpolation in mode {mode} with these settings")
    taps: Any = {"nearest": nearest, "area": averaged}.get(mode)
    taps = taps or partial(between, around=2 if mode == "bicubic" else 1)
    scales = scale_factor if isinstance(scale_factor, (tuple, list)) else [scale_factor] * n
    of_sizes = recompute_scale_factor or mode == "area"
    if of_sizes or not all(isinstance(s, (int, float)) for s in scales):
        return {0: _resized(result, input, n, taps)}
    ratios = [Fraction(s).limit_denominator(1000) for s in scales]
    each = [taps(r.denominator, r.numerator) for r in ratios]
    return {0: slid(result, n, each)}


def _pad(result: Any, input: Any, pad: Any, mode: str = "constant", value: Any = None) -> Reach:
    amounts = list(pad)
    along = _aligned(result, input)
    for i in range(len(amounts) // 2):
        dim = input.ndim - 1 - i
        if type(amounts[2 * i]) is not int:
            raise NoRule("a border that depends on the size")
        crops = any(type(a) is not int or a < 0 for a in amounts[2 * i : 2 * i + 2])
        along[dim] = (dim, replace(slide(1, 1, amounts[2 * i], 1), crops=crops))
    return {0: along}


def _batch_norm(result: Any, input: Any, a: Any, b: Any, c: Any = None, d: Any = None,
                training: Any = False, *_: Any, **__: Any) -> Reach:  # fmt: skip
    return {0: {1: (1, SAME)} if training else _aligned(result, input)}


def _instance_norm(
    result: Any,
    input: Any,
    mean: Any = None,
    var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: Any = True,
    *_: Any,
    **__: Any,
) -> Reach:
    return {0: {0: (0, SAME), 1: (1, SAME)} if use_input_stats else _aligned(result, input)}


def _by_row(result: Any, input: Any, normalized_shape: Any, *_: Any, **__: Any) -> Reach:
    count = 1 if isinstance(normalized_shape, int) else len(normalized_shape)
    return {0: _aligned(result, input, range(input.ndim - count, input.ndim))}


def _over(result: Any, input: Any, dim: Any = None, *_: Any, **__: Any) -> Reach:
    if type(dim) is not int:
        raise NoRule("a dimension that is not known")
    return {0: _aligned(result, input, (dim,))}


def _accumulated(result: Any, input: Any, dim: Any, *_: Any, **__: Any) -> Reach:
    """Each position reads those before it."""
    along = _over(result, input, dim)[0]
    return {0: along | {dim % input.ndim: (dim % input.ndim, None)}}


def _reduced(result: Any, input: Any, dim: Any = None, keepdim: Any = False, *_: Any,
             **settings: Any) -> Reach:  # fmt: skip
    first = result[0] if isinstance(result, (tuple, list)) else result
    if isinstance(dim, TensorSpec):
        return pointwise(first, input, dim)  # the larger of two tensors
    dims = list(dim) if isinstance(dim, (tuple, list)) else [dim]
    if dim is None or isinstance(dim, bool) or not dims:
        dims = list(range(input.ndim))  # a truth is ``unbiased``
    if not all(type(d) is int for d in dims):
        raise NoRule("dimensions that are not known")
    gone = {d % input.ndim for d in dims} if input.ndim else set()
    kept = [d for d in range(input.ndim) if d not in gone]
    if first.ndim == input.ndim:
        return {0: {d: (d, SAME) for d in kept}}
    return {0: {i: (d, SAME) for i, d in enumerate(kept)}}


def _all_but_last(result: Any, *_: Any, **__: Any) -> Reach:
    """Of a layer of the last dimension: all others are read at the same place."""
    return {0: {d: (d, SAME) for d in range(result.ndim - 1)}}


def _matmul(result: Any, a: Any, b: Any) -> Reach:
    if a.ndim < 2 or b.ndim < 2:
        raise NoRule("a product with a vector")
    left = _aligned(result, a, (a.ndim - 1,))
    right = _aligned(result, b, (b.ndim - 2,))
    return {0: left, 1: right}


def _attention(result: Any, query: Any, key: Any, value: Any, attn_mask: Any = None,
               dropout_p: Any = 0.0, is_causal: Any = False, **_: Any) -> Reach:  # fmt: skip
    queries, last = result.ndim - 2, result.ndim - 1
    among: Along = {d: (d, SAME) for d in range(queries)}
    if attn_mask is not None or is_causal is not False:
        among |= {queries: (queries, None)}
    of_value = among | {last: (last, SAME)}
    return {0: _aligned(result, query, (query.ndim - 1,)), 1: among, 2: of_value}


def _declare() -> None:
    done: set[Any] = set()

    def state(functions: Iterable[Any], reach: Any) -> None:
        new = [f for f in dict.fromkeys(functions) if f not in done]
        declare_traits(*new, reach=reach)
        done.update(new)

    state(spellings(*_ELEMENTWISE.split()), pointwise)
    state(spellings(*_REDUCE.split()), _reduced)
    state((torch.conv1d, torch.conv2d, torch.conv3d), _conv)
    state((torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d), _conv_transpose)
    for n in (1, 2, 3):
        names = (f"max_pool{n}d", f"max_pool{n}d_with_indices")
        state(spellings(*names), _pool_of(n, True))
        state(spellings(f"avg_pool{n}d"), _pool_of(n, False))
        state(spellings(f"lp_pool{n}d"), _lp_pool_of(n))
        adaptive = (f"adaptive_avg_pool{n}d", f"adaptive_max_pool{n}d")
        state(spellings(*adaptive, f"adaptive_max_pool{n}d_with_indices"), _adaptive_of(n))
    state((F.interpolate,), _interpolate)
    state((F.pad, torch._C._nn.pad), _pad)
    state((F.batch_norm, torch.batch_norm), _batch_norm)
    state((F.group_norm, torch.group_norm), lambda *_, **__: {0: {0: (0, SAME), 1: (1, None)}})
    state((F.instance_norm,), _instance_norm)
    state(spellings("layer_norm", "rms_norm"), _by_row)
    state(spellings("softmax", "log_softmax"), _over)
    state(spellings("cumsum"), _accumulated)
    state((F.embedding, F.linear), _all_but_last)
    state(spellings("matmul", "bmm", "mm", "__matmul__"), _matmul)
    state((F.scaled_dot_product_attention,), _attention)
    state(spellings("permute"), views.permuted)
    state(spellings("transpose", "swapaxes", "swapdims"), views.swapped)
    turned = torch.Tensor.mT.__get__  # type: ignore[attr-defined]
    state((turned, *spellings("t")), views.swapped)
    state(spellings("cat", "concat", "concatenate"), views.cat)
    state(spellings("stack"), views.stacked)
    state(spellings("unbind", "select"), views.unbound)
    state(spellings("expand", "expand_as"), lambda result, input, *_: {0: _aligned(result, input)})
    in_order = "view reshape flatten unflatten squeeze unsqueeze ravel view_as reshape_as"
    state(spellings(*in_order.split()), views.reshaped)
    state(spellings("chunk", "split", "tensor_split", "split_with_sizes"), views.pieces)
    state(methods("__getitem__"), views.subscript)
    state((torch.pixel_shuffle,), views.shuffled)
    state((torch.pixel_unshuffle,), views.unshuffled)


_declare()
