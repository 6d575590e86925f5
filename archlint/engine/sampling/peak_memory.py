"""How much memory the activations of a run take, from the formulas of its shapes."""

from __future__ import annotations

from collections.abc import Mapping

from archlint.symbolic import evaluate, product
from archlint.tracing.fx_graph import tensors
from archlint.tracing.trace import Call, Trace


def peak_memory(trace: Trace, env: Mapping[str, int]) -> int:
    """The most bytes of activations alive at once when the path runs at the sizes ``env``.

    If these are refused, the sizes of later calls may not exist, as they divide by 0.
    """
    last_use: dict[int, int] = {}
    sizes: list[int] = []
    for i, call in enumerate(trace.calls):
        try:
            sizes.append(_bytes(call, i, env))
        except ZeroDivisionError:
            break
        for tensor in tensors((call.args, call.kwargs)):
            last_use[tensor.made_by] = i
    alive, peak = 0, 0
    ends: dict[int, list[int]] = {}
    for made, used in last_use.items():
        ends.setdefault(used, []).append(made)
    for i, size in enumerate(sizes):
        alive += size
        peak = max(peak, alive)
        for made in ends.get(i, ()):
            alive -= sizes[made] if made >= 0 else 0
    return peak


def _bytes(call: Call, index: int, env: Mapping[str, int]) -> int:
    """The bytes of the new tensors that a call returns."""
    made = (t.spec for t in tensors(call.result) if t.made_by == index)
    return sum(evaluate(product(spec.dims), env) * spec.dtype.itemsize for spec in made)
