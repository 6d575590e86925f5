"""One check: the contract, the model and the limits, which every stage of the pipeline shares."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import nn

from archlint.contracts.contract import ANY_SIZE_CLAUSE, Contract, Input
from archlint.engine.question import Question
from archlint.models.targets import ModelSource
from archlint.runtime.effort_clock import now, seconds_left
from archlint.tracing.model_tracer import ModelTracer

SAMPLES = 8
"""Sizes at which the real model runs, where neither contract nor caller sets a number."""


@dataclass(frozen=True)
class CheckRun:
    """A contract that is being checked on a model.

    ``question`` is the contract as sets of sizes; ``source`` makes the model, ``tracer`` traces it
    on symbolic sizes. ``samples`` is the number of sizes at which the real model runs (0: it never
    runs), ``deadline`` the time, by :mod:`.effort_clock`, at which the effort ends.
    """

    contract: Contract
    question: Question
    source: ModelSource
    tracer: ModelTracer
    samples: int
    deadline: float

    @classmethod
    def start(
        cls,
        contract: Contract,
        source: ModelSource,
        *,
        samples: int | None = None,
        deadline: float | None = None,
    ) -> CheckRun:
        """A run of ``contract`` on the models of ``source``; this builds the model to trace.

        ``samples`` overrides the contract's number; ``deadline`` defaults to the contract's budget
        from now on. ``ArchlintError`` if the model cannot be built.
        """
        if samples is None:
            samples = SAMPLES if contract.samples is None else contract.samples
        if deadline is None:
            deadline = now() + contract.budget.seconds
        tracer = ModelTracer(contract, source)
        return cls(contract, Question.of(contract), source, tracer, samples, deadline)

    @property
    def model(self) -> nn.Module:
        """The model that is traced; large weights have shapes and no values."""
        return self.tracer.model

    @property
    def weight_bytes(self) -> int:
        """The bytes of all parameters."""
        return sum(p.numel() * p.element_size() for p in self.model.parameters())

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(0.0, seconds_left(self.deadline))

    def with_input(self, input: Input) -> CheckRun:
        """The same run with another input; the tracer then traces that input."""
        contract = replace(self.contract, input=input)
        self.tracer.contract = contract
        return replace(self, contract=contract, question=Question.of(contract))


def any_size(contract: Contract) -> Contract:
    """The contract that its model accepts every size, whatever comes out."""
    return replace(contract, clause=ANY_SIZE_CLAUSE, output=None)
