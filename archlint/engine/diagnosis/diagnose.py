"""From a broken promise to words: the layer, what it needs, what it gets, and why."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from archlint.contracts.output_match import OutputRequirement
from archlint.contracts.verdict import At
from archlint.engine.diagnosis.needs import needs
from archlint.engine.diagnosis.size_chain import because, way_to_output
from archlint.engine.prove import SizeViolation
from archlint.tracing.events import Event
from archlint.tracing.module_stack import layer_name
from archlint.tracing.trace import Trace


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
        return Diagnosis(at, said, path, claim, layer_name(model, call.module))
    if isinstance(blame, OutputRequirement):
        said = needs(blame, violation.point)
        return Diagnosis(None, said, way_to_output(trace), blame.needs())
    if violation.expected == "accepted":
        raised = _raised_at(trace)
        layer = layer_name(model, raised.module) if raised else ""
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
