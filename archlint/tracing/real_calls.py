"""Calls with real tensors only, such as a model's weights: PyTorch computes them.

A model without weights has them on the meta device, where the real model has them on the CPU
(:mod:`archlint.models.meta_weights`). Code that asks where one of them is gets that answer. What
else differs, such as an address in memory, ends the trace, and the model runs with its weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from archlint.tracing.signals import UnknownOutcome
from archlint.tracing.tensors.attributes import OF_DEVICE, TEXT
from archlint.tracing.tensors.questions import UNKNOWN
from archlint.tracing.tensors.specs import map_tensors, spec_of
from archlint.tracing.trace import call_name

if TYPE_CHECKING:
    from archlint.tracing.tracer import Tracer

_PLAIN = (torch.Tensor, torch.nn.Parameter)
_META = torch.device("meta")


def real_attribute(
    tracer: Tracer, answer: Any, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """An attribute of a real tensor. ``answer``: of :data:`~.tensors.attributes.ATTRIBUTES`."""
    if tracer.lean and (answer in OF_DEVICE or answer is TEXT) and _is_left_out(args[0]):
        if answer is TEXT:
            raise UnknownOutcome("the text of a weight is needed (str(), repr() or an f-string)")
        return answer(tracer.path, spec_of(args[0]))
    return func(*args, **kwargs)


def real_call(tracer: Tracer, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """What a call returns; a stand-in where it meets weights that are left out."""
    if tracer.lean and args and _is_left_out(args[0]):
        _refuse_memory(func, args, kwargs)
    try:
        result = func(*args, **kwargs)
    except (RuntimeError, NotImplementedError) as e:
        devices = _devices((args, kwargs))
        off = devices == {"meta"} and "Cannot copy out of meta" in str(e)
        if devices != {"cpu", "meta"} and not off:
            raise
        return tracer.call(func, args, kwargs)
    if tracer.lean and "meta" in _devices(result) and "meta" not in _devices((args, kwargs)):
        raise UnknownOutcome("the model's code makes a tensor on the meta device")
    return result


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
