"""From a broken promise to words: the layer, what it needs, what it gets, and why."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from archlint.contracts.output_match import OutputRequirement
from archlint.contracts.verdict import At
from archlint.engine.diagnosis.chain import because, way_to_output
from archlint.engine.diagnosis.needs import needs
from archlint.engine.prove import SizeViolation
from archlint.ops.registry import TensorSpec
from archlint.symbolic import FloorDiv, Size, Symbol, Unknown, atoms, evaluate, product
from archlint.symbolic.formula import comparisons
from archlint.tracing.events import Event
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trace import Trace

_ARGUMENT = re.compile(r", (?![^()]*\))")


@dataclass(frozen=True)
class Diagnosis:
    """The words for a breach. Empty strings where there is nothing to say."""

    at: At | None
    needs: str = ""
    because: str = ""
    claim: str | None = None
    layer: str = ""  # the blamed module as its author would write it


def diagnose(violation: SizeViolation, model: torch.nn.Module) -> Diagnosis:
    """Say which layer breaks the promise at ``breach.point``, and why."""
    trace, blame = violation.path.trace, violation.blame
    if isinstance(blame, Event):
        said, claim = needs(blame, violation.point), blame.needs()
        if not 0 <= blame.call < len(trace.calls):
            return Diagnosis(None, said, claim=claim)
        call = trace.calls[blame.call]
        at = At(call.module, call.op, call.source)
        path = because(trace, call, claim)
        return Diagnosis(at, said, path, claim, _layer(model, call.module))
    if isinstance(blame, OutputRequirement):
        said = needs(blame, violation.point)
        return Diagnosis(None, said, way_to_output(trace), blame.needs())
    if violation.expected == "accepted":
        raised = _raised_at(trace)
        layer = _layer(model, raised.module) if raised else ""
        return Diagnosis(raised, "", _last_branch(trace), trace.error, layer)
    return Diagnosis(None)


def _last_branch(trace: Trace) -> str:
    """The condition on sizes that was asked last before user code raised."""
    branches = [e.formula for e in trace.path.events if e.kind == "branch"]
    return f"the code takes this way where {branches[-1]}" if branches else ""


def _raised_at(trace: Trace) -> At | None:
    if not trace.source and not trace.calls:
        return None
    last = trace.calls[-1] if trace.calls else None
    return At(last.module if last else "", last.op if last else "", trace.source)


def _layer(model: torch.nn.Module, path: str) -> str:
    """The module as its author would write it: ``MaxPool2d(kernel_size=2, stride=2)``."""
    try:
        module = model.get_submodule(path)
    except AttributeError:
        return ""
    name = type(module).__name__
    text = module.extra_repr()
    if not text or "\n" in text:
        return name
    defaults = _defaults(type(module))
    words = [w for w in _ARGUMENT.split(text) if not _is_default(w, defaults)]
    text = ", ".join(w.removeprefix("in_features=").removeprefix("out_features=") for w in words)
    return f"{name}({text})" if len(text) <= 72 else name


def _defaults(kind: type) -> dict[str, str]:
    try:
        parameters = inspect.signature(kind).parameters
    except (TypeError, ValueError):
        return {}
    return {n: str(p.default) for n, p in parameters.items() if p.default is not p.empty}


def _is_default(word: str, defaults: dict[str, str]) -> bool:
    """Whether ``name=value`` only says the default, which may be one number for all axes."""
    name, _, value = word.partition("=")
    each = set(value.strip("()").split(", ")) if value.startswith("(") else {value}
    return name in defaults and each == {defaults[name]}


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
                    if isinstance(inner, Symbol) and not isinstance(inner, Unknown):
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


def _tensors(value: object) -> list[SymbolicTensor]:
    if type(value) is SymbolicTensor:
        return [value]
    if isinstance(value, dict):
        value = tuple(value.values())
    return [t for v in value for t in _tensors(v)] if isinstance(value, (list, tuple)) else []
