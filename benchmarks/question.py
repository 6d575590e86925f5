"""The one question that every benchmark asks: "any N >= 1 and H, W >= least -> N 1000"."""

from __future__ import annotations

import fnmatch
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torchvision

from archlint.contracts.contract import Budget, Contract, SizeClause, TensorInput, TensorOutput
from archlint.contracts.rulefile.phrase_parser import parse_shape
from archlint.contracts.size_text import size_text
from archlint.engine.check_run import CheckRun
from archlint.engine.describe.describe import describe
from archlint.engine.explore import explore_model
from archlint.engine.infer.output_formulas import output_formulas
from archlint.engine.prove import prove
from archlint.engine.question import Question
from archlint.models.targets import ModelSource
from archlint.runtime.gc_pause import gc_seldom
from archlint.symbolic import symbol
from archlint.symbolic.formula import conj, ge
from archlint.tracing.model_tracer import ModelTracer

_LEAST = {"alexnet": 63, "inception_v3": 75, "maxvit_t": 224, "vit_*": 224}
_DEFAULT_LEAST = 32


@dataclass(frozen=True)
class Answer:
    """What archlint says: "proved", "broken at N=1 H=..", or "open: ..." with the reason."""

    verdict: str
    paths: int
    claims: int


def classifiers(pattern: str = "*") -> list[str]:
    """The names of torchvision's classification builders that match."""
    names = torchvision.models.list_models(module=torchvision.models)
    return [n for n in names if fnmatch.fnmatch(n, pattern)]


def least(name: str) -> int:
    """The side from which on the model is asked to take every size."""
    return next((v for k, v in _LEAST.items() if fnmatch.fnmatch(name, k)), _DEFAULT_LEAST)


def build(name: str) -> torch.nn.Module:
    """The model with random weights, in eval mode."""
    model: torch.nn.Module = torchvision.models.get_model(name, weights=None)
    return model.eval()


def source(name: str) -> ModelSource:
    """The model as archlint finds it."""
    return ModelSource(name, lambda: build(name))


def contract(side: int, seconds: float = 60.0) -> Contract:
    """Any N >= 1 and H, W >= ``side`` comes out as N 1000."""
    region = conj(*(ge(symbol(n), low) for n, low in (("N", 1), ("H", side), ("W", side))))
    return Contract(
        "any-photo",
        TensorInput(tuple(parse_shape("N 3 H W"))),
        SizeClause("any", region, f"any N >= 1 and H, W >= {side}"),
        TensorOutput(tuple(parse_shape("N 1000"))),
        budget=Budget(seconds=seconds),
    )


def run_of(traced: ModelTracer) -> CheckRun:
    """A run of the tracer's contract that never runs the real model."""
    contract = traced.contract
    deadline = time.monotonic() + contract.budget.seconds
    return CheckRun(contract, Question.of(contract), traced.source, traced, 0, deadline)


def decide(traced: ModelTracer) -> Answer:
    """Trace and solve: the whole check but building and sampling."""
    run = run_of(traced)
    with gc_seldom():  # as in every check
        found = explore_model(run)
        finding = prove(run, found)
    if finding.violation:
        at = size_text(finding.violation.point)
        verdict = f"broken at {at}"
    else:
        verdict = f"open: {finding.open[0]}" if finding.open else "proved"
    claims = sum(e.kind == "claim" for w in found.paths for e in w.trace.path.events)
    return Answer(verdict, len(found.paths), claims)


def everything(traced: ModelTracer) -> Contract:
    """What ``infer`` asks of the same model: any size at all."""
    return replace(traced.contract, clause=SizeClause("any", True, "any size"), output=None)


def infer(traced: ModelTracer) -> bool:
    """What the model accepts, in words, and what comes out: all but building. Whether exact."""
    found = explore_model(run_of(traced))
    until = time.monotonic() + 10
    said = describe(found.names, found.box, found.accepted, solver_deadline=until)
    output_formulas(found, until)
    return found.covered and said.exact


def seconds(action: Callable[[], object]) -> float:
    """How long one call takes: CPU time, so that what else the machine does counts little."""
    start = time.process_time()
    action()
    return time.process_time() - start


def median(values: list[float]) -> float:
    """The middle value; for an even count the mean of the middle two."""
    return statistics.median(values)
