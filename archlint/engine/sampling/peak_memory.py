"""How much memory the activations of a run take, from the formulas of its shapes."""

from __future__ import annotations

from collections.abc import Mapping

from archlint.engine.exploration import Exploration, ExploredPath
from archlint.symbolic import Size, evaluate, product
from archlint.tracing.fx_graph import tensors
from archlint.tracing.trace import Trace


class PeakMemory:
    """The most bytes of activations alive at once on a path, at any sizes."""

    def __init__(self, trace: Trace) -> None:
        self._made: list[list[tuple[Size, int]]] = []  # by call: elements and bytes of each
        self._used_in: list[list[int]] = []  # by call: which calls made its arguments
        for i, call in enumerate(trace.calls):
            new = (t.spec for t in tensors(call.result) if t.made_by == i)
            self._made.append([(product(spec.dims), spec.dtype.itemsize) for spec in new])
            self._used_in.append([t.made_by for t in tensors((call.args, call.kwargs))])

    def at(self, env: Mapping[str, int]) -> int:
        """The bytes when the path runs at the sizes ``env``.

        If these are refused, the sizes of later calls may not exist, as they divide by 0.
        """
        last_use: dict[int, int] = {}
        sizes: list[int] = []
        for i, made in enumerate(self._made):
            try:
                sizes.append(sum(evaluate(elements, env) * each for elements, each in made))
            except ZeroDivisionError:
                break
            last_use.update(dict.fromkeys(self._used_in[i], i))
        alive, peak = 0, 0
        ends: dict[int, list[int]] = {}
        for call, used in last_use.items():
            ends.setdefault(used, []).append(call)
        for i, size in enumerate(sizes):
            alive += size
            peak = max(peak, alive)
            for call in ends.get(i, ()):
                alive -= sizes[call] if 0 <= call <= i else 0  # others are of earlier runs
        return peak


class PathMemory:
    """The peak memory of the paths of an exploration; what was computed is remembered."""

    def __init__(self, exploration: Exploration) -> None:
        self._exploration = exploration
        self._paths: dict[ExploredPath, PeakMemory] = {}
        self._known: dict[frozenset[tuple[str, int]], int] = {}

    def at(self, sizes: Mapping[str, int]) -> int | None:
        """The bytes at these sizes; ``None`` if nothing is known of them."""
        key = frozenset(sizes.items())
        if key not in self._known:
            path = self._exploration.path_at(sizes)
            if path is None:
                return None
            if path not in self._paths:
                self._paths[path] = PeakMemory(path.trace)
            self._known[key] = self._paths[path].at(sizes)
        return self._known[key]
