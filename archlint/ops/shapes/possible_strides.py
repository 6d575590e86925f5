"""Which strides a tensor may turn out to have, whatever the branches.

Cheaper than computing them for each outcome (:mod:`archlint.ops.silent_path`), and a superset: how
the strides of two tensors depend on each other is not followed.
"""

from __future__ import annotations

import itertools
from typing import Any

from archlint.ops.registry import Path, TensorSpec
from archlint.ops.shapes.strides import DeferredStrides, Strides
from archlint.ops.silent_path import SilentPath, Unanswered, each_outcome

MOST = 8  # alternatives for one tensor


def alternatives(path: Path, spec: TensorSpec) -> list[Strides | None] | None:
    """The strides that ``spec`` may have on this path; ``None`` if there are too many."""
    wanted = spec.strides
    if not isinstance(wanted, DeferredStrides):
        return [wanted]
    todo = [wanted]
    while todo:  # the strides that others are computed from come first
        strides = todo[-1]
        if strides.is_settled or strides.possible is not None:
            todo.pop()
            continue
        waiting = [s for s in strides.sources if not s.is_settled and s.possible is None]
        if not waiting:
            strides.possible = _possible(path, strides)
        todo += waiting
    return [wanted.result] if wanted.is_settled else wanted.possible or None


def _possible(path: Path, strides: DeferredStrides) -> list[Strides | None]:
    """What ``settle`` computes for each combination of strides that its sources may have.

    Empty if there are too many.
    """
    # Of sources with equal guesses one is chosen; the others are computed, which is fewer cases.
    sources = list(dict.fromkeys(s for s in strides.sources if not s.is_settled))
    results: dict[Strides | None, None] = {}
    for chosen in itertools.product(*(s.possible or () for s in sources)):
        settled = {id(s): (s, c) for s, c in zip(sources, chosen, strict=True)}

        def compute(silent: SilentPath, settled: dict[int, Any] = settled) -> Strides | None:
            silent.settled.update(settled)
            return strides.settle(silent)

        try:
            for _, result in each_outcome(path, compute):
                results[result] = None
                if len(results) > MOST:
                    return []
        except Unanswered:
            return []
    return list(results)
