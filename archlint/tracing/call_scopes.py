"""Where a call runs: in one of PyTorch's kernels, or where autograd keeps other tensors than its.

A model is traced without gradients. What training would keep of a call also depends on the blocks
around it, which :mod:`.python.gradient_scopes` follows and each call remembers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any


class Around(Enum):
    """What is around a call."""

    KERNEL = auto()  # PyTorch runs one kernel in its place
    CHECKPOINT = auto()  # the backward pass makes the call again, from what was passed in
    FUNCTION = auto()  # the ``forward`` of a ``torch.autograd.Function``


@dataclass(eq=False)
class Scope:
    """One of these, with what it was called with, what came out and what it keeps itself.

    ``recorded``: whether autograd would record it.
    """

    around: Around
    recorded: bool = True
    args: Any = ()
    result: Any = None
    saved: list[Any] = field(default_factory=list)


def may_train(recorded: bool, scopes: tuple[Scope, ...]) -> bool:
    """Whether what a call reads may get a gradient.

    The ``forward`` of a function records none, and its ``backward`` may run it again: so does that
    of ``torch.utils.checkpoint``.
    """
    return recorded or any(s.recorded and s.around is Around.FUNCTION for s in scopes)


@dataclass
class Scopes:
    """The scopes of a run: ``now`` from the outermost to the innermost.

    ``recorded``: whether training would record gradients here, as ``torch.no_grad()`` and its kin
    say; archlint's own switch, which is off during a run, does not count. ``outside``: these
    blocks by ``id``, each with what held outside of it.
    """

    now: tuple[Scope, ...] = ()
    recorded: bool = True
    outside: dict[int, tuple[Any, bool]] = field(default_factory=dict)

    @contextmanager
    def entered(self, scope: Scope) -> Iterator[Scope]:
        """Calls inside the block are in ``scope``."""
        before = self.now
        scope.recorded = self.recorded
        self.now = (*before, scope)
        try:
            yield scope
        finally:
            self.now = before
