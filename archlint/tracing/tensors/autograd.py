"""Which tensors of a run require gradients, and ``torch.autograd.grad`` of them.

A model runs without gradients unless its own code enables them. From then on each result carries
whether it requires gradients, as PyTorch's autograd would have it: yes, no, or not known. A
tensor that requires them is marked in PyTorch too, so that a ``torch.autograd.Function`` sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from archlint.ops.registry import INPLACE, Path
from archlint.ops.shapes.strides import DeferredStrides, contiguous_strides
from archlint.ops.traits import View, traits_of, written_by
from archlint.symbolic.formula import eq
from archlint.tracing.path import TracedPath
from archlint.tracing.run import TraceRun
from archlint.tracing.signals import CannotMerge, UnknownOutcome
from archlint.tracing.tensors.specs import map_tensors, spec_of
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, learn, symbolic_tensor
from archlint.tracing.trace import Call

_UNKNOWN = "whether a tensor requires gradients is not known"
_SET = torch.Tensor.requires_grad.__set__  # type: ignore[attr-defined]
_DATA = torch.Tensor.data.__get__  # type: ignore[attr-defined]
_SWITCHES = frozenset((torch.Tensor.requires_grad_, _SET))
_CUT = frozenset((torch.Tensor.detach, torch.detach, torch.Tensor.detach_, torch.detach_, _DATA))


def requires_grad(tensor: torch.Tensor) -> bool | None:
    """Whether the tensor requires gradients; ``None`` if that is not known."""
    with torch._C.DisableTorchFunctionSubclass():
        known = tensor.requires_grad
    return tensor.requires if type(tensor) is SymbolicTensor and not known else known


class Gradients:
    """Which tensors of one run require gradients. While ``paused``, calls are not followed."""

    def __init__(self, path: TracedPath, run: TraceRun, paused: Callable[[], bool]) -> None:
        self.path = path
        self.run = run
        self.paused = paused
        self._written = False  # memory was written since gradients were enabled
        self._freed = False  # the graph may have been freed

    def learn(self, call: Call) -> None:
        """Note which results of a call require gradients."""
        func = call.func
        wanted = call.kwargs.get("requires_grad") is True
        switches = func in _SWITCHES
        followed = self.run.grad_seen or wanted or switches or torch.is_grad_enabled()
        if not followed or self.paused():
            return
        if switches:
            self._switch(call)
            return
        self.run.grad_seen = True
        writes = written_by(func, call.args, call.kwargs) != () or "out" in call.kwargs
        writes = writes or func in INPLACE
        self._written = self._written or writes
        if func is torch.Tensor.__deepcopy__ and requires_grad(call.args[0]) is not False:
            raise UnknownOutcome("a copy of a tensor that may require gradients is not followed")
        if not torch.is_grad_enabled():
            self._same_tensor(call)
        elif writes:
            self._write(call)
        else:
            self._compute(call)
        if wanted:
            for tensor in _symbolic(call.result):
                _set(tensor, True, leaf=True)

    def _compute(self, call: Call) -> None:
        operands = list(_tensors((call.args, call.kwargs)))
        known = [requires_grad(t) for t in operands]
        needed = True if True in known else None if None in known else False
        cut = call.func in _CUT or traits_of(call.func).creates is not None
        for tensor in _symbolic(call.result):
            if any(tensor is t for t in operands):
                continue
            learn(tensor, requires=False)
            dtype = tensor.spec.dtype
            if needed is False or cut or not (dtype.is_floating_point or dtype.is_complex):
                continue
            learn(
                tensor,
                made_from=tuple(t for t, k in zip(operands, known, strict=True) if k),
                is_view=traits_of(call.func).view is not View.NEVER,
            )
            _set(tensor, True if needed and call.how == "rule" else None, leaf=False)

    def _write(self, call: Call) -> None:
        """The target of a write requires what the operands require."""
        known = [requires_grad(t) for t in _tensors((call.args, call.kwargs))]
        if known and not any(k is not False for k in known):
            return
        target: Any = call.args[0] if call.args else None
        sure = type(target) is SymbolicTensor and known[0] is True and not target.leaf
        if not sure or target.is_view or "out" in call.kwargs:
            raise UnknownOutcome(f"{call.op} writes to a tensor that may require gradients")

    def _same_tensor(self, call: Call) -> None:
        """Without gradients, a result may still be the operand itself, as of ``contiguous``."""
        operands = list(_tensors((call.args, call.kwargs)))
        same = traits_of(call.func).view is View.SAME and call.func not in _CUT
        may = same and any(requires_grad(t) is not False for t in operands)
        for tensor in _symbolic(call.result):
            if not any(tensor is t for t in operands):
                learn(tensor, requires=None if may else False)

    def _switch(self, call: Call) -> None:
        """``requires_grad_()``, or the attribute is set."""
        if self.path.forced is not None:
            raise CannotMerge  # other branches would find the tensor so
        tensor, wanted = call.args[0], True
        if len(call.args) > 1 or "requires_grad" in call.kwargs:
            wanted = call.args[1] if len(call.args) > 1 else call.kwargs["requires_grad"]
        if type(tensor) is not SymbolicTensor or type(wanted) is not bool:
            raise UnknownOutcome(_UNKNOWN)
        before = requires_grad(tensor)
        if before is None or (not wanted and before and not tensor.leaf):
            raise UnknownOutcome(_UNKNOWN)
        self.run.grad_seen = True
        if wanted is not before:
            _set(tensor, wanted, leaf=True)
            self._forget_views(tensor)

    def _forget_views(self, base: SymbolicTensor) -> None:
        """Views that were made of a tensor may change with it."""
        views = {id(base)}
        for call in self.path.calls_so_far:
            operands = _tensors((call.args, call.kwargs))
            may = traits_of(call.func).view is not View.NEVER
            if may and any(id(t) in views for t in operands):
                made = [t for t in _symbolic(call.result) if t is not base]
                views.update(map(id, made))
                for tensor in made:
                    learn(tensor, requires=None)

    def grad(
        self,
        outputs: Any,
        inputs: Any,
        grad_outputs: Any = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        only_inputs: bool = True,
        allow_unused: bool | None = None,
        is_grads_batched: bool = False,
        materialize_grads: bool = False,
    ) -> tuple[Any, ...]:
        """``torch.autograd.grad``: for each of the inputs a tensor of its sizes."""
        if is_grads_batched or self._written or self._freed:
            raise UnknownOutcome("torch.autograd.grad is not followed after memory was written")
        ends, starts = _sequence(outputs), _sequence(inputs)
        if not all(isinstance(t, torch.Tensor) for t in (*ends, *starts)):
            raise UnknownOutcome("torch.autograd.grad of a GradientEdge is not followed")
        starting = [None] * len(ends) if grad_outputs is None else _sequence(grad_outputs)
        for known in map(requires_grad, (*ends, *starts)):
            if known is None:
                raise UnknownOutcome(_UNKNOWN)
            self.path.claim(known, "a tensor that requires gradients")
        for end, start in zip(ends, starting, strict=True):
            _claim_start(self.path, end, start)
        self._freed = not (create_graph if retain_graph is None else retain_graph)
        used = _reached(ends)
        if not all(id(t) in used for t in starts):
            raise UnknownOutcome(
                "torch.autograd.grad of a tensor that may be unused is not followed"
            )
        return tuple(self._gradient(t, create_graph) for t in starts)

    def _gradient(self, of: torch.Tensor, create_graph: bool) -> SymbolicTensor:
        spec = spec_of(of)
        strides = DeferredStrides.of(contiguous_strides(spec.dims), _strides_unknown, [])
        made = symbolic_tensor(spec.like(spec.dims, strides=strides))
        learn(made, requires=None if create_graph else False)
        return made


def _strides_unknown(path: Path) -> Any:
    path.unknown_outcome("the memory layout of a gradient is not known")


def _set(tensor: SymbolicTensor, wanted: bool | None, leaf: bool) -> None:
    learn(tensor, leaf=leaf, requires=wanted)
    if wanted is not None:
        with torch._C.DisableTorchFunctionSubclass():
            tensor.requires_grad_(wanted)


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    found: list[torch.Tensor] = []
    map_tensors(value, found.append)
    return iter(found)


def _symbolic(value: Any) -> list[SymbolicTensor]:
    return [t for t in _tensors(value) if type(t) is SymbolicTensor]


def _sequence(value: Any) -> list[Any]:
    if isinstance(value, torch.Tensor):
        return [value]
    return list(value.values() if isinstance(value, dict) else value)


def _claim_start(path: TracedPath, end: torch.Tensor, start: Any) -> None:
    """The gradient of an output: by default that of a number, else of the output's sizes."""
    from archlint.tracing.tensors.specs import spec_of

    spec = spec_of(end)
    if start is None:
        path.claim(eq(spec.numel(), 1), "an output of one element, gets {}", spec.numel())
        return
    dims = spec_of(start).dims
    path.claim(len(dims) == len(spec.dims), "a gradient of the output's rank")
    for have, want in zip(dims, spec.dims, strict=True):
        path.claim(eq(have, want), "a gradient of size {} for an output of size {}", have, want)


def _reached(ends: Sequence[torch.Tensor]) -> set[int]:
    """The tensors that the outputs certainly depend on, by ``id``."""
    seen: set[int] = set()
    todo = list(ends)
    while todo:
        tensor = todo.pop()
        if id(tensor) not in seen:
            seen.add(id(tensor))
            todo += getattr(tensor, "made_from", ())
    return seen


def known_requires_grad(tensor: torch.Tensor) -> bool:
    known = requires_grad(tensor)
    if known is None:
        raise UnknownOutcome(_UNKNOWN)
    return known


def is_leaf(tensor: SymbolicTensor) -> bool:
    """``Tensor.is_leaf``: it was not computed from what requires gradients."""
    return not known_requires_grad(tensor) or tensor.leaf


def none_without_graph(what: str) -> Any:
    """An attribute that is ``None`` for a tensor that was not computed with gradients."""

    def answer(tensor: SymbolicTensor) -> None:
        if not is_leaf(tensor):
            raise UnknownOutcome(f"{what} of a tensor that requires gradients is not known")

    return answer


def zero_without_graph(tensor: SymbolicTensor) -> int:
    """``output_nr``, which of a function's results the tensor is."""
    if not is_leaf(tensor):
        raise UnknownOutcome("output_nr of a tensor that requires gradients is not known")
    return 0
