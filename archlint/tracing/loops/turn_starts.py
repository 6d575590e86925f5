"""The states that a turn may start from, in a loop whose turns choose.

Values may decide what a turn does: ``h = y[:, t] if random.random() < 0.5 else out``. Each trace
follows one side of each such choice, and the turn that stands for all turns is one of many. So it
starts from one of several states, which is a choice too: that before the loop, and those that
the sides leave. If every trace leaves one of these states, then so do all turns, whatever is chosen
in them, by induction; and the last turn is one of those that are traced.

Only variables with tensors differ between such states. All else that a turn can reach must be the
same objects as before, but for lists that each turn lengthens by the same, whatever it chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from archlint.ops.registry import TensorSpec
from archlint.ops.shapes.strides import settled
from archlint.symbolic import Expr
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.tracing.identity.same_tensors import Alternatives
from archlint.tracing.loops.plans import Plans
from archlint.tracing.loops.rewriting import Site
from archlint.tracing.loops.segments import Segment
from archlint.tracing.loops.state import TensorToken, same_size, sizes_known
from archlint.tracing.merge.marked_tensors import is_marked
from archlint.tracing.path import TracedPath
from archlint.tracing.run import current_run
from archlint.tracing.symint.node import size_of
from archlint.tracing.symint.python_types import NUMBER_TYPES
from archlint.tracing.tensors.specs import has_unknown_elements
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, learn, symbolic_tensor

UNBOUND = object()
"""What stands for a variable without a value."""

_PLAIN = (type(None), bool, str)
_WHICH = "values determine from which of several states a loop's turn starts"

Made = Callable[[SymbolicTensor], None]
Lengthened = Sequence[tuple[int, Sequence[Segment]]]
"""By the number of a list: its elements after a loop."""


def may_vary(value: Any) -> bool:
    """Whether a variable with this value may have others in other turns."""
    if type(value) is tuple:
        return all(map(may_vary, value))
    if type(value) is SymbolicTensor:
        return not is_marked(value)
    return value is UNBOUND or type(value) in _PLAIN or isinstance(value, torch.Tensor)


def _has_marks(value: Any) -> bool:
    if type(value) is tuple:
        return any(map(_has_marks, value))
    return type(value) is SymbolicTensor and is_marked(value)


class _Real:
    """A real tensor, and how often it was written."""

    def __init__(self, tensor: torch.Tensor) -> None:
        run = current_run()
        lost = run is not None and has_unknown_elements(run, (tensor,))
        self.tensor = tensor
        self.state = tensor._version, lost


class TurnStarts:
    """What the turn of the loop at ``site`` starts from on this path.

    ``before``: the variables as they are before it; ``variables``: as it gets them, for that of the
    states that the path chooses. ``key`` is the same on all paths that come to this turn in the
    same way. ``made`` is called with each new tensor.
    """

    def __init__(
        self, path: TracedPath, plans: Plans, site: Site, before: dict[str, Any], made: Made
    ) -> None:
        self._path, self._plans, self._site, self._made = path, plans, site, made
        self._key = (site, tuple(path.choices), len(path.unknowns))
        first = _described(path, before)
        others = [s for s in plans.starts.get(site, ()) if s.keys() == first.keys()]
        self._every = [first, *(s for s in others if not _alike(path, s, first))]
        path.varies = True
        at = 0
        while at < len(self._every) - 1 and not path.choose(_WHICH):
            at += 1
        start = self._every[at]
        self.variables = {
            n: self._stand(part, before[n]) for n, part in start.items() if part is not UNBOUND
        }

    def reaches(self, after: dict[str, Any]) -> bool:
        """Whether the variables after the turn are those that a turn starts from.

        Plans to start from them too if they are new, and can be written on any path.
        """
        found, first = _described(self._path, after), self._every[0]
        if any(_alike(self._path, start, found) for start in self._every):
            return True
        deleted = any(v is UNBOUND and first.get(n) is not UNBOUND for n, v in found.items())
        if found.keys() == first.keys() and not deleted and all(map(_is_portable, found.values())):
            self._plans.start(self._site, found)
        return False

    def of_every_turn(self, segments: Sequence[Segment]) -> list[Segment]:
        """The elements of a list, of which those that many turns added are no certain objects."""
        return [
            Segment(self._stand(_described(self._path, v), v), n) if isinstance(n, Expr)
            else Segment(v, n)
            for v, n in segments
        ]  # fmt: skip

    def lengthen_alike(self, lists: Lengthened) -> bool:
        """Whether lists are lengthened as on the other paths that come to this turn."""
        path = self._path
        if any(_has_marks(v) for _, segments in lists for v, _ in segments):
            return False
        found = [(at, [(_described(path, v), n) for v, n in segments]) for at, segments in lists]
        known = self._plans.lengthened.setdefault(self._key, found)
        return len(known) == len(found) and all(
            a == b and len(one) == len(two) and all(
                _alike(path, v, w) and same_size(path, m, n) and _is_portable((w, n))
                for (v, m), (w, n) in zip(one, two, strict=True)
            )
            for (a, one), (b, two) in zip(known, found, strict=True)
        )  # fmt: skip

    def _stand(self, part: Any, before: Any) -> Any:
        """A value that is like ``part``, in the place of the one that was there before."""
        if type(part) is tuple:
            had = before if type(before) is tuple and len(before) == len(part) else part
            return tuple(map(self._stand, part, had))
        if type(part) is _Real:
            return part.tensor
        if not isinstance(part, TensorSpec):
            return part
        made_by = before.made_by if type(before) is SymbolicTensor else -1
        tensor = symbolic_tensor(part.copy(), made_by)
        may_be = Alternatives((), None, others=True)
        learn(tensor, older=len(self._path.calls_so_far), may_be=may_be)
        self._made(tensor)
        return tensor


def _described(path: TracedPath, value: Any) -> Any:
    """What is known of a value: specs in the place of tensors."""
    if type(value) is dict:
        return {name: _described(path, part) for name, part in value.items()}
    if type(value) is tuple:
        return tuple(_described(path, part) for part in value)
    if type(value) is SymbolicTensor:
        return settled(path, value.spec)
    if isinstance(value, torch.Tensor):
        return _Real(value)
    return size_of(value) if type(value) in NUMBER_TYPES else value


def _alike(path: TracedPath, one: Any, other: Any) -> bool:
    """Whether the same is known of two values."""
    if one is other:
        return True
    if type(one) in _PLAIN or type(other) in _PLAIN:
        return type(one) is type(other) and bool(one == other)
    if isinstance(one, TensorSpec) and isinstance(other, TensorSpec):
        return TensorToken(path, one).alike(path, TensorToken(path, other))
    if isinstance(one, (int, Expr)) and isinstance(other, (int, Expr)):
        return same_size(path, one, other)
    if type(one) is not type(other):
        return False
    if type(one) is _Real:
        return one.tensor is other.tensor and one.state == other.state
    if type(one) is dict:
        return one.keys() == other.keys() and all(_alike(path, v, other[n]) for n, v in one.items())
    if type(one) is tuple:
        return len(one) == len(other) and all(map(lambda a, b: _alike(path, a, b), one, other))
    return type(one) is float and repr(one) == repr(other)


def _is_portable(part: Any) -> bool:
    """Whether a value means the same on other paths with the same sizes."""
    if type(part) is tuple:
        return all(map(_is_portable, part))
    if type(part) is _Real:
        return False
    if isinstance(part, TensorSpec):
        facts = part.elements
        if facts.tensor is not None or facts.ones is not None or facts.first is not None:
            return False
    return not any(unknowns_in(size) for size in sizes_known(part))
