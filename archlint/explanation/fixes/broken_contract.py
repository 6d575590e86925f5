"""A contract that is broken by a refused size, with what its fixes are made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from torch import nn

from archlint.contracts.contract import Contract
from archlint.contracts.output_match import output_formula, output_requirements
from archlint.engine.check_run import CheckRun, any_size
from archlint.engine.example_sizes import common_sizes
from archlint.engine.exploration import Exploration, ExploredPath
from archlint.engine.explore import explore_model
from archlint.engine.prove import SizeViolation, prove
from archlint.explanation.blame import Blame, blame
from archlint.models.targets import ModelSource
from archlint.runtime.effort_clock import now
from archlint.symbolic.formula import Bool, conj, disj
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.trace import dims_of

BLAME = 4
"""The part of the time left that finding the layers to blame may take, as a divisor."""


@dataclass(frozen=True)
class BrokenContract:
    """A contract that is broken by a refused size, or by a wrong output.

    ``model`` is the traced model; ``violation`` and ``blame`` show where and why it refuses.
    ``exploration`` covers all sizes, whatever the contract is. ``accepted_point``: common sizes
    at which the contract holds, else any that the model accepts, if there are any.
    """

    run: CheckRun
    model: nn.Module
    violation: SizeViolation
    exploration: Exploration
    blame: Blame
    accepted_point: Mapping[str, int] | None

    @property
    def contract(self) -> Contract:
        return self.run.contract

    @property
    def source(self) -> ModelSource:
        return self.run.source

    @property
    def holding(self) -> Bool:
        """The sizes at which the model accepts, and returns what the contract requires."""
        return holding(self.exploration, self.contract)

    def smallest_accepted(self) -> dict[str, int] | None:
        """The smallest sizes that the model accepts, if these are known in time."""
        found = self.exploration
        solver = Solver(found.names, found.box, self.run.deadline)
        solver.add(found.region)
        try:
            return solver.smallest(found.accepted)
        except Unsolved:
            return None


def broken_contract(run: CheckRun, violation: SizeViolation) -> BrokenContract:
    """What is known of a ``violation`` by a refused size or a wrong output."""
    half = replace(run, deadline=now() + run.seconds_left / 2)  # fixes need the other one
    exploration = accepted_sizes(half)
    good = conj(run.question.premise, holding(exploration, run.contract))
    premise = run.question.premise
    point = common_sizes(exploration, run.deadline, within=good, of_contract=premise)
    if point is not None and not exploration.accepts(point):
        point = None
    share = replace(run, deadline=now() + run.seconds_left / BLAME)  # fixes help more than blame
    causes = blame(share, violation)
    model = run.source.for_tracing(run.contract.mode)
    return BrokenContract(run, model, violation, exploration, causes, point)


def holding(exploration: Exploration, contract: Contract) -> Bool:
    """The sizes that are accepted with the output that the contract requires.

    Without those whose output depends on the values of tensors (:func:`output_known`).
    """
    parts = (
        conj(p.accepted, output_formula(contract.output, dims_of(p.trace.output)))
        for p in exploration.accepting
        if not _is_open(contract, p)
    )
    return disj(*parts)


def output_known(exploration: Exploration, contract: Contract) -> bool:
    """Whether no output that the contract is about depends on the values of tensors."""
    return not any(_is_open(contract, path) for path in exploration.accepting)


def _is_open(contract: Contract, path: ExploredPath) -> bool:
    required = contract.output
    if required is None:
        return False
    return any(r.open for r in output_requirements(required, dims_of(path.trace.output)))


def violation_of(run: CheckRun) -> SizeViolation | None:
    """The violation of the contract's clause or output, if there is one."""
    if run.contract.clause.kind == "none":
        return None
    return prove(run, explore_model(run)).violation


def accepted_sizes(run: CheckRun) -> Exploration:
    """What the model of the run accepts of all sizes, whatever the contract is."""
    contract = any_size(run.contract)
    return explore_model(CheckRun.start(contract, run.source, deadline=run.deadline))
