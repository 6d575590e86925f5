"""From a broken promise to words: the layer, what it needs, what it gets, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from archlint.dims import Expr, FloorDiv, Size, Symbol, atoms, evaluate, product
from archlint.formula import comparisons
from archlint.frames import shown_source
from archlint.judge import Breach
from archlint.match import Demand
from archlint.ops.registry import TensorSpec
from archlint.path import Event
from archlint.standin import Standin
from archlint.trace import Call, Trace
from archlint.verdict import At


@dataclass(frozen=True)
class Diagnosis:
    """The words for a breach. Empty strings where there is nothing to say."""

    at: At | None
    needs: str = ""
    because: str = ""
    claim: str | None = None
    layer: str = ""  # the blamed module as its author would write it


def diagnose(breach: Breach, model: torch.nn.Module) -> Diagnosis:
    """Say which layer breaks the promise at ``breach.point``, and why."""
    trace, blame = breach.way.trace, breach.blame
    if isinstance(blame, Event) and 0 <= blame.call < len(trace.calls):
        call = trace.calls[blame.call]
        at = At(call.module, call.op, call.source)
        return Diagnosis(
            at,
            _needs_and_gets(blame, breach.point),
            _chain(trace, call),
            blame.needs(),
            _layer(model, call.module),
        )
    if isinstance(blame, Demand):
        return Diagnosis(None, _needs_and_gets(blame, breach.point), _chain(trace, None), blame.needs())
    if breach.expected == "accepted":
        raised = _raised_at(trace)
        layer = _layer(model, raised.module) if raised else ""
        return Diagnosis(raised, "", _last_branch(trace), trace.error, layer)
    return Diagnosis(None)


def _needs_and_gets(blame: Event | Demand, point: Mapping[str, int]) -> str:
    needs, gets = blame.needs(), blame.gets(point)
    parts = [needs]
    for size in blame.sizes:
        if isinstance(size, Expr):
            names = {n: point[n] for n in sorted(size.symbols()) if n in point}
            given = ", ".join(f"{n}={v}" for n, v in names.items())
            value = evaluate(size, point)
            if str(size) not in names:
                parts.append(f"{size} = {value} at {given}")
    if len(parts) == 1 and gets != needs:
        parts.append(f"gets {gets}")
    return "\n".join(dict.fromkeys(parts))


def _last_branch(trace: Trace) -> str:
    """The condition on sizes that was true just before user code raised."""
    branches = [e for e in trace.path.events if e.kind == "branch"]
    if not branches:
        return ""
    event = branches[-1]
    call = trace.calls[event.call] if 0 <= event.call < len(trace.calls) else None
    where = f" at {shown_source(call.source)}" if call and call.source else ""
    return f"the way taken where {event.formula}{where}"


def _raised_at(trace: Trace) -> At | None:
    if not trace.source and not trace.calls:
        return None
    last = trace.calls[-1] if trace.calls else None
    return At(last.module if last else "", last.op if last else "", trace.source)


def _layer(model: torch.nn.Module, path: str) -> str:
    try:
        module = model.get_submodule(path)
    except AttributeError:
        return ""
    text = module.extra_repr()
    name = type(module).__name__
    if not text or "\n" in text or len(text) > 72:
        return name
    text = text.replace("in_features=", "").replace("out_features=", "").replace(", bias=True", "")
    return f"{name}({text})"


def _chain(trace: Trace, blamed: Call | None) -> str:
    """The sizes on the way from the input to the blamed call, at the steps that matter."""
    steps: list[tuple[str, tuple[Size, ...]]] = []
    current = _first_tensor(blamed.args, blamed.kwargs) if blamed else None
    if blamed is None and trace.output is not None:
        return ""
    seen: set[int] = set()
    while current is not None:
        index = current.made_by
        if index < 0:
            steps.append(("input", current.spec.dims))
            break
        if index in seen:
            break
        seen.add(index)
        call = trace.calls[index]
        steps.append((call.op, current.spec.dims))
        current = _first_tensor(call.args, call.kwargs)
    if not steps:
        return ""
    steps.reverse()
    kept = [steps[0]]
    for i, (name, dims) in enumerate(steps[1:], start=1):
        last = i == len(steps) - 1
        reshapes = not last and len(steps[i + 1][1]) != len(dims)
        if last or reshapes:
            kept.append((name if len(dims) != len(kept[-1][1]) else "features", dims))
    if len(kept) > 6:
        kept = [*kept[:2], ("…", ()), *kept[-3:]]
    shown = [f"{name} {'×'.join(_grouped(d) for d in dims)}".strip() for name, dims in kept]
    return " → ".join(dict.fromkeys(shown))


def _grouped(size: Size) -> str:
    text = str(size)
    return f"({text})" if any(c in text for c in "+*/% ") and not text.startswith("ceil(") else text


def _first_tensor(args: object, kwargs: object = ()) -> Standin | None:
    if type(args) is Standin:
        return args
    if isinstance(args, dict):
        args = tuple(args.values())
    if isinstance(args, (list, tuple)):
        for arg in args:
            found = _first_tensor(arg)
            if found is not None:
                return found
    return _first_tensor(kwargs) if kwargs else None


def moduli(trace: Trace) -> dict[str, set[int]]:
    """The divisors that each symbol meets on its way: where its residues may matter."""
    found: dict[str, set[int]] = {}
    sizes: list[Size] = [s for e in trace.path.events for s in e.sizes]
    sizes += [c.expr for e in trace.path.events for c in comparisons(e.formula)]
    for leaf in _leaves(trace.output):
        sizes += leaf.dims
    for size in sizes:
        for atom in atoms(size):
            if isinstance(atom, FloorDiv) and isinstance(atom.den, int):
                for inner in atoms(atom.num):
                    if isinstance(inner, Symbol):
                        found.setdefault(inner.name, set()).add(atom.den)
    return found


def _leaves(output: object) -> list[TensorSpec]:
    if isinstance(output, TensorSpec):
        return [output]
    if isinstance(output, dict):
        output = list(output.values())
    return [x for o in output for x in _leaves(o)] if isinstance(output, list) else []


def peak_memory(trace: Trace, env: Mapping[str, int]) -> int:
    """Bytes of activations alive at once when the path runs at these sizes, from the formulas."""
    last_use: dict[int, int] = {}
    sizes: dict[int, int] = {}
    for i, call in enumerate(trace.calls):
        for tensor in _tensors((call.args, call.kwargs)):
            last_use[tensor.made_by] = i
        for tensor in _tensors(call.result):
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


def _tensors(value: object) -> list[Standin]:
    if type(value) is Standin:
        return [value]
    if isinstance(value, dict):
        value = tuple(value.values())
    return [t for v in value for t in _tensors(v)] if isinstance(value, (list, tuple)) else []
