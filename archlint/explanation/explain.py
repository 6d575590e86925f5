"""Explains why a model accepts the sizes that it accepts, layer by layer and weight by weight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from archlint.contracts.contract import ANY_SIZE_CLAUSE, Budget, Contract, Input
from archlint.contracts.size_text import size_text
from archlint.engine.check_run import CheckRun
from archlint.engine.cost.model_cost import cost_of_run
from archlint.engine.describe.describe import Description, describe
from archlint.engine.diagnosis.input_mismatch import inferred_mismatch
from archlint.engine.example_sizes import common_sizes, parse_sizes
from archlint.engine.exploration import Exploration, ExploredPath
from archlint.engine.input_guess import explore_likely_input
from archlint.engine.limited_run import limited_run
from archlint.engine.reach.receptive_field import receptive_fields
from archlint.errors import ArchlintError
from archlint.explanation.explanation import Explanation, Step
from archlint.explanation.limiting_layers import limiting_layers
from archlint.explanation.path_rows import Row, back_to_input, folded, layer_text, rows
from archlint.explanation.relaxation import claims_at, layer_paths
from archlint.explanation.tied_weights import kinds, varying_ties
from archlint.models.targets import ModelSource
from archlint.runtime.effort_clock import now
from archlint.symbolic.formula import Bool, conj, holds, negate
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.fx_graph import tensors

if TYPE_CHECKING:
    from torch import nn

    from archlint.engine.python_contracts import Shapes

WORDING = 10.0  # seconds for descriptions, after the exploration


def explain(
    model: nn.Module | str,
    input: Shapes | None = None,
    *,
    at: str | Mapping[str, int] | None = None,
    mode: str = "eval",
    paths: int = 128,
    seconds: float = 60.0,
) -> Explanation:
    """Explain which sizes ``model`` accepts, and what happens at the sizes ``at``.

    Args:
        model: as for :func:`archlint.infer`, like ``input``, ``mode``, ``paths`` and ``seconds``.
        at: sizes, ``"256x256"`` for the last ones or ``{"H": 256, "W": 320}`` by name. By default
            common sizes that the model accepts.

    Returns:
        The layers with their sizes, what narrows the accepted sizes, and which weights depend on
        the input size. Its text is the report.

    Raises:
        ArchlintError: the model cannot be found or built, ``at`` does not fit the input, or it is
            not known whether the model accepts ``at``.
    """
    from archlint.engine.python_contracts import input_of, source_of

    parsed = input_of(input, mode)
    with source_of(model) as source:
        return explain_source(source, parsed, at, mode, Budget(paths, seconds))


def explain_source(
    source: ModelSource,
    input: Input,
    at: str | Mapping[str, int] | None = None,
    mode: str = "eval",
    budget: Budget | None = None,
    costs: bool = False,
) -> Explanation:
    """As :func:`explain`, for a model that is already located; an empty ``input`` is guessed.

    ``costs``: also what the model costs.
    """
    budget = budget or Budget(128)
    contract = Contract("explain", input, ANY_SIZE_CLAUSE, mode=mode, budget=budget)
    with limited_run(contract, source, 2 * WORDING) as start:
        run, exploration, _ = explore_likely_input(start)
        explanation = _explain(run, exploration, at)
        if costs and exploration.accepting:
            here = explanation.point if explanation.accepted else None
            with suppress(ArchlintError):  # no common sizes are accepted
                explanation = replace(explanation, cost=cost_of_run(run, exploration, here))
        return explanation


def _explain(
    run: CheckRun, exploration: Exploration, at: str | Mapping[str, int] | None
) -> Explanation:
    deadline = now() + WORDING
    run = replace(run, deadline=deadline)
    if at is not None:
        point: dict[str, int] | None = parse_sizes(exploration.names, at)
    else:
        point = common_sizes(exploration, deadline)
    path = exploration.path_at(point) if point is not None else None
    if path is None and point is not None and at is not None:
        path = _path_of(run, point)
    mismatch = inferred_mismatch(run.contract.input, exploration, run.model)
    if path is None or point is None:
        where = size_text(point or {}) or "any size"
        why = "; ".join(filter(None, (*exploration.reasons, mismatch))) or "sizes are at least 1"
        name = run.source.name
        raise ArchlintError(f"it is not known whether {name} accepts {where}: {why}")
    model = run.model
    every = claims_at(run, point)
    tied = varying_ties(run, exploration, point)
    branches = conj(*(e.formula for e in path.trace.path.events if e.kind == "branch"))
    all_rows = rows(path.trace, model, None)
    return Explanation(
        model=run.source.name,
        mode=run.contract.mode,
        input=run.contract.input,
        accepts=_described(exploration, exploration.accepted, deadline),
        covered=exploration.covered,
        reasons=tuple(exploration.reasons),
        mismatch=mismatch,
        point=point,
        requested=at is not None,
        path=path,
        paths=len(exploration.paths) + (path not in exploration.paths),
        condition="" if branches is True else _described(exploration, branches, deadline).text,
        steps=_steps(exploration, folded(path.trace, model), branches, deadline),
        unfolded=_steps(exploration, all_rows, branches, deadline),
        chain=_chain(path, point, model),
        limiting=limiting_layers(run, exploration),
        ties=tied,
        kinds=kinds(every.calls, model, tied),
        exploration=exploration,
        branches=branches,
        fields=tuple(fields for _, fields in receptive_fields(path.trace)),
    )


def _path_of(run: CheckRun, point: dict[str, int]) -> ExploredPath | None:
    """The path of one size, from a run of its own; ``None`` if that shows nothing about it."""
    if not holds(run.question.domain, point):
        return None
    trace = run.tracer.trace(point, run.question.box, run.question.domain)
    path = ExploredPath.of(trace)
    return path if holds(path.known, point) else None


def _described(exploration: Exploration, formula: Bool, deadline: float) -> Description:
    return describe(exploration.names, exploration.box, formula, solver_deadline=deadline)


def _steps(
    exploration: Exploration, rows: Sequence[Row], branches: Bool, deadline: float
) -> tuple[Step, ...]:
    """The rows, with a description of the accepted sizes where a row narrows them."""
    solver = Solver(exploration.names, exploration.box, deadline)
    solver.add(conj(exploration.region, branches))
    steps = []
    accepted: Bool = branches
    for row in rows:
        needed = conj(*(c.formula for c in row.claims))
        words = ""
        if needed is not True:
            accepted = conj(accepted, needed)
            try:
                if solver.find(negate(needed)) is not None:
                    solver.add(needed)
                    words = _described(exploration, accepted, deadline).text
            except Unsolved:
                words = "(not proved in time)"
        steps.append(Step(row, words))
    return tuple(steps)


def _chain(path: ExploredPath, point: Mapping[str, int], model: nn.Module) -> tuple[Row, ...]:
    """For a refused point: the calls from the input to the one that refuses it, each a row."""
    event = path.first_failed_claim(point)
    if event is None or event.call < 0:
        return ()
    chain: list[Row] = []
    each = {r.first: r for r in _single_calls(path, model)}
    for index in back_to_input(path.trace, path.trace.calls[event.call]):
        row = each[index]
        row.claims = [event] if index == event.call else []
        if row.claims or not chain or row.dims != chain[-1].dims:
            chain.append(row)
    return tuple(chain)


def _single_calls(path: ExploredPath, model: nn.Module) -> list[Row]:
    leaves = layer_paths(model)
    single = []
    for index, call in enumerate(path.trace.calls):
        made = tensors(call.result)
        dims = made[0].spec.dims if made else None
        kind = layer_text(model, call.module) if call.module else ""
        own = call.module in leaves
        single.append(Row(call.module, kind if own else call.op, call.source, index, index, dims))
    return single


__all__ = ["Explanation", "explain", "explain_source"]
