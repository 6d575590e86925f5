"""Which results of calls are arguments themselves: ``x.float() is x`` if ``x`` has that dtype.

Whether an operator returns its argument or a new tensor is the trait ``itself`` of its rule. Where
sizes decide that, as for ``x.transpose(1, 2).contiguous()``, the result is a stand-in of its own
that knows which tensors it may be; a question that depends on it branches.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dis import opname
from functools import partial
from types import FrameType
from typing import Any

import torch

from archlint.ops.registry import Path, TensorSpec
from archlint.ops.silent_path import SilentPath, Unanswered
from archlint.ops.traits import traits_of
from archlint.runtime.code_owner import is_user_code
from archlint.tracing.path import TracedPath
from archlint.tracing.run import current_run
from archlint.tracing.signals import UnknownOutcome
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, learn
from archlint.tracing.trace import Call

OPEN = "whether two tensors are one object is not known"


@dataclass(frozen=True)
class Alternatives:
    """Tensors one of which a stand-in may be. ``which``, which may branch, gives that one.

    It gives ``None`` if the stand-in is none of them. Without ``which`` nothing is known.
    ``others``: whether it may be any other tensor as well.
    """

    tensors: tuple[torch.Tensor, ...]
    which: Callable[[Path], torch.Tensor | None] | None = None
    others: bool = False

    @staticmethod
    def of(
        tensors: Sequence[torch.Tensor], which: Callable[[Path], torch.Tensor | None] | None = None
    ) -> Alternatives:
        """Alternatives, noted in the run that is under way."""
        run = current_run()
        if run is not None:
            run.alternatives = True
        return Alternatives(tuple(tensors), which)


def with_same(
    path: TracedPath, call: Call, known: Sequence[Any], settings: Mapping[str, Any], result: Any
) -> Any:
    """The result of a call, with the arguments that it returns as they are in their places.

    ``known`` and ``settings`` are the arguments as specs.
    """
    if call.func is torch.Tensor.__eq__ and len(call.args) == 2:
        _check_search(*call.args)
    itself = traits_of(call.func).itself
    if itself is None:
        return result
    several = len(result) if type(result) in (tuple, list) else None
    return _put(_same(path, call, known, settings, itself, several), result)


def _same(
    path: TracedPath, call: Call, known: Any, settings: Any, itself: Any, several: int | None
) -> Any:
    """The argument that a call returns, or :class:`Alternatives`; ``None`` for a new tensor.

    For an operator with ``several`` results, a list of these.
    """
    pairs = list(_pairs((call.args, call.kwargs), (tuple(known), dict(settings))))

    def which(path: Path) -> Any:
        return _of_specs(pairs, itself(path, *known, **settings))

    try:
        return which(SilentPath(path))
    except Unanswered:
        pass
    tensors = [tensor for tensor, _ in pairs]
    if several is None:
        return Alternatives.of(tensors, which)
    return [Alternatives.of(tensors, partial(_at, which, at)) for at in range(several)]


def _at(which: Callable[[Path], Any], at: int, path: Path) -> Any:
    return which(path)[at]


def _pairs(given: Any, known: Any) -> Iterator[tuple[torch.Tensor, TensorSpec]]:
    """The tensors among arguments with their specs."""
    if isinstance(given, torch.Tensor):
        if isinstance(known, TensorSpec):
            yield given, known
    elif isinstance(given, dict):
        for name in known:
            yield from _pairs(given.get(name), known[name])
    elif isinstance(given, (tuple, list)) and isinstance(known, (tuple, list)):
        for one, spec in zip(given, known, strict=False):
            yield from _pairs(one, spec)


def _of_specs(pairs: Sequence[tuple[torch.Tensor, TensorSpec]], found: Any) -> Any:
    if isinstance(found, (tuple, list)):
        return [_of_specs(pairs, part) for part in found]
    return next((tensor for tensor, spec in pairs if spec is found), None)


def _put(same: Any, result: Any) -> Any:
    if isinstance(same, Alternatives) and type(result) is SymbolicTensor:
        learn(result, may_be=same)
    elif isinstance(same, torch.Tensor):
        return same
    elif isinstance(same, list) and type(result) in (tuple, list):
        return type(result)(map(_put, same, result))
    return result


def _check_search(one: Any, other: Any) -> None:
    """Raise :class:`UnknownOutcome` if ``one in [other]`` compares what may be one tensor.

    Python compares elements only where they are not one object.
    """
    if type(one) is not SymbolicTensor or type(other) is not SymbolicTensor:
        return
    if (one.may_be is None and other.may_be is None) or not _may_be_same(one, other):
        return
    frame: FrameType | None = sys._getframe(3)
    while frame is not None and not is_user_code(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is not None and opname[frame.f_code.co_code[frame.f_lasti]] != "COMPARE_OP":
        raise UnknownOutcome(OPEN)


def tensors_possible(tensor: torch.Tensor) -> list[torch.Tensor]:
    """The tensors that one may be, itself included."""
    found = {id(tensor): tensor}
    todo = [tensor]
    while todo:
        may_be = getattr(todo.pop(), "may_be", None) if todo else None
        for other in () if may_be is None else may_be.tensors:
            if id(other) not in found:
                found[id(other)] = other
                todo.append(other)
    return list(found.values())


def resolved(path: TracedPath, tensor: torch.Tensor) -> torch.Tensor:
    """The tensor that a stand-in is on this path; branches where sizes decide it."""
    while type(tensor) is SymbolicTensor and tensor.may_be is not None:
        which = tensor.may_be.which
        if which is None:
            raise UnknownOutcome(OPEN)
        other = which(path)
        if other is None:
            break
        tensor = other
    return tensor


def same_tensor(path: TracedPath, one: torch.Tensor, other: torch.Tensor) -> bool:
    """Whether two tensors are one object on this path."""
    return _may_be_same(one, other) and resolved(path, one) is resolved(path, other)


def _may_be_same(one: torch.Tensor, other: torch.Tensor) -> bool:
    mine, its = tensors_possible(one), tensors_possible(other)
    if any(a is b for a in mine for b in its):
        return True
    return any(m is not None and m.others for t in (*mine, *its) if (m := _may_be(t)) is not None)


def _may_be(tensor: torch.Tensor) -> Alternatives | None:
    return tensor.may_be if type(tensor) is SymbolicTensor else None
