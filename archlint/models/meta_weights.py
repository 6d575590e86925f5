"""Models without weights: what tracing needs of a model, at a fraction of its build time.

Shapes seldom depend on the values of large floating-point weights, so these are made on the meta
device, where they take no memory and initialising them costs nothing. Integers, booleans and
small floats stay real: their values may decide something. (In the copy of a model those of
convolutions and norms are left out, too.) Code that asks for a value that is not there raises, and
the caller then builds the model in full. So does a constructor that reads a value drawn after
others that were not drawn: a seed would give it another one.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from archlint.models.deepcopy import CopyParts, deep_copy
from archlint.models.shared_empties import SharedEmpties
from archlint.ops.traits import Creates, Traits, selected, traits_of
from archlint.runtime.code_owner import Owner, owner_of

_META = torch.device("meta")
_CPU = torch.device("cpu")
LARGE = 1024  # elements from which on a floating-point tensor is not made for real


class NeedsValues(Exception):
    """The model's constructor uses values that a lean build does not have."""


def build_lean(build: Callable[[], nn.Module]) -> tuple[nn.Module, bool]:
    """What ``build()`` returns, its large weights on the meta device.

    Also whether small weights may have other values than the real ones, as fewer were drawn before
    them. Raises what the constructor raises, and :class:`NeedsValues` where the result could differ
    from the real one in more than weights.
    """
    with LeanBuild() as lean:
        model = build()
    if lean.lacked:  # also if the constructor caught the error
        raise NeedsValues(lean.lacked)
    if isinstance(model, nn.Module) and _lost_values(model):
        raise NeedsValues("integers or devices were computed from weights")
    return model, bool(lean.shifted)


class _Shared(Exception):
    """Two tensors of the model lie in the same memory, or may do."""


def lean_copy(model: nn.Module, share: bool = False) -> tuple[nn.Module, CopyParts]:
    """A deep copy whose large weights are on the meta device. Raises what ``deepcopy`` raises.

    (But for a tensor with a history, which ``deepcopy`` refuses.) Also what the copy is made of.
    ``share``: its modules may share empty containers, as of :mod:`.shared_empties`; raises
    :class:`~.deepcopy.HasOwnCode` before code of a module's own runs, which would see that.
    """
    try:
        parts = CopyParts(apart=True, shared=SharedEmpties() if share else None)
        return deep_copy(model, {}, partial(leaned, set()), _share, parts, share), parts
    except _Shared:
        memo: dict[int, Any] = {}
        parts = CopyParts()
        return deep_copy(model, memo, partial(leaned, memo), parts=parts, plain=share), parts


def _share() -> None:
    raise _Shared


def leaned(others: set[int] | dict[int, Any], tensor: Tensor, of_layer: bool = False) -> Tensor:
    """What stands for a tensor of the model: one like it, on the meta device if it is large.

    ``others``: the memory of those before it, or the memo of a ``deepcopy`` that keeps views views
    (for a tensor that is nothing but its elements a clone does, in a tenth of the time).
    ``of_layer``: whether it is a weight of one of :data:`~.deepcopy.LAYERS`, whose values are
    hardly ever asked for: then also a small one.
    """
    is_parameter = type(tensor) is nn.Parameter
    if tensor.is_floating_point() and (of_layer or tensor.numel() >= LARGE):
        if tensor.is_contiguous():
            lean = torch.empty_like(tensor, device=_META)
        else:  # also an expanded one
            shape, strides = tensor.shape, tensor.stride()
            lean = torch.empty_strided(shape, strides, dtype=tensor.dtype, device=_META)
    elif is_parameter or tensor.grad_fn is not None:
        plain = tensor.detach()
        lean = plain.clone() if plain.is_contiguous() else copy.deepcopy(plain)
    elif isinstance(others, dict):
        return copy.deepcopy(tensor, others)
    elif not _is_bare(tensor) or tensor.data_ptr() in others:
        raise _Shared
    else:
        if tensor.numel():
            others.add(tensor.data_ptr())
        return tensor.clone()
    if is_parameter:  # as one becomes of a lazy parameter: in half of the time of its constructor
        lean.requires_grad = tensor.requires_grad
        lean.__class__ = nn.Parameter
    return lean


def _is_bare(tensor: Tensor) -> bool:
    return (
        tensor.is_cpu
        and tensor.layout is torch.strided
        and tensor.untyped_storage().nbytes() == tensor.nbytes
        and not (tensor.requires_grad or tensor.is_quantized or tensor.__dict__)
        and tensor.grad is None
    )


READS = frozenset((
    Tensor.item, Tensor.tolist, Tensor.numpy, Tensor.equal, Tensor.allclose, Tensor.is_nonzero,
    Tensor.__bool__, Tensor.__int__, Tensor.__float__, Tensor.__complex__, Tensor.__index__,
    Tensor.__array__, Tensor.__contains__, torch.equal, torch.allclose, torch.is_nonzero,
))  # fmt: skip
"""What tells Python code the values of a tensor."""


_WHERE: dict[Any, Any] = {
    Tensor.device.__get__: _CPU,
    Tensor.is_cpu.__get__: True,  # type: ignore[attr-defined]
    Tensor.is_meta.__get__: False,  # type: ignore[attr-defined]
    Tensor.get_device: -1,
    torch.get_device: -1,
}
"""What tells where a tensor is, with the answer of one in memory."""
_DEVICES = (str, torch.device)
_MEMORY = frozenset(
    (Tensor.data_ptr, Tensor.untyped_storage, Tensor.storage, Tensor.type, Tensor.__repr__)
)


_MOVES = frozenset((Tensor.to, Tensor.cpu))


def reads_floats(func: Any, args: tuple[Any, ...], result: Any) -> bool:
    """Whether a call tells, as a number or in integers or booleans, what values real floats have.

    Integers and booleans may give a shape or decide what runs.
    """
    if func not in READS and not any(not t.is_floating_point() for t in _flat((result,))):
        return False
    return any(t.is_floating_point() and not t.is_meta for t in _flat(args))


class LeanBuild(TorchFunctionMode):
    """Inside it, large floating-point tensors are made on the meta device.

    They are on the CPU for code that asks. ``shifted``: the memory of real tensors, by its address,
    that depends on numbers drawn after others were not drawn. ``lacked``: why the build needed
    values that it does not have, if it did.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lacked = ""
        self.shifted: dict[int, Tensor] = {}
        self._skipped = False

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        given = (*args, *kwargs.values())
        try:
            if args and isinstance(args[0], Tensor) and args[0].is_meta:
                if func in _WHERE and not _torch_asks():
                    return _WHERE[func]
                if func in _MEMORY and not args[1:]:
                    raise NeedsValues(f"{func.__name__} of a weight that has no memory")
                if func in _MOVES:
                    args, kwargs = _staying(args, kwargs)
                    if len(args) + len(kwargs) == 1:
                        return args[0]
            return self._followed(func, args, kwargs)
        except Exception as e:
            if isinstance(e, NeedsValues) or any(t.is_meta for t in _flat(given)):
                self.lacked = self.lacked or str(e) or type(e).__name__
            raise

    def _followed(self, func: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        traits = traits_of(func)
        result = self._made(func, traits, args, kwargs)
        if isinstance(result, Tensor):
            if result.is_meta:
                self._skipped = self._skipped or traits.random
            elif self._skipped:
                self._follow(func, traits, (*args, *kwargs.values()), result)
        elif self._skipped and (func in READS or isinstance(result, (tuple, list))):
            self._follow(func, traits, (*args, *kwargs.values()), result)
        return result

    def _follow(self, func: Any, traits: Traits, args: tuple[Any, ...], result: Any) -> None:
        """Note what depends on numbers that are not those of a full build."""
        shifted = self.shifted
        if not traits.random and not any(_memory(t) in shifted for t in _flat(args)):
            return
        if reads_floats(func, args, result):
            raise NeedsValues(f"{func.__name__} reads what was drawn")
        shifted.update({_memory(t): t for t in _flat((result,)) if _is_plain(t)})

    def _made(self, func: Any, traits: Traits, args: tuple[Any, ...], kwargs: Any) -> Any:
        on_cpu = kwargs.get("device") in (None, "cpu", _CPU)
        if traits.creates is not None and on_cpu and "out" not in kwargs:
            count, dtype = _COUNTED[traits.creates](args, kwargs)
            if count >= LARGE and (dtype or torch.get_default_dtype()).is_floating_point:
                return func(*args, **{**kwargs, "device": "meta"})
        elif traits.draws_integers:  # an integer that a seed promises needs every draw before it
            raise NeedsValues(f"{func.__name__} draws values")
        elif traits.fills:
            target = args[0] if args else kwargs.get("tensor")
            if isinstance(target, Tensor) and target.is_meta:
                return target
        result = _unmixed(func, args, kwargs)
        if isinstance(result, Tensor) and result.is_meta:
            given = (*args, *kwargs.values())
            named = any(v == "meta" or v == _META for v in given if type(v) in _DEVICES)
            if named or not any(t.is_meta for t in _flat(given)):
                raise NeedsValues("the constructor makes a tensor on the meta device")
        return result


def _torch_asks() -> bool:
    """Whether it is PyTorch's code that made a call: it leaves meta tensors as they are."""
    frame = sys._getframe(2)  # of what calls ``__torch_function__``
    return owner_of(frame.f_code.co_filename) is Owner.TORCH


def _staying(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The arguments of a move without the CPU as its destination, where a weight is already."""
    rest = {k: v for k, v in kwargs.items() if not (k == "device" and v in (None, "cpu", _CPU))}
    return tuple(a for a in args if isinstance(a, Tensor) or a not in ("cpu", _CPU)), rest


def _unmixed(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call ``func``; real tensors that meet meta tensors become meta tensors first."""
    tensors = list(_flat((*args, *kwargs.values())))
    if not any(t.is_meta for t in tensors) or all(t.is_meta for t in tensors):
        return func(*args, **kwargs)
    writes = traits_of(func).writes
    if writes != ():
        targets = args if writes is None else selected(writes, args, kwargs)
        if not all(t.is_meta for t in _flat(targets)):
            raise NeedsValues(
                f"{getattr(func, '__name__', func)} would write to weights that have no values"
            )
    if "out" in kwargs:
        raise NeedsValues("out= would write to weights that have no values")
    args = tuple(_to_meta(a) for a in args)
    return func(*args, **{k: _to_meta(v) for k, v in kwargs.items()})


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr() if _is_plain(tensor) else 0


def _is_plain(tensor: Tensor) -> bool:
    return tensor.is_cpu and tensor.layout is torch.strided and tensor.numel() > 0


def _to_meta(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value if value.is_meta else value.to("meta")
    if type(value) in (list, tuple):
        return type(value)(_to_meta(v) for v in value)
    return value


def _flat(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):  # also what sort() and topk() return
            yield from _flat(value)


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    """Parameters, buffers and tensors held as plain attributes, lists of them included."""
    attributes = module.__dict__
    for name in ("_parameters", "_buffers"):
        yield from _flat(attributes.get(name, {}).values())
    yield from _flat(attributes.values())


def _lost_values(model: nn.Module) -> bool:
    meta = torch.device("meta")
    return any(
        any(t.is_meta and not t.is_floating_point() for t in _tensors(module))
        or any(v == meta for v in module.__dict__.values() if isinstance(v, torch.device))
        for module in model.modules()
    )


Made = tuple[int, "torch.dtype | None"]  # elements, dtype (None: the default)


def _count(size: Any) -> int:
    count = 1
    for n in size:
        if not isinstance(n, int):
            return 0
        count *= n
    return count


def _sized(args: Any, kwargs: Any) -> Made:
    size = kwargs.get("size", args)
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    return _count(size), kwargs.get("dtype")


def _full(args: Any, kwargs: Any) -> Made:
    size = kwargs["size"] if "size" in kwargs else args[0]
    fill = kwargs["fill_value"] if "fill_value" in kwargs else args[-1]
    if kwargs.get("dtype") is None and not isinstance(fill, float):
        return 0, None
    return (_count(size) if isinstance(size, (tuple, list)) else 0), kwargs.get("dtype")


def _normal(args: Any, kwargs: Any) -> Made:
    size = kwargs["size"] if "size" in kwargs else args[2] if len(args) > 2 else ()
    return _count(size), kwargs.get("dtype")


def _like(args: Any, kwargs: Any) -> Made:
    source = args[0] if args else kwargs["input"]
    return source.numel(), kwargs.get("dtype") or source.dtype


def _new(args: Any, kwargs: Any) -> Made:
    count, dtype = _sized(args[1:], kwargs)
    return count, dtype or args[0].dtype


_COUNTED: dict[Creates, Callable[[Any, Any], Made]] = {
    Creates.SIZE: _sized,
    Creates.LIKE: _like,
    Creates.NEW: _new,
    Creates.FILLED: _full,
    Creates.NORMAL: _normal,
}
