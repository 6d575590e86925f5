"""Which positions of its operands each position of a result reads, operator by operator.

A trait ``reach`` gives, for each operand by its position among the arguments, a mapping from the
dimensions of the result to those of the operand with the :class:`Taps` along them, ``None`` where
they are not known. All positions of an operand's other dimensions are read. A tensor in a list has
the position of the list and its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import torch
import torch.nn.functional as F

from archlint.ops.aliases import methods, spellings
from archlint.ops.registry import NoRule, TensorSpec
from archlint.ops.taps import SAME, Taps, averaged, between, nearest, slide, transposed
from archlint.ops.traits import declare_traits
from archlint.symbolic import Size
from archlint.symbolic.division import exact_quotient

Along = dict[int, tuple[int, "Taps | None"]]
"""By a dimension of the result (-1 and below: none): that of the operand, and what is read."""
Reach = dict["int | tuple[int, int]", Along]

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
_REDUCE = "mean sum amax amin prod logsumexp var std norm max min median all any argmax argmin"


def pointwise(result: TensorSpec, *args: Any, **_: Any) -> Reach:
    return {i: _aligned(result, a) for i, a in enumerate(args) if isinstance(a, TensorSpec)}


def _aligned(result: TensorSpec, operand: TensorSpec, but: Iterable[int] = ()) -> Along:
    """Dimensions from the right, as broadcasting aligns them, without those of ``but``."""
    ahead = result.ndim - operand.ndim
    left = {d % operand.ndim for d in but} if operand.ndim else set()
    return {d + ahead: (d, SAME) for d in range(operand.ndim) if d not in left}


def _each(value: Any, n: int) -> list[int]:
    values = list(value) if isinstance(value, (tuple, list)) else [value] * n
    values = values * n if len(values) == 1 else values
    if len(values) != n or not all(type(v) is int for v in values):
        raise NoRule("a window that is not known")
    return values


def _slid(result: TensorSpec, n: int, taps: list[Taps]) -> Along:
    """The last ``n`` dimensions are read through ``taps``, a batch as it is."""
    along: Along = {result.ndim - n + i: (result.ndim - n + i, taps[i]) for i in range(n)}
    return {0: (0, SAME), **along} if result.ndim > n + 1 else along


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
    return {0: _slid(result, n, [slide(*s) for s in settings])}


def _conv_transpose(result: Any, input: Any, weight: Any, bias: Any = None, stride: Any = 1,
                    padding: Any = 0, output_padding: Any = 0, groups: Any = 1,
                    dilation: Any = 1) -> Reach:  # fmt: skip
    n = weight.ndim - 2
    every = (_each(v, n) for v in (list(weight.dims[2:]), stride, padding, dilation))
    return {0: _slid(result, n, [transposed(*s) for s in zip(*every, strict=True)])}


def _pool_of(n: int, dilates: bool) -> Any:
    def pool(result: Any, input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0,
             *settings: Any, **named: Any) -> Reach:  # fmt: skip
        first = result[0] if isinstance(result, (tuple, list)) else result
        dilation = named.get("dilation", settings[0] if settings else 1) if dilates else 1
        strides = kernel_size if stride is None or stride == [] else stride
        every = (_each(v, n) for v in (kernel_size, strides, padding, dilation))
        return {0: _slid(first, n, [slide(*s) for s in zip(*every, strict=True)])}

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
    channels = {1: (1, SAME)} if result.ndim > n + 1 else {}
    return {**_slid(result, n, each), **channels}


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
    taps: Any = {"nearest": nearest, "area": averaged, "bicubic": _cubic}.get(mode, _linear_between)
    scales = scale_factor if isinstance(scale_factor, (tuple, list)) else [scale_factor] * n
    if recompute_scale_factor or not all(isinstance(s, (int, float)) for s in scales):
        return {0: _resized(result, input, n, taps)}
    ratios = [Fraction(s).limit_denominator(1000) for s in scales]
    each = [taps(r.denominator, r.numerator) for r in ratios]
    return {0: {1: (1, SAME), **_slid(result, n, each)}}


def _linear_between(size: int, out: int) -> Taps:
    return between(size, out, 1)


def _cubic(size: int, out: int) -> Taps:
    return between(size, out, 2)


def _pad(result: Any, input: Any, pad: Any, mode: str = "constant", value: Any = None) -> Reach:
    amounts = list(pad)
    along = _aligned(result, input)
    for i in range(len(amounts) // 2):
        dim = input.ndim - 1 - i
        if type(amounts[2 * i]) is not int:
            raise NoRule("a border that depends on the size")
        along[dim] = (dim, slide(1, 1, amounts[2 * i], 1))
    return {0: along}


def _batch_norm(result: Any, input: Any, a: Any, b: Any, c: Any = None, d: Any = None,
                training: Any = False, *_: Any, **__: Any) -> Reach:  # fmt: skip
    return {0: {1: (1, SAME)} if training else _aligned(result, input)}


def _by_group(result: Any, input: Any, *_: Any, **__: Any) -> Reach:
    return {0: {0: (0, SAME)}}


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


def _reduced(result: Any, input: Any, dim: Any = None, keepdim: Any = False, *_: Any,
             **settings: Any) -> Reach:  # fmt: skip
    first = result[0] if isinstance(result, (tuple, list)) else result
    dims = dim if isinstance(dim, (tuple, list)) else range(input.ndim) if dim is None else (dim,)
    if not all(type(d) is int for d in dims):
        return pointwise(first, input, dim)  # the larger of two tensors
    gone = {d % input.ndim for d in dims} if input.ndim else set()
    kept = [d for d in range(input.ndim) if d not in gone]
    if first.ndim == input.ndim:
        return {0: {d: (d, SAME) for d in kept}}
    return {0: {i: (d, SAME) for i, d in enumerate(kept)}}


def _linear(result: Any, input: Any, *_: Any, **__: Any) -> Reach:
    return {0: {d: (d, SAME) for d in range(input.ndim - 1)}}


def _matmul(result: Any, a: Any, b: Any) -> Reach:
    if a.ndim < 2 or b.ndim < 2:
        raise NoRule("a product with a vector")
    left = _aligned(result, a, (a.ndim - 1,))
    right = _aligned(result, b, (b.ndim - 2,))
    return {0: left, 1: right}


def _attention(result: Any, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> Reach:
    batch = range(query.ndim - 2)
    among: Along = {d: (d, SAME) for d in batch}
    return {0: _aligned(result, query, (query.ndim - 1,)), 1: among, 2: among}


def _cat(result: Any, tensors: Any, dim: Any = 0, **_: Any) -> Reach:
    at = dim % result.ndim
    return {
        (0, i): {d: (d, None if d == at else SAME) for d in range(t.ndim)}
        for i, t in enumerate(tensors)
        if t.ndim == result.ndim
    }


def _stacked(result: Any, tensors: Any, dim: Any = 0) -> Reach:
    at = dim % result.ndim
    return {
        (0, i): {d + (d >= at): (d, SAME) for d in range(t.ndim)} for i, t in enumerate(tensors)
    }


def reshaped(result: Any, input: Any, *_: Any, **__: Any) -> Reach:
    """All elements in their order, in other dimensions: these are found from the sizes."""
    raise NoRule("a reshape, whose dimensions follow from sizes")


def _permuted(result: Any, input: Any, *dims: Any, **named: Any) -> Reach:
    order = named.get("dims", dims)
    order = order[0] if len(order) == 1 and isinstance(order[0], (tuple, list)) else order
    return {0: {i: (d % input.ndim, SAME) for i, d in enumerate(order)}}


def _swapped(result: Any, input: Any, dim0: Any = -2, dim1: Any = -1) -> Reach:
    order = list(range(input.ndim))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return {0: {i: (d, SAME) for i, d in enumerate(order)}}


def _pieces(result: Any, input: Any, size: Any, dim: Any = 0) -> Reach:
    at = dim % input.ndim
    return {0: {d: (d, None if d == at else SAME) for d in range(input.ndim)}}


def _unbound(result: Any, input: Any, dim: Any = 0, *_: Any) -> Reach:
    at = dim % input.ndim
    along: Along = {d - (d > at): (d, SAME) for d in range(input.ndim) if d != at}
    return {0: along | {-1: (at, None)}}


def _subscript(result: Any, input: Any, index: Any) -> Reach:
    items = list(index) if isinstance(index, tuple) else [index]
    spoken = sum(i is not None and i is not ... for i in items)
    if ... in [i for i in items if i is None or i is ...]:
        at = next(k for k, i in enumerate(items) if i is ...)
        items[at : at + 1] = [slice(None)] * (input.ndim - spoken)
    else:
        items += [slice(None)] * (input.ndim - spoken)
    along: Along = {}
    out = place = 0
    for item in items:
        if item is None:
            out += 1
        elif isinstance(item, slice):
            start, step = item.start or 0, item.step or 1
            if item == slice(None):
                along[out] = (place, SAME)
                out, place = out + 1, place + 1
                continue
            sure = type(start) is int and start >= 0 and type(step) is int and step > 0
            along[out] = (place, slide(1, step, -start, 1) if sure else None)
            out, place = out + 1, place + 1
        elif type(item) is int:
            along[-1 - place] = (place, None)
            place += 1
        else:
            raise NoRule("a subscript by tensors")
    return {0: along}


def _shuffled(result: Any, input: Any, factor: Any) -> Reach:
    *_, height, width = range(result.ndim)
    taps = nearest(1, factor)
    return {0: {0: (0, SAME), height: (height, taps), width: (width, taps)}}


def _unshuffled(result: Any, input: Any, factor: Any) -> Reach:
    *_, height, width = range(result.ndim)
    taps = slide(factor, factor, 0, 1)
    return {0: {0: (0, SAME), height: (height, taps), width: (width, taps)}}


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
    state((F.group_norm, torch.group_norm), _by_group)
    state((F.instance_norm,), _instance_norm)
    state(spellings("layer_norm", "rms_norm"), _by_row)
    state(spellings("softmax", "log_softmax", "cumsum"), _over)
    state((F.linear,), _linear)
    state(spellings("matmul", "bmm", "mm", "__matmul__"), _matmul)
    state((F.scaled_dot_product_attention,), _attention)
    state(spellings("permute"), _permuted)
    state(spellings("transpose", "swapaxes", "swapdims"), _swapped)
    turned = torch.Tensor.mT.__get__  # type: ignore[attr-defined]
    state((turned, *spellings("t")), _swapped)
    state(spellings("cat", "concat", "concatenate"), _cat)
    state(spellings("stack"), _stacked)
    state(spellings("unbind", "select"), _unbound)
    state(spellings("expand", "expand_as"), lambda result, input, *_: {0: _aligned(result, input)})
    views = "view reshape flatten unflatten squeeze unsqueeze ravel view_as reshape_as"
    state(spellings(*views.split()), reshaped)
    state(spellings("chunk", "split", "tensor_split", "split_with_sizes"), _pieces)
    state(methods("__getitem__"), _subscript)
    state((torch.pixel_shuffle,), _shuffled)
    state((torch.pixel_unshuffle,), _unshuffled)


_declare()
