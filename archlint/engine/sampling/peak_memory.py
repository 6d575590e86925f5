"""How much memory the activations of a run take, from the formulas of its shapes."""

from __future__ import annotations

from collections.abc import Mapping

from archlint.symbolic import evaluate, product
from archlint.tracing.fx_graph import tensors
from archlint.tracing.trace import Trace


def peak_memory(trace: Trace, env: Mapping[str, int]) -> int:
    """The most bytes of activations alive at once when the path runs at the sizes ``env``."""
    last_use: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for i, call in enumerate(trace.calls):
        for tensor in tensors((call.args, call.kwargs)):
            last_use[tensor.made_by] = i
        for tensor in tensors(call.result):
            count = evaluate(product(tensor.spec.dims), env) if tensor.made_by == i else 0
            sizes[i] = sizes.get(i, 0) + count * tensor.spec.dtype.itemsize
    alive, peak = 0, 0
    ends: dict[int, list[int]] = {}
    for made, used in last_use.items():
        ends.setdefault(used, []).append(made)
    for i in range(len(trace.calls)):
        alive += sizes.get(i, 0)
        peak = max(peak, alive)
        for made in ends.get(i, ()):
            alive -= sizes.get(made, 0)
    return peak
