"""From a violation to words: the layer, what it needs, what it gets, and why."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from archlint.contracts.output_match import OutputRequirement
from archlint.contracts.verdict import At
from archlint.engine.diagnosis.needs import mismatch, needs
from archlint.engine.diagnosis.size_chain import because, chain_to_output
from archlint.engine.prove import SizeViolation
from archlint.tracing.events import Event
from archlint.tracing.module_stack import layer_name
from archlint.tracing.trace import Trace


@dataclass(frozen=True)
class Diagnosis:
    """A violation in words; a string is empty if there is nothing to report.

    ``at`` is the layer that refuses and ``layer`` that layer as its author would write it.
    ``needs`` is what it needs and gets at the counterexample, or how the output differs.
    ``because`` is the chain of sizes that leads there. ``claim`` is the condition that failed, in
    formulas, or the exception of user code.
    """

    at: At | None
    needs: str = ""
    because: str = ""
    claim: str | None = None
    layer: str = ""


def diagnose(violation: SizeViolation, model: torch.nn.Module) -> Diagnosis:
    """Which layer violates the contract at ``violation.point``, and why."""
    trace, cause = violation.path.trace, violation.cause
    if isinstance(cause, Event):
        text, claim = needs(cause, violation.point), cause.needs()
        call = trace.call_of(cause)
        if call is None:
            return Diagnosis(None, text, claim=claim)
        at = At(call.module, call.op, call.source)
        chain = because(trace, call, claim)
        return Diagnosis(at, text, chain, claim, layer_name(model, call.module))
    if isinstance(cause, OutputRequirement):
        text = mismatch(cause, violation.point)
        return Diagnosis(None, text, chain_to_output(trace), cause.needs())
    if violation.expected == "accepted":
        raised = _raised_at(trace)
        layer = layer_name(model, raised.module) if raised else ""
        return Diagnosis(raised, "", _last_branch(trace), trace.error, layer)
    return Diagnosis(None)


def _last_branch(trace: Trace) -> str:
    """The last condition on sizes that the code branched on before user code raised."""
    branches = [e.formula for e in trace.path.events if e.kind == "branch"]
    return f"the code takes this path where {branches[-1]}" if branches else ""


def _raised_at(trace: Trace) -> At | None:
    if not (trace.module or trace.source or trace.calls):
        return None
    last = trace.calls[-1] if trace.calls else None
    op = last.op if last and last.module == trace.module and last.source == trace.source else ""
    return At(trace.module, op, trace.source)
