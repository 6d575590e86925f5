"""A ``torch.Tensor`` that carries symbolic sizes and a dtype instead of elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypedDict

import torch

from archlint.ops.registry import TensorSpec
from archlint.ops.shapes.type_promotion import INTEGRAL
from archlint.symbolic import Size
from archlint.tracing.run import current_run
from archlint.tracing.signals import UnknownOutcome

if TYPE_CHECKING:
    from typing_extensions import Unpack

_EMPTY = torch.empty(0, device="meta")
# By the dtype and device of these ``isinstance(x, torch.FloatTensor)`` answers, in C++.
_ON_CPU = {
    kind.dtype: torch.empty(0, dtype=kind.dtype, device="cpu")
    for kind in (
        *(torch.FloatTensor, torch.DoubleTensor, torch.HalfTensor, torch.BFloat16Tensor),
        *(torch.ByteTensor, torch.CharTensor, torch.ShortTensor, torch.IntTensor),
        *(torch.LongTensor, torch.BoolTensor),
    )
}
_SAME_MEMORY = (torch.ops.aten.detach.default, torch.ops.aten.alias.default)
# PyTorch takes a tensor without dimensions where it wants a number, for a size only integers.
_NUMBER = torch.empty((), device="meta")
_INTEGER = torch.empty((), device="meta", dtype=torch.int64)


class SymbolicTensor(torch.Tensor):
    """A tensor of the model under trace. ``spec`` holds all that is known about it.

    It is a ``torch.Tensor`` to ``isinstance``; every call with it goes to the tracer. They all
    share a few meta tensors, so code that bypasses ``__torch_function__`` (scripted functions, C++
    modules) must not compute with them: ``__torch_dispatch__`` refuses.
    """

    __module__ = torch.Tensor.__module__  # by which libraries choose their backend
    spec: TensorSpec
    made_by: int  # index of the call; -1 for an input
    own = False  # whether its memory was new when it was made
    shares: tuple[Any, ...] = ()  # roots of its memory that the call that made it does not tell
    all_roots: tuple[Any, ...] | None = None  # once they were looked for: aliasing.py
    copies: list[Any] | None = None  # weak references to it and those that may share its memory
    requires: bool | None = False  # whether it requires gradients; ``None``: not known
    leaf = True  # whether that was set, not computed
    made_from: tuple[torch.Tensor, ...] = ()  # what it was computed from that requires gradients
    is_view = False  # whether it may share the memory of these
    older: int | None = None  # it may have the memory of any tensor made before this call
    may_be: Any = None  # other tensors, one of which it may be: an ``Alternatives``

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FACTS:  # ours are set by ``learn``
            raise UnknownOutcome(f"a tensor's attribute {name}, which archlint uses, is set")
        super().__setattr__(name, value)

    def __hash__(self) -> int:
        if self.may_be is not None:
            raise UnknownOutcome(
                "a tensor is used as a key, and which of several tensors it is, is not known"
            )
        return id(self)

    # The class as the model's code sees it.
    __class__ = property(lambda self: torch.Tensor)

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        # Only reached outside of a trace: in a report, or if a model kept the tensor.
        if func is torch.Tensor.__repr__:
            return f"<tensor {args[0].spec}>"
        raise UnknownOutcome(f"{_name(func)} is called on a symbolic tensor of an earlier trace")

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if func in _SAME_MEMORY:  # ``Variable(x)``
            return args[0].detach()
        text = f"compiled code calls {func}, where sizes cannot be followed"
        run = current_run()
        if run is not None:
            run.bypassed.append(text)  # TorchScript's interpreter turns any exception into its own
        raise UnknownOutcome(text)


class Facts(TypedDict, total=False):
    """The attributes of a :class:`SymbolicTensor` that change after it was made."""

    spec: TensorSpec
    own: bool
    shares: tuple[Any, ...]
    all_roots: tuple[Any, ...]
    copies: list[Any]
    requires: bool | None
    leaf: bool
    made_from: tuple[torch.Tensor, ...]
    is_view: bool
    older: int
    may_be: Any


_FACTS = frozenset({*SymbolicTensor.__annotations__, *Facts.__annotations__, "__dict__"})


def learn(tensor: SymbolicTensor, **facts: Unpack[Facts]) -> None:
    """Set what is known of a tensor. ``tensor.own = True`` is what only the model's code says."""
    vars(tensor).update(facts)


for _of_class in ("__firstlineno__", "__static_attributes__"):  # since Python 3.13
    if hasattr(torch.Tensor, _of_class):
        setattr(SymbolicTensor, _of_class, getattr(torch.Tensor, _of_class))


def symbolic_tensor(spec: TensorSpec, made_by: int = -1) -> SymbolicTensor:
    """A tensor with these sizes."""
    if spec.dims:
        on_cpu = spec.device is None or spec.device.type == "cpu"
        base = _ON_CPU.get(spec.dtype, _EMPTY) if on_cpu else _EMPTY
    else:
        base = _INTEGER if spec.dtype in INTEGRAL else _NUMBER
    tensor = base.as_subclass(SymbolicTensor)
    facts = vars(tensor)
    facts["spec"], facts["made_by"] = spec, made_by
    run = current_run()
    if run is not None:
        if run.grad_seen:
            facts["requires"] = None
        run.inference = run.inference or torch.is_inference_mode_enabled()
    return tensor


def _name(func: Any) -> str:
    return getattr(func, "__qualname__", None) or getattr(func, "__name__", None) or str(func)


def strides_of(spec: TensorSpec) -> tuple[Size, ...]:
    """The strides in elements, written out."""
    if spec.strides is not None:
        return spec.strides
    steps: list[Size] = []
    step: Size = 1
    for size in reversed(spec.dims):
        steps.append(step)
        step = step * size
    return tuple(reversed(steps))
