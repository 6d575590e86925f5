"""Which strides a tensor may turn out to have, whatever is branched on to find out.

Cheaper than asking on every branch (:mod:`.fork`), and a little more than what can
be: how the strides of two tensors depend on each other is not followed.
"""

from __future__ import annotations

import itertools

from archlint.ops.registry import Path, TensorSpec
from archlint.ops.shapes.fork import Fork, Unanswered, paths
from archlint.ops.shapes.strides import DeferredStrides, Strides

MOST = 8  # alternatives for one tensor


def alternatives(path: Path, spec: TensorSpec) -> list[Strides | None] | None:
    """The strides that ``spec`` may have on this path; ``None`` if they are too many to say."""
    asked = spec.strides
    if not isinstance(asked, DeferredStrides):
        return [asked]
    todo = [asked]
    while todo:  # those that others are made of come first
        strides = todo[-1]
        waiting = [s for s in _needed(strides) if not s.settled and s.possible is None]
        if waiting and strides.possible is None and not strides.settled:
            todo += waiting
            continue
        todo.pop()
        if strides.possible is None and not strides.settled:
            strides.possible = _possible(path, strides)
    return [asked.found] if asked.settled else asked.possible or None


def _needed(strides: DeferredStrides) -> list[DeferredStrides]:
    return [n.strides for n in strides.needs if isinstance(n.strides, DeferredStrides)]


def _possible(path: Path, strides: DeferredStrides) -> list[Strides | None]:
    """What ``settle`` says, if the strides it needs are any of those that they may be.

    Empty if that is too much.
    """
    needed = list(dict.fromkeys(s for s in _needed(strides) if not s.settled))
    found: dict[Strides | None, None] = {}
    for chosen in itertools.product(*(s.possible or () for s in needed)):
        settled = {id(s): c for s, c in zip(needed, chosen, strict=True)}

        def ask(fork: Fork, settled: dict[int, Strides | None] = settled) -> Strides | None:
            fork.settled.update(settled)
            return strides.settle(fork)

        try:
            for _, result in paths(path, ask):
                found[result] = None
                if len(found) > MOST:
                    return []
        except Unanswered:
            return []
    return list(found)
