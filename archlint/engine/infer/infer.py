"""What does a model accept? Explore all sizes and say it in words."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from archlint.contracts.accepted_set import input_as_yaml, shown
from archlint.contracts.contract import Budget, Contract, Input, ModelRef, SizeClause
from archlint.contracts.verdict import Proof, Verdict
from archlint.engine.describe.describe import describe
from archlint.engine.explore import Exploration
from archlint.engine.infer.acceptance import Acceptance
from archlint.engine.infer.input_guess import likely_inputs
from archlint.engine.pipeline import accepted_sizes
from archlint.engine.question import Question
from archlint.errors import ArchlintError
from archlint.models.targets import ModelSource, resolve
from archlint.runtime.deadline import TimeLimitReached, time_limit
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.process_state import preserve_process_state
from archlint.tracing.model_tracer import ModelTracer

if TYPE_CHECKING:
    from torch import nn

    from archlint.engine.python_contracts import Shapes

PATHS = 128
WORDING = 10.0  # seconds for the words, beside those for the exploration
GRACE = 5.0  # seconds that one trace may run past the budget


def infer(
    model: nn.Module | str,
    input: Shapes | None = None,
    *,
    mode: str = "eval",
    paths: int = PATHS,
    seconds: float = 60.0,
) -> Acceptance:
    """The sizes that ``model`` accepts: all of them and no others, where the answer is exact.

    ``model`` is an ``nn.Module`` (left as it is) or a target such as ``"pkg.mod:factory"``.
    ``input`` are the words of a rule file, ``"N 3 H W"``; without it, what the model's library
    gives it or what its first layers take. ``paths`` and ``seconds`` bound the effort.
    ``ArchlintError`` if the model cannot be found or built, or hangs.
    """
    from archlint.engine.python_contracts import contract_of, source_of

    given: Input = []
    if input is not None:
        given = contract_of(input=input, accepts="any size", mode=mode).input
    with source_of(model) as source:
        return infer_source(source, given, mode, Budget(paths, seconds))


def infer_source(
    source: ModelSource, input: Input, mode: str = "eval", budget: Budget | None = None
) -> Acceptance:
    """As :func:`infer`, for a model that is found; an empty ``input`` is to be guessed."""
    budget = budget or Budget(PATHS)
    contract = Contract(
        "infer", input, SizeClause("any", True, "any size"), mode=mode, budget=budget
    )
    try:
        with (
            PROCESS_LOCK,  # waiting for another thread must not use up this one's time
            time_limit(budget.seconds + WORDING + GRACE),
            preserve_process_state(),
        ):
            return _inferred(contract, source, time.monotonic())
    except TimeLimitReached as e:
        late = f"{source.name} did not finish within {budget.seconds:g} s{e}"
        raise ArchlintError(late) from None


def _inferred(contract: Contract, source: ModelSource, start: float) -> Acceptance:
    subject = ModelTracer(contract, source)
    question, found, wrong = explored(subject, start + contract.budget.seconds)
    if wrong:
        raise ArchlintError(_wrong_guess(source.name, wrong))
    deadline = time.monotonic() + WORDING
    said = describe(question.names, question.box, found.accepted, solver_deadline=deadline)
    seconds = time.monotonic() - start
    input = subject.contract.input
    return Acceptance(source.name, contract.mode, input, found, said, seconds)


def explored(subject: ModelTracer, deadline: float) -> tuple[Question, Exploration, dict[str, str]]:
    """What the model accepts; where its contract has no input, of a likely one.

    That is the first that it takes at all, and is then the contract's. Where it takes none, it is
    the likeliest, and the last result says what each came to: input -> error.
    """
    contract = subject.contract
    if contract.input != []:
        question = Question.of(contract)
        return question, accepted_sizes(subject, question, deadline), {}
    tried = []
    for input in likely_inputs(subject.model):
        subject.contract = replace(contract, input=input)
        question = Question.of(subject.contract)
        found = accepted_sizes(subject, question, deadline)
        if any(path.trace.outcome == "accepted" for path in found.paths):
            return question, found, {}
        tried.append((subject.contract, question, found))
    subject.contract, question, found = tried[0]
    wrong = {shown(input_as_yaml(c.input)): f.paths[0].trace.error for c, _, f in tried}
    return question, found, wrong


def _wrong_guess(name: str, errors: dict[str, str]) -> str:
    if len(errors) == 1:
        tried, error = next(iter(errors.items()))
        tried = f"the input {tried}, which it does not take ({error})"
        return f"{name} was tried with {tried}; say --input"
    tried = "; ".join(f"{input} ({error})" for input, error in errors.items())
    return f"{name} was tried with several inputs, and takes none of them: {tried}; say --input"


def infer_verdict(
    contract: Contract, ref: ModelRef, *, root: Path, samples: int | None = None
) -> Verdict:
    """For a worker process: what ``ref`` accepts of the contract's input, as ``verdict.entry``.

    The promise plays no part, and the real model does not run.
    """
    start = time.monotonic()
    try:
        with resolve(ref, root) as source:
            found = infer_source(source, contract.input, contract.mode, contract.budget)
            entry = replace(found.entry(), model=ref.name)
    except ArchlintError as e:
        verdict = Verdict("error", message=str(e), details={"reason": str(e)})
    else:
        proof = Proof(entry.paths, entry.claims, entry.exact)
        verdict = Verdict("proved" if entry.exact else "tested", proof=proof, entry=entry)
    seconds = round(time.monotonic() - start, 3)
    return replace(verdict, contract=contract.id, model=ref.name, seconds=seconds)
