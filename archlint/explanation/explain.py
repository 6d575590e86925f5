"""Why a model accepts the sizes that it accepts: layer by layer, and weight by weight."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archlint.contracts.contract import Budget, Contract, Input, SizeClause
from archlint.contracts.points import point_text
from archlint.engine.describe.describe import Description, describe
from archlint.engine.explore import Exploration, ExploredPath
from archlint.engine.infer.infer import explored
from archlint.engine.question import Question
from archlint.errors import ArchlintError
from archlint.explanation.limiting_layers import Without, lifting
from archlint.explanation.path_rows import Row, back_to_input, folded, layer_words, rows
from archlint.explanation.relaxation import layer_paths, needs_of
from archlint.explanation.tied_weights import Kind, Tie, kinds, ties
from archlint.models.targets import ModelSource
from archlint.runtime.deadline import TimeLimitReached, time_limit
from archlint.runtime.process_lock import PROCESS_LOCK
from archlint.runtime.process_state import preserve_process_state
from archlint.symbolic.formula import Bool, conj, holds, negate
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.fx_graph import tensors
from archlint.tracing.model_tracer import ModelTracer

if TYPE_CHECKING:
    from torch import nn

    from archlint.engine.python_contracts import Shapes

WORDING = 10.0  # seconds for the words of running sets and of sets without a layer
USUAL = (224, 256, 64, 32, 28, 16)


@dataclass(frozen=True)
class Step:
    """A row of the path, with the accepted sizes so far where it narrows them."""

    row: Row
    accepts: str = ""


@dataclass(frozen=True)
class Explanation:
    """The way of ``point`` from the input to the output, or to the layer that refuses it.

    ``accepts`` is the model's whole set. ``asked``: whether somebody asked for this very point.
    ``steps`` are folded to the top levels of modules, ``unfolded`` are not.
    """

    model: str
    mode: str
    input: Input
    accepts: Description
    covered: bool
    reasons: tuple[str, ...]
    point: dict[str, int]
    asked: bool
    path: ExploredPath
    paths: int
    condition: str
    steps: tuple[Step, ...]
    unfolded: tuple[Step, ...]
    chain: tuple[Row, ...]
    without: tuple[Without, ...]
    ties: tuple[Tie, ...]
    kinds: tuple[Kind, ...]

    @property
    def exact(self) -> bool:
        """Whether ``accepts`` is proved to be all that the model accepts."""
        return self.covered and self.accepts.exact

    @property
    def accepted(self) -> bool:
        """Whether the model accepts ``point``."""
        return holds(self.path.accepted, self.point)

    def text(self, *, verbose: bool = False, layer: str = "") -> str:
        """For people. ``verbose`` unfolds all modules, ``layer`` those that a glob matches."""
        from archlint.explanation.explanation_text import text

        return text(self, verbose, layer)

    def __str__(self) -> str:
        return self.text()


def explain(
    model: nn.Module | str,
    input: Shapes | None = None,
    *,
    at: str | Mapping[str, int] | None = None,
    mode: str = "eval",
    paths: int = 128,
    seconds: float = 60.0,
) -> Explanation:
    """Explain what ``model`` accepts; ``at`` (``"256x256"`` or sizes by name) is looked at closely.

    The other arguments are those of :func:`archlint.infer`. ``ArchlintError`` if the model cannot
    be found or built, or nothing can be said of ``at``.
    """
    from archlint.engine.python_contracts import contract_of, source_of

    given: Input = []
    if input is not None:
        given = contract_of(input=input, accepts="any size", mode=mode).input
    with source_of(model) as source:
        return explain_source(source, given, at, mode, Budget(paths, seconds))


def explain_source(
    source: ModelSource,
    input: Input,
    at: str | Mapping[str, int] | None = None,
    mode: str = "eval",
    budget: Budget | None = None,
) -> Explanation:
    """As :func:`explain`, for a model that is found; an empty ``input`` is to be guessed."""
    budget = budget or Budget(128)
    contract = Contract(
        "explain", input, SizeClause("any", True, "any size"), mode=mode, budget=budget
    )
    try:
        with (
            PROCESS_LOCK,  # waiting for another thread must not use up this one's time
            time_limit(budget.seconds + 2 * WORDING),
            preserve_process_state(),
        ):
            subject = ModelTracer(contract, source)
            question, found, _ = explored(subject, time.monotonic() + budget.seconds)
            return _explained(subject, question, found, at)
    except TimeLimitReached as e:
        late = f"{source.name} did not finish within {budget.seconds:g} s{e}"
        raise ArchlintError(late) from None


def _explained(
    subject: ModelTracer, question: Question, found: Exploration, at: str | Mapping[str, int] | None
) -> Explanation:
    until = time.monotonic() + WORDING
    point = sizes_at(question.names, at) if at is not None else usual_point(found)
    path = found.path_at(point) if point is not None else None
    if path is None or point is None:
        where = point_text(point or {}) or "any size"
        why = "; ".join(found.reasons)
        raise ArchlintError(f"nothing can be said of {subject.source.name} at {where}: {why}")
    model = subject.model
    needs = needs_of(subject, question.box, point)
    tied = ties(needs.each, model)
    branches = conj(*(e.formula for e in path.trace.path.events if e.kind == "branch"))
    return Explanation(
        model=subject.source.name,
        mode=subject.contract.mode,
        input=subject.contract.input,
        accepts=_said(found, found.accepted, until),
        covered=found.covered,
        reasons=tuple(found.reasons),
        point=point,
        asked=at is not None,
        path=path,
        paths=len(found.paths),
        condition="" if branches is True else _said(found, branches, until).text,
        steps=_steps(found, path, folded(path.trace, model), branches, until),
        unfolded=_steps(found, path, rows(path.trace, model, None), branches, until),
        chain=_chain(path, point, model),
        without=lifting(subject, question, found, until),
        ties=tied,
        kinds=kinds(needs.calls, model, tied),
    )


def sizes_at(names: Sequence[str], at: str | Mapping[str, int]) -> dict[str, int]:
    """``256x256`` for the last sizes in order, the others 1; or sizes by name (``H=5,W=7``)."""
    if not isinstance(at, str):
        given = dict(at)
    elif "=" in at:
        pairs = re.findall(r"(\w+)\s*=\s*(\d+)", at)
        given = {name: int(value) for name, value in pairs}
    else:
        numbers = [int(n) for n in re.findall(r"\d+", at)]
        given = dict(zip(names[len(names) - len(numbers) :], numbers, strict=False))
        if not numbers or len(numbers) > len(names):
            raise ArchlintError(f"{at!r} does not fit the sizes {', '.join(names) or '(none)'}")
    unknown = given.keys() - set(names)
    if unknown or (not given and names):
        raise ArchlintError(f"expected sizes for {', '.join(names)}, got {at!r}")
    return {name: given.get(name, 1) for name in names}


def usual_point(found: Exploration) -> dict[str, int] | None:
    """Accepted sizes such as people use, else the smallest accepted ones, else any decided ones."""
    for base in USUAL:
        point = {n: base if i else 1 for i, n in enumerate(found.names)}
        if found.accepts(point):
            return point
    solver = Solver(found.names, found.box, time.monotonic() + WORDING)
    solver.add(found.region)
    try:
        return solver.smallest(found.accepted) or solver.find(found.decided)
    except Unsolved:
        return None


def _said(found: Exploration, formula: Bool, until: float) -> Description:
    return describe(found.names, found.box, formula, solver_deadline=until)


def _steps(
    found: Exploration, path: ExploredPath, rows: Sequence[Row], branches: Bool, until: float
) -> tuple[Step, ...]:
    """The rows, with words for the accepted sizes wherever a row leaves fewer of them."""
    solver = Solver(found.names, found.box, until)
    solver.add(conj(found.region, branches))
    steps = []
    so_far: Bool = branches
    for row in rows:
        asked = conj(*(c.formula for c in row.claims))
        words = ""
        if asked is not True:
            so_far = conj(so_far, asked)
            try:
                if solver.find(negate(asked)) is not None:
                    solver.add(asked)
                    words = _said(found, so_far, until).text
            except Unsolved:
                words = "(not decided in time)"
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
    found = []
    for index, call in enumerate(path.trace.calls):
        made = tensors(call.result)
        dims = made[-1].spec.dims if made else None
        kind = layer_words(model, call.module) if call.module else ""
        own = call.module in leaves
        found.append(Row(call.module, kind if own else call.op, call.source, index, index, dims))
    return found


__all__ = ["Explanation", "Step", "Without", "explain", "explain_source", "sizes_at", "usual_point"]
