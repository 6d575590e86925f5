"""A proposed fix, and the result of trying it: it is applied, proved and run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import nn

from archlint.contracts.contract import Budget, Contract
from archlint.engine.infer.infer import infer_source
from archlint.engine.pipeline import check_source
from archlint.engine.sampling.real_run import run_at
from archlint.errors import ArchlintError
from archlint.explanation.fixes.edit import Edit
from archlint.explanation.fixes.model_before_fix import ModelBefore
from archlint.models.targets import ModelSource
from archlint.runtime.effort_clock import now
from archlint.symbolic.formula import holds

SAMPLES = 2  # sizes at which a fixed model runs, besides one that failed and one that did not


@dataclass(frozen=True)
class Proposal:
    """A fix that is not tried yet: ``source`` makes the fixed model.

    ``contract`` must then hold. ``edits`` are changes of the user's lines that may come to the
    same, the best first; ``code`` is to be added; either may be missing. ``note`` names side
    effects. ``narrows``: the contract changes, not the model. ``other_values``: the output is not
    meant to have the values that it had.
    """

    title: str
    contract: Contract
    source: ModelSource
    edits: tuple[Edit, ...] = ()
    code: str = ""
    note: str = ""
    narrows: bool = False
    other_values: bool = False


@dataclass(frozen=True)
class Fix:
    """A fix that was applied to a copy of the model, proved, and run.

    ``accepts``: what the fixed model accepts, ``exact``: and nothing else. ``weights``: whether the
    existing weights still fit. ``ran``: the sizes at which the fixed model ran. ``same``: sizes
    accepted before, at which the output was compared and has the same values. ``edit``: the change
    of the user's lines, if the changed project was checked too. ``obsolete``: other contracts whose
    clause states what the model accepted before, with the clause that holds then, and
    ``rule_edits``, which change these clauses, as far as ``edit`` does not.
    """

    proposal: Proposal
    accepts: str
    exact: bool
    weights: str
    ran: tuple[dict[str, int], ...]
    same: tuple[dict[str, int], ...]
    edit: Edit | None = None
    note: str = ""
    obsolete: tuple[tuple[Contract, str], ...] = ()
    rule_edits: tuple[Edit, ...] = ()

    @property
    def title(self) -> str:
        return self.proposal.title

    @property
    def narrows(self) -> bool:
        return self.proposal.narrows

    def summary(self) -> str:
        """One line, for the report of a violation."""
        if self.narrows:
            return f"{self.title}   (checked)"
        return f"{self.title}: accepts {self.accepts}   (checked)"


def try_fix(proposal: Proposal, before: ModelBefore, seconds: float) -> Fix | None:
    """Check the contract of the proposal and run its model; ``None`` if any of it fails.

    The sizes that were refused must be accepted now, if the contract still includes them.
    ``seconds`` bounds the effort.
    """
    contract = proposal.contract
    start = now()
    try:
        verdict = check_source(contract, proposal.source, samples=SAMPLES)
        if verdict.word != "proved":
            return None
        left = max(1.0, seconds - (now() - start))
        budget = Budget(128, left, contract.budget.memory)
        acceptance = infer_source(proposal.source, contract.input, contract.mode, budget)
        fixed = proposal.source.for_running(contract.mode)
    except ArchlintError:
        return None
    ran = []
    for sizes in (before.refused, *before.accepted[:1]):
        if acceptance.accepts(**sizes) is not True or not holds(contract.clause.region, sizes):
            continue
        outcome = run_at(fixed, contract.input, sizes, contract.budget.memory)
        if outcome.accepted is False:
            return None
        if outcome.accepted:
            ran.append(dict(sizes))
    if not verdict.samples.run and not ran:
        return None
    weights = before.load_into(fixed)
    compared = not proposal.other_values and not weights.startswith("no")
    return Fix(
        proposal,
        acceptance.text,
        acceptance.exact,
        weights,
        tuple(ran),
        before.same_outputs(fixed, contract.input) if compared else (),
    )


def patched(original: ModelSource, change: Callable[[nn.Module], nn.Module]) -> ModelSource:
    """The original's models after ``change(model)``, which returns the changed model."""
    return ModelSource(original.name, lambda: change(original.for_running()))


def with_budget(proposal: Proposal, seconds: float) -> Proposal:
    """The proposal with a time limit for its contract."""
    budget = replace(proposal.contract.budget, seconds=max(1.0, seconds))
    return replace(proposal, contract=replace(proposal.contract, budget=budget))
