"""Which sizes does a model accept? Explores all sizes and describes the accepted ones."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from archlint.contracts.contract import ANY_SIZE_CLAUSE, Budget, Contract, Input, ModelRef
from archlint.contracts.verdict import Proof, Verdict
from archlint.engine.check_run import CheckRun
from archlint.engine.cost.parameters import parameters
from archlint.engine.describe.describe import describe
from archlint.engine.diagnosis.input_mismatch import inferred_mismatch
from archlint.engine.infer.acceptance import Acceptance
from archlint.engine.infer.confirm import confirmed
from archlint.engine.input_guess import explore_accepted_input
from archlint.engine.limited_run import limited_run
from archlint.errors import ArchlintError
from archlint.models.targets import ModelSource, resolve
from archlint.runtime.effort_clock import now

if TYPE_CHECKING:
    from torch import nn

    from archlint.engine.python_contracts import Shapes

PATHS = 128
WORDING = 10.0  # seconds for the description, after the exploration
GRACE = 5.0  # seconds that one trace may run past the budget


def infer(
    model: nn.Module | str,
    input: Shapes | None = None,
    *,
    mode: str = "eval",
    paths: int = PATHS,
    seconds: float = 60.0,
) -> Acceptance:
    """The sizes that ``model`` accepts: all of them and no others, if the result is exact.

    The real model runs at the smallest accepted sizes and at refused ones, unless it is large; if
    it disagrees, the result is not exact.

    Args:
        model: an ``nn.Module``, which is left unchanged, or a target such as ``"pkg.mod:factory"``.
        input: what ``forward`` gets, as in a rule file: ``"N 3 H W"``. By default the input that
            the model's library uses, or one that fits its first layers.
        mode: ``"eval"`` or ``"train"``.
        paths: how often the model runs on symbolic sizes, at most.
        seconds: the time limit; what is known by then is the result, which is then not exact.

    Returns:
        The accepted sizes and the output's shape. ``exact`` says whether all other sizes are
        refused; where not, ``reasons`` say why.

    Raises:
        ArchlintError: the model cannot be found or built, accepts none of the guessed inputs, or
            does not return control in time.
    """
    from archlint.engine.python_contracts import input_of, source_of

    parsed = input_of(input, mode)
    with source_of(model) as source:
        return infer_source(source, parsed, mode, Budget(paths, seconds), confirm=True)


def infer_source(
    source: ModelSource,
    input: Input,
    mode: str = "eval",
    budget: Budget | None = None,
    *,
    confirm: bool = False,
) -> Acceptance:
    """As :func:`infer`, for a model that is already located; an empty ``input`` is guessed.

    With ``confirm`` the real model runs too, as in :func:`infer`.
    """
    budget = budget or Budget(PATHS)
    contract = Contract("infer", input, ANY_SIZE_CLAUSE, mode=mode, budget=budget)
    start = time.monotonic()
    with limited_run(contract, source, WORDING + GRACE) as run:
        return _infer(run, start, confirm)


def _infer(run: CheckRun, start: float, confirm: bool) -> Acceptance:
    run, exploration = explore_accepted_input(run)
    ran = confirmed(run, exploration) if confirm else ()
    description = describe(
        exploration.names,
        exploration.box,
        exploration.accepted,
        solver_deadline=now() + WORDING,
    )
    return Acceptance(
        model=run.source.name,
        mode=run.contract.mode,
        input=run.contract.input,
        explored=exploration,
        description=description,
        seconds=time.monotonic() - start,
        ran=ran,
        mismatch=inferred_mismatch(run.contract.input, exploration, run.model),
        parameters=_parameters(run.model),
    )


def _parameters(model: nn.Module) -> int | None:
    """The number of parameters; ``None`` if the first call decides it."""
    try:
        return sum(p.numel() for own in parameters(model).values() for p in own)
    except ArchlintError:
        return None


def infer_verdict(
    contract: Contract,
    ref: ModelRef,
    *,
    root: Path,
    samples: int | None = None,
    confirm: Callable[[Acceptance, ModelSource], None] | None = None,
) -> Verdict:
    """For a worker process: what ``ref`` accepts of the contract's input, as ``verdict.entry``.

    The rest of the contract is ignored. With ``samples`` 0 the real model does not run. ``confirm``
    may raise ``ArchlintError`` if the result is not good enough.
    """
    return inferred_verdict(contract, ref.name, lambda: resolve(ref, root), samples, confirm)


def inferred_verdict(
    contract: Contract,
    name: str,
    open_source: Callable[[], AbstractContextManager[ModelSource]],
    samples: int | None = None,
    confirm: Callable[[Acceptance, ModelSource], None] | None = None,
) -> Verdict:
    """As :func:`infer_verdict`, for the model ``name`` that ``open_source`` locates."""
    start = time.monotonic()
    try:
        with open_source() as source:
            acceptance = infer_source(
                source, contract.input, contract.mode, contract.budget, confirm=samples != 0
            )
            if confirm is not None:
                confirm(acceptance, source)
            entry = replace(acceptance.entry(), model=name)
    except ArchlintError as e:
        verdict = Verdict("error", message=str(e), details={"reason": str(e)})
    else:
        proof = Proof(entry.paths, entry.claims, entry.exact)
        verdict = Verdict("proved" if entry.exact else "tested", proof=proof, entry=entry)
    seconds = round(time.monotonic() - start, 3)
    return replace(verdict, contract=contract.id, model=name, seconds=seconds)
