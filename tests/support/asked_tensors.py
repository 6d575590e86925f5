"""What code can ask of a tensor: PyTorch's functions, how each is answered, and calls that ask it.

The way in which a function is answered is read from the tables of the tracer. A function that only
PyTorch's kernel answers is called; its arguments are chosen by their names.
"""

from __future__ import annotations

import inspect
import itertools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.overrides import (
    get_ignored_functions,
    get_overridable_functions,
    get_testing_overrides,
    resolve_name,
)

from archlint.ops.registry import rule_for
from archlint.ops.traits import Unchecked, traits_of
from archlint.tracing.meta_kernels import NUMBERS, python_body
from archlint.tracing.tensors.attributes import ATTRIBUTES
from archlint.tracing.tensors.questions import OF_TENSOR, UNKNOWN, function_asked
from tests.support.unasked_names import UNASKED

ANSWERS = {
    "from sizes": "from sizes, strides, dtype and device: a formula, or a branch on a formula",
    "from history": "from how the tensor was made and what was written since; unknown where that "
    "is not known",
    "rule": "by a shape rule, which is tested against the real operator",
    "code": "PyTorch has it in Python; its code is followed call by call",
    "number": "by the number itself: see [sizes](asked.md)",
    "kernel": "PyTorch's meta kernel gives sizes as formulas; the CPU kernel has to agree at small "
    "sizes",
    "branch": "as *kernel* or *code*, on a path of fewer sizes, often of one",
    "indices": "as *kernel*; whether its indices are in range is not checked, so that nothing is "
    "proved",
    "unknown": "not answered: the run ends there, and its sizes are not proved",
    "refused": "raises, as it does for an ordinary tensor",
}
"""The ways in which a question is answered."""

Function = Callable[..., Any]


HOMES = (torch, torch.nn.functional, torch.nn.init, torch.linalg, torch.fft, torch.special)
"""Modules all of whose functions are asked."""


def functions() -> dict[str, Function]:
    """By name: PyTorch's functions, also those that it does not list, and all of ``torch.Tensor``.

    Without those that ask nothing, each of which :mod:`.unasked_names` names.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        listed = [f for group in get_overridable_functions().values() for f in group]
        listed += [f for f in get_ignored_functions() if getattr(f, "__module__", "") != "builtins"]
        named = {resolve_name(f) or "": f for f in listed if callable(f)}
    known = {f for f in listed if hashable(f)}
    for name in dir(torch.Tensor):
        member = function_asked(torch.Tensor, name)
        if not hashable(member) or member not in known:
            named[f"torch.Tensor.{name}"] = member
    for home in HOMES:  # such as ``torch.relu_``
        for name, member in vars(home).items():
            own = inspect.isbuiltin(member) or (
                inspect.isfunction(member) and member.__module__ in (home.__name__, "torch")
            )
            if own and not name.startswith("_") and member not in known:
                named[f"{home.__name__}.{name}"] = member
    asking = {n: f for n, f in named.items() if n and not isinstance(f, type)}
    return {n: f for n, f in asking.items() if n.removesuffix(".__get__") not in UNASKED}


def hashable(member: Any) -> bool:
    """Whether it may be looked up in a table; some members of a tensor are dictionaries."""
    try:
        hash(member)
    except TypeError:
        return False
    return True


def table_of(function: Function) -> str:
    """Which table of the tracer answers; ``kernel`` if none does."""
    if not hashable(function):
        return "kernel"
    if function in ATTRIBUTES:
        return "from sizes"
    if function in OF_TENSOR:
        return "from history"
    if rule_for(function) is not None:
        return "rule"
    if function in UNKNOWN:
        return "unknown"
    if function in NUMBERS:
        return "number"
    if python_body(function) is not None:
        return "code"
    return "indices" if traits_of(function).unchecked is Unchecked.INDICES else "kernel"


def values(x: torch.Tensor) -> dict[str, Any]:
    """What the arguments of calls are made of: an image of sizes ``N 3 H W`` as other tensors."""
    m = x[0, 0]
    return {
        "torch": torch,
        "x": x,
        "h": x.shape[2],
        "m": m,
        "s": m @ m.T,
        "v": m[0],
        "i": m.long(),
        "j": m[0].long() * 0,
        "b": m > 0,
        "c": torch.complex(m, m),
        "p": torch.stack([m, m], -1),
    }


FIRST = ("m", "s", "v", "i", "b", "c", "x", "p", "x[0]")
"""The first argument of a call, in the order in which they are tried."""
_VALUES = {
    "dim dim0 axis axis0 source diagonal offset start": ("0",),
    "dim1 dim2 axis1 destination chunks length sections N degree": ("1",),
    "size sizes shape dims dimension split_size split_size_or_sections":
        ("1", "(0, 1)", "(1, 0)", "m.shape", "(2, 2)"),
    "index indices": ("j", "i * 0", "0"),
    "mask": ("b",),
    "vec vec1": ("v",),
    "weight bias running_mean running_var mean std": ("v", "None"),
    "value eps maxnorm exponent tau threshold lambd p q quantile": ("0.5",),
    "training train keepdim upper left": ("False",),
    "dtype": ("torch.float64",),
    "src": ("m", "m[0]"),
    "normalized_shape": ("(m.shape[-1],)",),
}  # fmt: skip
BY_NAME = {name: values for names, values in _VALUES.items() for name in names.split()}
_REST = ("", ", 0.5", ", m", ", 0.5, False", ", 0, 1", ", 0.5, 0.5")  # of functions not listed
MOST = 80  # calls that are tried

CALLS = {
    "addmv": "torch.addmv(m[:, 0], m, v)",
    "affine_grid_generator": "torch.affine_grid_generator(x[:, :2, 0, :3], list(x.shape), False)",
    "as_strided_copy": "torch.as_strided_copy(m, (2, 2), (1, 1))",
    "as_strided_scatter": "torch.as_strided_scatter(m, m[:2, :2], (2, 2), (2, 1))",
    "choose_qparams_optimized": "torch.choose_qparams_optimized(v, 5, 2, 0.5, 8)",
    "conv_tbc": "torch.conv_tbc(x[0], torch.ones(2, x.shape[3], 6), torch.ones(6))",
    "cosine_embedding_loss": "torch.cosine_embedding_loss(m, m, m[:, 0])",
    "ctc_loss": "torch.ctc_loss(x[0].log_softmax(-1), i[:, :2] % 2 + 1, (3,) * 4, (1,) * 4)",
    "diagonal_scatter": "torch.diagonal_scatter(s, s[0])",
    "embedding_bag": "torch.embedding_bag(m, j, torch.zeros(1, dtype=torch.int64))",
    "fake_quantize_per_channel_affine":
        "torch.fake_quantize_per_channel_affine(m, v, v.int(), 1, 0, 9)",
    "fake_quantize_per_tensor_affine": "torch.fake_quantize_per_tensor_affine(m, 0.5, 0, 0, 9)",
    "frobenius_norm": "torch.frobenius_norm(m, [0, 1])",
    "grid_sampler_2d": "torch.grid_sampler_2d(x, x[:, 0, :, :2, None].expand(-1, -1, -1, 2), "
    "0, 0, False)",
    "grid_sampler_3d": "torch.grid_sampler_3d(x[None], x[None, ..., :3], 0, 0, False)",
    "index_reduce": "torch.index_reduce(m, 0, j[:1], m[:1], 'mean')",
    "index_reduce_": "m.clone().index_reduce_(0, j[:1], m[:1], 'mean')",
    "is_nonzero": "torch.is_nonzero(m.sum())",
    "istft": "torch.stft(x.flatten(), 8, return_complex=True).istft(8)",
    "mvlgamma": "torch.mvlgamma(m + 2, 2)",
    "mvlgamma_": "(m + 2).mvlgamma_(2)",
    "special.multigammaln": "torch.special.multigammaln(m + 2, 2)",
    "native_group_norm": "torch.native_group_norm(x, None, None, len(x), 3, m.numel(), 1, 0.1)",
    "native_layer_norm": "torch.native_layer_norm(m, v.shape, v, v, 0.1)",
    "nonzero_static": "torch.nonzero_static(m, size=3)",
    "orgqr": "torch.orgqr(s, s[0])",
    "ormqr": "torch.ormqr(s, s[0], s)",
    "linalg.householder_product": "torch.linalg.householder_product(s, s[0])",
    "poisson_nll_loss": "torch.poisson_nll_loss(m, m, True, False, 0.1, 1)",
    "polygamma": "torch.polygamma(1, m)",
    "special.polygamma": "torch.special.polygamma(1, m)",
    "put": "torch.put(m, j, v)",
    "split_with_sizes_copy": "torch.split_with_sizes_copy(m, [1, m.shape[0] - 1])",
    "fractional_max_pool2d": "torch.nn.functional.fractional_max_pool2d(x, 2, (2, 2))",
    "fractional_max_pool3d": "torch.nn.functional.fractional_max_pool3d(x[None], 2, (1, 2, 2))",
    "addbmm_": "m[:, :4].clone().addbmm_(x[0], x[0].mT[:, :, :4])",
    "addmv_": "m[:, 0].clone().addmv_(m, v)",
    "addr_": "m.clone().addr_(m[:, 0], v)",
    "as_strided_": "m.clone().as_strided_((2, 2), (1, 1))",
    "float_power_": "m.double().float_power_(2)",
    "linalg.cross": "torch.linalg.cross(x, x, dim=1)",
    "linalg.solve_triangular": "torch.linalg.solve_triangular(s, s, upper=True)",
    "linalg.tensorinv": "torch.linalg.tensorinv(s, 1)",
    "linalg.tensorsolve": "torch.linalg.tensorsolve(s, s[0])",
    "__complex__": "complex(m.sum())",
    "__long__": "m.sum().__long__()",
    "asarray": "torch.asarray(m)",
    "fill": "torch.fill(m, 1.0)",
    "bartlett_window": "torch.bartlett_window(h)",
    "blackman_window": "torch.blackman_window(h)",
    "hamming_window": "torch.hamming_window(h)",
    "hann_window": "torch.hann_window(h)",
    "kaiser_window": "torch.kaiser_window(h)",
    "logspace": "torch.logspace(1, 2, h)",
    "range": "torch.range(1, h)",
    "normal": "torch.normal(0.0, 1.0, (h, 2))",
    "scalar_tensor": "torch.scalar_tensor(h)",
    "empty_strided": "torch.empty_strided((h, 2), (2, 1))",
    "empty_permuted": "torch.empty_permuted((h, 2), (1, 0))",
    "fft.fftfreq": "torch.fft.fftfreq(h)",
    "fft.rfftfreq": "torch.fft.rfftfreq(h)",
    "from_numpy": "torch.from_numpy(m.numpy())",
    "broadcast_shapes": "torch.broadcast_shapes(m.shape, (1, m.shape[1]))",
    "can_cast": "torch.can_cast(m.dtype, torch.double)",
    "promote_types": "torch.promote_types(m.dtype, torch.double)",
    "result_type": "torch.result_type(m, 1)",
    "is_storage": "torch.is_storage(m)",
    "is_tensor": "torch.is_tensor(m)",
    "typename": "torch.typename(m)",
    "get_default_dtype": "torch.get_default_dtype()",
    "sparse_coo_tensor": "torch.sparse_coo_tensor(i[:2] * 0, v)",
    "sparse_csr_tensor": "torch.sparse_csr_tensor(j[:2], j[:1], v[:1])",
    "sparse_csc_tensor": "torch.sparse_csc_tensor(j[:2], j[:1], v[:1])",
    "sparse_bsr_tensor": "torch.sparse_bsr_tensor(j[:2], j[:1], x[0, :1])",
    "sparse_bsc_tensor": "torch.sparse_bsc_tensor(j[:2], j[:1], x[0, :1])",
    "sparse_compressed_tensor":
        "torch.sparse_compressed_tensor(j[:2], j[:1], v[:1], layout=torch.sparse_csr)",
    "new_empty_strided": "m.new_empty_strided((h, 2), (2, 1))",
    "_addmm_activation": "v._addmm_activation(m, m.T @ m)",
    "_lazy_clone": "m._lazy_clone()",
    "_conj": "c._conj()",
    "_conj_physical": "m._conj_physical()",
    "_neg_view": "m._neg_view()",
    "_is_all_true": "b._is_all_true()",
    "_is_any_true": "b._is_any_true()",
    "_is_zerotensor": "m._is_zerotensor()",
    "_to_sparse": "m._to_sparse()",
    "_to_sparse_csr": "m._to_sparse_csr()",
    "_to_sparse_csc": "m._to_sparse_csc()",
    "_to_sparse_bsr": "m._to_sparse_bsr((1, 1))",
    "_to_sparse_bsc": "m._to_sparse_bsc((1, 1))",
    "stft": "torch.stft(x.flatten(), 8, return_complex=True)",
    "fractional_max_pool2d_with_indices":
        "torch.nn.functional.fractional_max_pool2d_with_indices(x, 2, (2, 2))",
    "fractional_max_pool3d_with_indices":
        "torch.nn.functional.fractional_max_pool3d_with_indices(x[None], 2, (1, 2, 2))",
    "max_unpool2d": "torch.nn.functional.max_unpool2d(x, x.long() * 0, 2)",
    "max_unpool3d": "torch.nn.functional.max_unpool3d(x[None], x[None].long() * 0, 2)",
    "multi_head_attention_forward":
        "torch.nn.functional.multi_head_attention_forward(x[0, :, :, :4], x[0, :, :, :4], "
        "x[0, :, :, :4], 4, 2, torch.ones(12, 4), torch.ones(12), None, None, False, 0.0, "
        "torch.ones(4, 4), torch.ones(4), False)",
    "multi_margin_loss": "torch.nn.functional.multi_margin_loss(m, i[:, 0] * 0)",
    "multilabel_margin_loss": "torch.nn.functional.multilabel_margin_loss(m, i * 0)",
    "nll_loss": "torch.nn.functional.nll_loss(m, i[:, 0] * 0)",
    "resize": "m.resize(m.shape[1], m.shape[0])",
    "embedding_renorm_": "torch.embedding_renorm_(m.clone(), j, 1.0, 2.0)",
    "gcd_": "torch.gcd_(i.clone(), i)",
    "lcm_": "torch.lcm_(i.clone(), i)",
    "segment_reduce":
        "torch.segment_reduce(m, 'sum', lengths=torch.tensor([1, m.shape[0] - 1]))",
    "index_put_": "torch.index_put_(m.clone(), (j,), v)",
    "ldexp_": "torch.ldexp_(m.clone(), m)",
    "xlogy_": "torch.xlogy_(m.clone(), m)",
    "resize_as_": "torch.resize_as_(m.clone(), s)",
    "cudnn_is_acceptable": "torch.cudnn_is_acceptable(m)",
    "mkldnn_convolution":
        "torch.mkldnn_convolution(x, torch.ones(2, 3, 2, 2), None, (0, 0), (1, 1), (1, 1), 1)",
    "mkldnn_rnn_layer":
        "torch.mkldnn_rnn_layer(x[0, :, :, :4], torch.ones(16, 4), torch.ones(16, 4), "
        "torch.ones(16), torch.ones(16), torch.zeros(4, 4), torch.zeros(4, 4), False, [], 2, 4, "
        "1, True, False, False, False)",
    "upsample": "torch.nn.functional.upsample(x, scale_factor=2)",
    "upsample_bilinear": "torch.nn.functional.upsample_bilinear(x, scale_factor=2)",
    "upsample_nearest": "torch.nn.functional.upsample_nearest(x, scale_factor=2)",
    **{
        f"nn.init.{name}": f"torch.nn.init.{name}(m.clone())"
        for name in (
            "eye", "kaiming_normal", "kaiming_uniform", "normal", "orthogonal", "uniform",
            "xavier_normal", "xavier_uniform",
        )
    },
    "nn.init.constant": "torch.nn.init.constant(m.clone(), 2)",
    "nn.init.dirac": "torch.nn.init.dirac(x.clone())",
    "nn.init.sparse": "torch.nn.init.sparse(m.clone(), 0.5)",
    "grouped_mm": "torch.nn.functional.grouped_mm(x[0].repeat(1, 8, 8), x[0].mT.repeat(1, 8, 8))",
    "scaled_mm":
        "torch.nn.functional.scaled_mm(m.repeat(16, 16).to(torch.float8_e4m3fn), "
        "m.repeat(16, 16).to(torch.float8_e4m3fn).t(), "
        "torch.ones(1), torch.nn.functional.ScalingType.TensorWise, "
        "torch.ones(1), torch.nn.functional.ScalingType.TensorWise, output_dtype=torch.bfloat16)",
    "_philox_normal_": "m.clone()._philox_normal_(torch.zeros(2, dtype=torch.uint64))",
    "_philox_uniform_": "m.clone()._philox_uniform_(torch.zeros(2, dtype=torch.uint64))",
}  # fmt: skip
"""Calls of functions whose arguments their names do not tell; methods are called as functions."""

REFUSED = {
    "it is for sparse tensors":
        "_coalesced_ _dimI _dimV _indices _nnz _sparse_mask_projection _to_dense _values "
        "ccol_indices ccol_indices_copy coalesce col_indices col_indices_copy crow_indices "
        "crow_indices_copy indices indices_copy is_coalesced native_norm row_indices "
        "resize_as_sparse_ row_indices_copy smm sspaddmm sparse_mask sparse_resize_ "
        "sparse_resize_and_clear_ "
        "values values_copy",
    "it is for quantized tensors":
        "empty_quantized int_repr q_per_channel_axis q_per_channel_scales "
        "q_per_channel_zero_points q_scale "
        "q_zero_point qscheme quantized_batch_norm quantized_gru quantized_gru_cell "
        "quantized_lstm quantized_lstm_cell "
        "quantized_max_pool1d quantized_max_pool2d quantized_max_pool3d quantized_rnn_relu_cell "
        "quantized_rnn_tanh_cell "
        "fused_moving_avg_obs_fake_quant",
    "it is for nested tensors":
        "_nested_tensor_size _nested_tensor_storage_offsets _nested_tensor_strides "
        "to_padded_tensor",
    "it is for tensors of oneDNN":
        "mkldnn_adaptive_avg_pool2d mkldnn_linear_backward_weights mkldnn_max_pool2d "
        "mkldnn_max_pool3d",
    "it is for another device":
        "batch_norm_backward_elemt batch_norm_backward_reduce batch_norm_elemt "
        "batch_norm_gather_stats batch_norm_gather_stats_with_counts batch_norm_stats "
        "cudnn_affine_grid_generator cudnn_batch_norm cudnn_convolution "
        "cudnn_convolution_add_relu cudnn_convolution_relu cudnn_convolution_transpose "
        "cudnn_grid_sampler "
        "miopen_batch_norm miopen_convolution miopen_convolution_add_relu miopen_convolution_relu "
        "miopen_convolution_transpose miopen_ctc_loss miopen_depthwise_convolution miopen_rnn "
        "pin_memory record_stream scaled_grouped_mm _philox_normal_ _philox_uniform_",
    "newer versions do not have it": "cholesky eig lstsq matrix_rank qr reinforce solve symeig",
    "no tensor can delete elements": "__delitem__",
}  # fmt: skip
"""Why no dense tensor in memory answers, by names as :func:`short` has them."""


def short(name: str) -> str:
    """The name without its module, ``torch.linalg`` and the like excepted."""
    for long in ("torch.Tensor.", "torch.nn.functional.", "torch.functional.", "torch."):
        if name.startswith(long):
            return name[len(long) :].removesuffix(".__get__")
    return name


def attempts(name: str, function: Function) -> Iterator[str]:
    """Calls of the function, the likely ones first."""
    if name.endswith(".__get__"):
        yield from (f"{first}.{name.split('.')[-2]}" for first in FIRST)
        return
    stand_in = get_testing_overrides().get(function) if hashable(function) else None
    if stand_in is None:
        if not name.startswith("torch.Tensor."):
            for rest, first in itertools.product(_REST, FIRST):
                yield f"{name}({first}.clone(){rest})"
        return
    by_place = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [
        p.name
        for p in inspect.signature(stand_in).parameters.values()
        if p.kind in by_place and p.default is p.empty
    ]
    copy = "({}).clone()" if name.endswith("_") and not name.endswith("__") else "{}"
    for count, first in itertools.product((len(needed), 1), FIRST):
        rest = [BY_NAME.get(n, (first, "1", "0.5", f"[{first}]")) for n in needed[1:count]]
        for others in itertools.product(*rest):
            yield f"{name}({', '.join([copy.format(first), *others])})"
            if needed[:1] == ["tensors"]:
                yield f"{name}([{first}, {first}])"


def first_that_runs(name: str, function: Function) -> str:
    """A call that a real tensor answers; ``""`` if none is found."""
    known = CALLS.get(short(name))
    for code in itertools.islice(attempts(name, function), MOST) if known is None else (known,):
        try:
            ask(code, torch.rand(2, 3, 4, 5))
        except Exception:
            continue
        return code
    return ""


def ask(code: str, x: torch.Tensor) -> Any:
    """The value of an expression about an image."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(code, values(x))
