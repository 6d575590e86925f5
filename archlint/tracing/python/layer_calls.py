"""Calls of PyTorch's own layers, whose ``forward`` is one call of an operator.

Half of the time of such a call is spent between the layer and the operator. So the operator is
called at once, with the arguments that ``forward`` passes, where nothing could see the difference:
no hook, no other mode of ``torch.overrides``, no replaced ``forward``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn

from archlint.runtime.code_owner import Owner, owner_of
from archlint.runtime.process_state import global_hooks
from archlint.tracing.python.function_transforms import transforms_active
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor

if TYPE_CHECKING:
    from archlint.tracing.tracer import Tracer

OperatorCall = tuple[Any, tuple[Any, ...], dict[str, Any]]
"""An operator, as ``__torch_function__`` receives it, with its arguments."""

_Attributes = dict[str, Any]
_Maker = Callable[[_Attributes, SymbolicTensor], OperatorCall | None]


def layer_answers(tracer: Tracer) -> Callable[..., Callable[[nn.Module], Any] | None]:
    """What answers calls of modules, as of :meth:`.module_stack.ModuleStack.followed`.

    To be made where the ``tracer`` is the innermost mode; nothing is answered where it is not.
    """
    depth = _modes()

    def answer(module: nn.Module, args: Any, kwargs: Any) -> Callable[[nn.Module], Any] | None:
        if tracer.stand_ins is not None or not tracer.rules or _modes() != depth:
            return None
        try:
            call = None if transforms_active() else operator_call(module, args, kwargs)
        except KeyError:  # an attribute that old files lack: ``forward`` says which
            return None
        return None if call is None else answered_by(tracer.call, call)

    return answer


def _modes() -> int:
    """How many modes of ``torch.overrides`` are entered; 0 where calls reach none of them."""
    enabled = torch._C._is_torch_function_mode_enabled()
    return torch._C._len_torch_function_stack() if enabled else 0


def calls_forward(call: Any) -> bool:
    """Whether it runs the code of modules' ``__call__`` that PyTorch defines."""
    code = getattr(call, "__code__", None)
    return code is nn.Module._wrapped_call_impl.__code__ and _is_torchs(call)


def answered_by(handler: Callable[..., Any], call: OperatorCall) -> Callable[[nn.Module], Any]:
    """A ``forward`` that makes the call as the innermost mode would: outside of itself."""

    def forward(self: nn.Module) -> Any:  # a frame with the layer as ``self``: an error is its own
        mode = torch._C._pop_torch_function_stack()
        try:
            return handler(*call)
        finally:
            torch._C._push_on_torch_function_stack(mode)

    return forward


def operator_call(module: nn.Module, args: tuple[Any, ...], kwargs: Any) -> OperatorCall | None:
    """The operator that the call of a layer makes; ``None`` if its ``forward`` has to run."""
    kind = type(module)
    known = _LAYERS.get(kind)
    if known is None or len(args) != 1 or kwargs or type(args[0]) is not SymbolicTensor:
        return None
    forward, step_name, step, owner, name, function, make = known
    own = module.__dict__
    if (
        own["_forward_hooks"] or own["_forward_pre_hooks"]
        or own["_backward_hooks"] or own["_backward_pre_hooks"]
        or "forward" in own or step_name in own
        or "_call_impl" in own or "_compiled_call_impl" in own
        or kind.forward is not forward or getattr(kind, step_name) is not step
        or getattr(owner, name) is not function or nn.Module._call_impl is not _CALL
        or global_hooks() or torch._C._get_tracing_state() is not None
    ):  # fmt: skip
        return None
    return make(own, args[0])


def _weights(own: _Attributes) -> tuple[Any, Any] | None:
    """The weight and the bias; ``None`` where the names may mean something else."""
    parameters = own["_parameters"]
    if "weight" in own or "bias" in own or "weight" not in parameters or "bias" not in parameters:
        return None
    return parameters["weight"], parameters["bias"]


def _convolution(function: Any) -> _Maker:
    def call(own: _Attributes, input: SymbolicTensor) -> OperatorCall | None:
        weights = _weights(own)
        if weights is None or own["padding_mode"] != "zeros":
            return None
        settings = own["stride"], own["padding"], own["dilation"], own["groups"]
        return function, (input, *weights, *settings), {}

    return call


def _batch_norm(*ranks: int) -> _Maker:
    def call(own: _Attributes, input: SymbolicTensor) -> OperatorCall | None:
        weights, buffers = _weights(own), own["_buffers"]
        if weights is None or own["training"] or len(input.spec.dims) not in ranks:
            return None
        if "running_mean" not in buffers or "running_var" not in buffers:
            return None
        mean, variance = buffers["running_mean"], buffers["running_var"]
        settings = {
            "weight": weights[0], "bias": weights[1],
            "training": mean is None and variance is None,
            "momentum": 0.0 if own["momentum"] is None else own["momentum"], "eps": own["eps"],
        }  # fmt: skip
        return F.batch_norm, (input, mean, variance), settings

    return call


def _linear(own: _Attributes, input: SymbolicTensor) -> OperatorCall | None:
    weights = _weights(own)
    return None if weights is None else (F.linear, (input, *weights), {})


def _layer_norm(own: _Attributes, input: SymbolicTensor) -> OperatorCall | None:
    weights = _weights(own)
    if weights is None:
        return None
    settings = {"weight": weights[0], "bias": weights[1], "eps": own["eps"]}
    return F.layer_norm, (input, own["normalized_shape"]), settings


def _activation(function: Any) -> _Maker:
    def call(own: _Attributes, input: SymbolicTensor) -> OperatorCall:
        return function, (input,), {"inplace": own["inplace"]}

    return call


def _clamp(own: _Attributes, input: SymbolicTensor) -> OperatorCall:
    bounds = {"min_val": own["min_val"], "max_val": own["max_val"], "inplace": own["inplace"]}
    return F.hardtanh, (input,), bounds


def _dropout(own: _Attributes, input: SymbolicTensor) -> OperatorCall:
    settings = {"p": own["p"], "training": own["training"], "inplace": own["inplace"]}
    return F.dropout, (input,), settings


def _gelu(own: _Attributes, input: SymbolicTensor) -> OperatorCall:
    return F.gelu, (input,), {"approximate": own["approximate"]}


def _adaptive_pool(own: _Attributes, input: SymbolicTensor) -> OperatorCall:
    return F.adaptive_avg_pool2d, (input, own["output_size"]), {}


_CALL = nn.Module._call_impl
_STEPS: dict[Any, str] = {
    **dict.fromkeys((nn.Conv1d, nn.Conv2d, nn.Conv3d), "_conv_forward"),
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d), "_check_input_dim"),
}
"""Methods that ``forward`` calls."""


def _is_torchs(function: Any) -> bool:
    """Whether the function is PyTorch's: it could have been replaced before archlint's import."""
    code = getattr(function, "__code__", None)
    return code is None or owner_of(code.co_filename) is Owner.TORCH


_LAYERS: dict[Any, tuple[Any, str, Any, Any, str, Any, _Maker]] = {
    kind: (kind.forward, step_name, step, owner, function, getattr(owner, function), make)
    for kind, owner, function, make in (
        (nn.Conv1d, F, "conv1d", _convolution(F.conv1d)),
        (nn.Conv2d, F, "conv2d", _convolution(F.conv2d)),
        (nn.Conv3d, F, "conv3d", _convolution(F.conv3d)),
        (nn.BatchNorm1d, F, "batch_norm", _batch_norm(2, 3)),
        (nn.BatchNorm2d, F, "batch_norm", _batch_norm(4)),
        (nn.BatchNorm3d, F, "batch_norm", _batch_norm(5)),
        (nn.LayerNorm, F, "layer_norm", _layer_norm),
        (nn.Linear, F, "linear", _linear),
        (nn.ReLU, F, "relu", _activation(F.relu)),
        (nn.ReLU6, F, "hardtanh", _clamp),
        (nn.SiLU, F, "silu", _activation(F.silu)),
        (nn.Hardswish, F, "hardswish", _activation(F.hardswish)),
        (nn.Hardsigmoid, F, "hardsigmoid", _activation(F.hardsigmoid)),
        (nn.GELU, F, "gelu", _gelu),
        (nn.Dropout, F, "dropout", _dropout),
        (nn.AdaptiveAvgPool2d, F, "adaptive_avg_pool2d", _adaptive_pool),
        (nn.Sigmoid, torch, "sigmoid", lambda own, input: (torch.sigmoid, (input,), {})),
    )
    for step_name in (_STEPS.get(kind, "forward"),)
    for step in (getattr(kind, step_name),)
    if all(map(_is_torchs, (kind.forward, step, getattr(owner, function), _CALL)))
}
"""By the class of a layer: its ``forward`` and one of :data:`_STEPS`, the operator by owner and
name, and what makes the call."""
