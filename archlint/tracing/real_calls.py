"""Calls with real tensors only, such as a model's weights: PyTorch computes them.

A model without weights has them on the meta device, where the real model has them on the CPU
(:mod:`archlint.models.meta_weights`). Code that asks where one of them is gets that answer. What
else differs, such as an address in memory, ends the trace, and the model runs with its weights.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import torch

from archlint.runtime.code_owner import Owner, owner_of
from archlint.runtime.user_frames import summary
from archlint.tracing.python.function_transforms import transforms_active
from archlint.tracing.signals import CannotMerge, UnknownOutcome
from archlint.tracing.symint.python_types import sym_int
from archlint.tracing.tensors.attributes import OF_DEVICE, OF_UNREAD, TEXT
from archlint.tracing.tensors.questions import UNKNOWN, function_asked
from archlint.tracing.tensors.specs import has_unknown_elements, map_tensors, spec_of
from archlint.tracing.trace import call_name

if TYPE_CHECKING:
    from archlint.tracing.tracer import Tracer

_PLAIN = (torch.Tensor, torch.nn.Parameter)
_META = torch.device("meta")
_VERSION = function_asked(torch.Tensor, "_version")
_INDEX = (torch.int64, torch.int32)


_CHANGES = frozenset(
    (
        *(getattr(torch.Tensor, name).__set__ for name in ("data", "requires_grad", "grad")),
        torch.Tensor.requires_grad_, torch.Tensor.resize_, torch.Tensor.resize_as_,
        torch.Tensor.detach_,
    )
)  # fmt: skip
"""What changes more of a tensor than its elements."""


def real_attribute(
    tracer: Tracer, answer: Any, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """An attribute of a real tensor. ``answer``: of :data:`~.tensors.attributes.ATTRIBUTES`."""
    if has_unknown_elements(tracer.run, args[:1]):
        answer = OF_UNREAD.get(func, answer)
        return answer(tracer.path, spec_of(args[0]), *args[1:], **kwargs)
    special = answer in OF_DEVICE or answer is TEXT
    if special and tracer.lean and _is_left_out(args[0]) and not _archlint_asks():
        if answer is TEXT:
            raise UnknownOutcome("the text of a weight is needed (str(), repr() or an f-string)")
        return answer(tracer.path, spec_of(args[0]))
    try:
        return func(*args, **kwargs)
    except Exception as e:
        _check_weights(tracer, e, func, args, kwargs)
        raise


def real_call(tracer: Tracer, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a call returns; a stand-in where it meets weights that are left out."""
    if func == _VERSION and not _archlint_asks():  # that of a copy says nothing of the tensor's
        return sym_int(tracer.path.unknown("_version", 0), tracer.path)
    if func in _CHANGES and tracer.path.forced is not None:
        raise CannotMerge  # other branches would find the tensor so
    if tracer.lean and args and _is_left_out(args[0]) and not _archlint_asks():
        _refuse_memory(func, args, kwargs)
        if func is torch.Tensor.__getitem__ and (rows := _rows(*args)) is not None:
            return rows
    try:
        result = func(*args, **kwargs)
    except Exception as e:
        devices = _devices((args, kwargs))
        off = devices == {"meta"} and "Cannot copy out of meta" in str(e)
        if isinstance(e, RuntimeError) and (devices == {"cpu", "meta"} or off):
            return tracer.call(func, args, kwargs)
        _check_weights(tracer, e, func, args, kwargs)
        raise
    if tracer.lean and "meta" in _devices(result) and "meta" not in _devices((args, kwargs)):
        raise UnknownOutcome("the model's code makes a tensor on the meta device")
    return result


def _archlint_asks() -> bool:
    """Whether code of ours made the call, not the model's."""
    frame = sys._getframe(3)  # of what calls ``__torch_function__``
    return owner_of(frame.f_code.co_filename) is Owner.ARCHLINT


def _check_weights(tracer: Tracer, error: Exception, func: Any, args: Any, kwargs: Any) -> None:
    """End the trace if an error may come of weights that are left out: code may catch it."""
    if tracer.lean and "meta" in _devices((args, kwargs)):
        raise UnknownOutcome(f"{call_name(func)} of weights that are left out: {summary(error)}")


def _rows(table: torch.Tensor, index: Any) -> torch.Tensor | None:
    """``table[index]``, for which the meta kernel takes as long as for ten other calls.

    ``None`` for any but a plain table and a plain index of rows.
    """
    if type(index) is not torch.Tensor or index.dtype not in _INDEX or not index.ndim:
        return None
    plain = table.layout is torch.strided and table.ndim and not table.is_complex()
    recorded = table.requires_grad and torch.is_grad_enabled()
    if not plain or recorded or not table.is_contiguous() or transforms_active():
        return None
    return torch.empty((*index.shape, *table.shape[1:]), dtype=table.dtype, device=_META)


def _is_left_out(tensor: Any) -> bool:
    return type(tensor) in _PLAIN and tensor.is_meta


def _refuse_memory(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    name = call_name(func)
    if func in UNKNOWN or (func is torch.Tensor.type and not (args[1:] or kwargs)):
        raise UnknownOutcome(f"{name} is called with a weight that the traced model lacks")
    if any(v == _META or v == "meta" for v in (*args[1:], *kwargs.values()) if _is_device(v)):
        raise UnknownOutcome("the model's code makes a tensor on the meta device")


def _is_device(value: Any) -> bool:
    return type(value) in (torch.device, str)


def _devices(values: Any) -> set[str]:
    devices: set[str] = set()
    map_tensors(values, lambda tensor: devices.add(tensor.device.type))
    return devices
