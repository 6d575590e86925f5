"""What -vv adds to a violation: every step to the layer that fails, and all claims."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from archlint.contracts.contract import Contract
from archlint.contracts.text_layout import counted
from archlint.contracts.verdict import Verdict
from archlint.engine.question import Question
from archlint.models.snapshot import keep
from archlint.models.targets import ModelSource
from archlint.ops.registry import TensorSpec
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor
from archlint.tracing.trace import Call
from archlint.tracing.tracer import trace

STEPS = 40  # the last steps of a chain, which are shown


def with_chain(verdict: Verdict, contract: Contract, source: ModelSource) -> Verdict:
    """The verdict with details ``chain`` and ``claims``, from the counterexample's path."""
    if verdict.counterexample is None:  # a contract about the structure is broken at no size
        return verdict
    model = source.for_tracing(contract.mode)
    with keep(model):
        box = Question.of(contract).box
        traced = trace(model, contract.input, verdict.counterexample or {}, box)
    last = _failing(traced.calls, verdict)
    steps = [_step(call) for call in traced.calls[: last + 1]]
    if len(steps) > STEPS:
        steps = [f"… {counted(len(steps) - STEPS, 'earlier step')}", *steps[-STEPS:]]
    claims = [f"{e.formula}   {e.needs()}" for e in traced.path.events if e.kind == "claim"]
    added = {"chain": "\n".join(steps), "claims": "\n".join(dict.fromkeys(claims))}
    return replace(verdict, details=verdict.details | {k: v for k, v in added.items() if v})


def _failing(calls: list[Call], verdict: Verdict) -> int:
    at = verdict.at
    for i, call in enumerate(calls):
        if at is not None and (call.module, call.op) == (at.module, at.op):
            return i
    return len(calls) - 1


def _step(call: Call) -> str:
    shapes = ", ".join(" ".join(map(str, dims)) or "scalar" for dims in _dims(call.result))
    where = f"{call.module}  " if call.module else ""
    return f"{where}{call.op} → {shapes or '?'}"


def _dims(result: Any) -> Iterator[tuple[Any, ...]]:
    if type(result) is SymbolicTensor:
        yield result.spec.dims
    elif isinstance(result, TensorSpec):
        yield result.dims
    elif isinstance(result, (list, tuple)):
        for part in result:
            yield from _dims(part)
