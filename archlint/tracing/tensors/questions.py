"""Attributes and methods of tensors that depend on how a tensor was made, or cannot be known.

:data:`ATTRIBUTES` of :mod:`.attributes` are answered from a tensor's sizes and dtype, these from
the tensor: which call made it, and what was written since. What only elements or addresses in
memory determine has a reason in :data:`UNKNOWN`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from archlint.ops.traits import View, traits_of, written_by
from archlint.tracing.path import TracedPath
from archlint.tracing.run import current_run
from archlint.tracing.signals import UnknownOutcome
from archlint.tracing.symint.python_types import sym_int
from archlint.tracing.tensors.autograd import (
    is_leaf,
    known_requires_grad,
    none_without_graph,
    zero_without_graph,
)
from archlint.tracing.tensors.specs import map_tensors
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trace import Call, call_name

Calls = Sequence[Call]
Answer = Callable[..., Any]
"""``(calls so far, tensor) -> result``."""

_SOME_NUMBER = object()  # the answer where only its sign is known

_ADDRESS = "the address of a tensor's memory is not known"
_STORAGE = "a symbolic tensor has no memory"
_ELEMENTS = "a symbolic tensor has no elements"
_HISTORY = "the history of a tensor's gradients is not followed"
_FORWARD_MODE = "gradients in forward mode are not followed"
_DEVICE = "a device is needed that this machine does not have"
_LAYOUT = "tensors of another layout than strided are not followed"
_NAMES = "names of dimensions are not followed"
_PIVOTS = "the elements of a tensor are places in memory, which its kernel does not check"
_QUANTIZED = "quantized tensors are not followed"
_VIEWS = "whether a result is a view is not known"


def function_asked(owner: Any, name: str) -> Any:
    """What ``__torch_function__`` is called with for a method or an attribute; ``None`` without."""
    found: Any = getattr(owner, name, None)
    if type(found).__name__ in ("getset_descriptor", "property"):
        return found.__get__
    return found


def _table(entries: dict[str, Any]) -> dict[Any, Any]:
    """Entries by function, for each of the names that this version of PyTorch has."""
    found = {}
    for names, entry in entries.items():
        for name in names.split():
            for owner in (torch.Tensor, torch, torch.linalg):
                function = function_asked(owner, name)
                if callable(function):
                    found[function] = entry
    return found


def _storage_offset(calls: Calls, tensor: SymbolicTensor) -> int:
    while tensor.made_by >= 0 and not tensor.shares and tensor.older is None:
        call = calls[tensor.made_by]
        traits = traits_of(call.func)
        if tensor.own or traits.allocates:
            return 0
        bases: list[torch.Tensor] = []
        map_tensors(call.args[:1], bases.append)
        whole = traits.view in (View.SAME, View.WHOLE, View.REPEATED)
        if not whole or len(bases) != 1 or type(bases[0]) is not SymbolicTensor:
            raise UnknownOutcome("the storage offset of a tensor is not known")
        tensor = bases[0]
    if tensor.shares or tensor.older is not None:
        raise UnknownOutcome("the storage offset of a tensor is not known")
    return 0


def _of_input(value: Any, reason: str | None) -> Answer:
    """The same for every tensor that no call made, and that nothing was written to.

    Without a ``reason``, for the others it is some number that is not negative.
    """

    def answer(calls: Calls, tensor: SymbolicTensor) -> Any:
        written = any(
            written_by(c.func, c.args, c.kwargs) != () or "out" in c.kwargs for c in calls
        )
        if not written and tensor.made_by < 0 and tensor.older is None:
            return value
        if reason is None:
            return _SOME_NUMBER
        raise UnknownOutcome(reason)

    return answer


def _without_calls(answer: Callable[[SymbolicTensor], Any]) -> Answer:
    return lambda calls, tensor: answer(tensor)


def _no_inference(calls: Calls, tensor: SymbolicTensor) -> bool:
    run = current_run()
    if torch.is_inference_mode_enabled() or (run is not None and run.inference):
        raise UnknownOutcome("inference mode inside a model is not followed")
    return False


def _no_cuda_array(calls: Calls, tensor: SymbolicTensor) -> Any:
    raise AttributeError("__cuda_array_interface__ of a tensor that is not on CUDA")


def _grad_dtype(calls: Calls, tensor: SymbolicTensor) -> torch.dtype:
    if not is_leaf(tensor):
        raise UnknownOutcome("grad_dtype of a tensor that an operator computed is not known")
    return tensor.spec.dtype


OF_TENSOR: dict[Any, Answer] = _table(
    {
        "requires_grad": _without_calls(known_requires_grad),
        "is_leaf": _without_calls(is_leaf),
        "grad_fn _grad_fn": _without_calls(none_without_graph("grad_fn")),
        "grad _grad _backward_hooks": _without_calls(none_without_graph("the gradient")),
        "retains_grad": lambda calls, tensor: False,
        "output_nr": _without_calls(zero_without_graph),
        "grad_dtype": _grad_dtype,
        "is_inference": _no_inference,
        "storage_offset": _storage_offset,
        "_version": _of_input(0, None),
        "_base": _of_input(None, _VIEWS),
        "_is_view": _of_input(False, _VIEWS),
        "__hash__": lambda calls, tensor: id(tensor),
        "__cuda_array_interface__": _no_cuda_array,
        "__dlpack_device__": lambda calls, tensor: (1, 0),
    }
)
"""Answers by the function that ``__torch_function__`` is called with."""


def answered(path: TracedPath, function: Any, calls: Calls, tensor: SymbolicTensor) -> Any:
    """The answer of :data:`OF_TENSOR`. A number that is not known branches where it is compared."""
    found = OF_TENSOR[function](calls, tensor)
    if found is not _SOME_NUMBER:
        return found
    return sym_int(path.unknown("_version", 0), path)


UNKNOWN: dict[Any, str] = _table(
    {
        "data_ptr const_data_ptr mutable_data_ptr _cdata": _ADDRESS,
        "storage untyped_storage _typed_storage storage_type": _STORAGE,
        "set_ share_memory_ _use_count _has_symbolic_sizes_strides": _STORAGE,
        "numpy __array__ __array_wrap__ __dlpack__ __reduce__ __reduce_ex__": _ELEMENTS,
        "__setstate__ _reduce_ex_internal _rebuild_from_type_v2 module_load": _ELEMENTS,
        "apply_ map_ map2_ is_nonzero": _ELEMENTS,
        "backward retain_grad register_hook register_post_accumulate_grad_hook": _HISTORY,
        "_post_accumulate_grad_hooks _view_func _view_func_unsafe _rev_view_func_unsafe": _HISTORY,
        "_make_dual _unpack_dual _fw_primal _make_dual_copy _fw_primal_copy": _FORWARD_MODE,
        "as_subclass": "a tensor of another class is not followed",
        "cuda ipu xpu mtia": _DEVICE,
        "to_sparse to_sparse_coo to_sparse_csr to_sparse_csc to_sparse_bsr to_sparse_bsc": _LAYOUT,
        "to_mkldnn hspmm sspaddmm resize_as_sparse_": _LAYOUT,
        "sparse_coo_tensor sparse_csr_tensor sparse_csc_tensor sparse_bsr_tensor": _LAYOUT,
        "sparse_bsc_tensor sparse_compressed_tensor": _LAYOUT,
        " ".join(n for n in dir(torch) if n.startswith(("fbgemm_", "quantize_"))): _QUANTIZED,
        "_update_names align_as align_tensors align_to refine_names rename rename_": _NAMES,
        "ldl_solve lu_solve lu_unpack": _PIVOTS,
        "_autocast_to_reduced_precision _autocast_to_full_precision": "autocast is not followed",
    }
)
"""Why a question has no answer, by the same functions."""

for _name in ("grad", "_grad", "names", "_backward_hooks"):
    _owner = getattr(torch.Tensor, _name, None)
    if hasattr(_owner, "__set__"):
        UNKNOWN[_owner.__set__] = f"a tensor's {_name} is set"  # type: ignore[union-attr]
UNKNOWN[torch.Tensor.data.__set__] = "a tensor gets other memory (.data = …)"  # type: ignore[attr-defined]


def unanswered(function: Any) -> str:
    """The reason why no answer is known; empty if there is one."""
    reason = UNKNOWN.get(function, "")
    name = call_name(function)
    return f"{name}: {reason}" if reason and name not in ("get", "set") else reason
