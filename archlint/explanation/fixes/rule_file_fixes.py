"""Fixes in the rule file: promise what is true, or build the model with a switch it offers."""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from archlint.contracts.contract import Contract, ModelRef
from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.engine.describe.describe import describe
from archlint.engine.explore import Exploration
from archlint.engine.question import Question
from archlint.errors import ArchlintError, PhraseError
from archlint.explanation.fixes.proposal import Edit, Proposal
from archlint.explanation.fixes.source_edits import rule_file_edit
from archlint.models.targets import ModelSource, resolve
from archlint.symbolic.formula import conj
from archlint.symbolic.solver.solver import Solver, Unsolved

SWITCHES: tuple[dict[str, object], ...] = (
    {"dynamic_img_size": True},
    {"strict_img_size": False},
    {"dynamic_img_size": True, "dynamic_img_pad": True},
)
"""Arguments by which libraries let a model take more sizes, the smallest change first."""

_LONGEST = 200  # characters of a promise that a person wants to read


def narrowing(contract: Contract, source: ModelSource, found: Exploration) -> Iterator[Proposal]:
    """The promise restricted to the sizes that are accepted, in the rule file's words."""
    kind = contract.clause.kind
    if not found.covered or kind == "rejects":
        return
    deadline = time.monotonic() + contract.budget.seconds / 4
    question = Question.of(contract)
    true = conj(found.accepted, question.premise if kind == "any" else True)
    try:
        solver = Solver(found.names, found.box, deadline)
        if solver.find(true) is None:
            return
    except Unsolved:
        return
    said = describe(found.names, found.box, true, solver_deadline=deadline)
    if not said.exact or len(said.text) > _LONGEST:
        return
    words = said.text if said.text == "any size" else f"{kind} {said.text}"
    try:
        clause = parse_clause(words, "accepts")
    except PhraseError:
        return
    edit = None
    if contract.where is not None and len(contract.models) <= 1:
        place = contract.where
        edit = rule_file_edit(Path(place.file), place.line, "accepts", words)
    note = "the model stays as it is"
    if len(contract.models) > 1:
        note += "; the contract has other models too, so it takes a contract of its own"
    narrowed = replace(contract, clause=clause)
    yield Proposal(f"promise less: accepts: {words}", narrowed, source, edit, "", note, True)


def switches(contract: Contract, ref: ModelRef | None, root: Path) -> Iterator[Proposal]:
    """The model built with an argument of its own that lifts the limit."""
    if ref is None:
        return
    for kwargs in SWITCHES:
        if all(ref.kwargs.get(k) == v for k, v in kwargs.items()):
            continue
        try:
            source = resolve(replace(ref, kwargs={**ref.kwargs, **kwargs}), root)
        except ArchlintError:
            return
        if not _takes(source, ref, kwargs):
            continue
        said = ", ".join(f"{k}={v}" for k, v in kwargs.items())
        edit = None
        if ref.where is not None:
            shown = json.dumps({**ref.kwargs, **kwargs}).replace('"', "")
            value = f"{{target: {ref.target}, kwargs: {shown}}}"
            plain = not ref.kwargs and not ref.args
            edit = _model_edit(ref, value) if plain else None
        yield Proposal(f"build the model with {said}", contract, source, edit)


def _takes(source: ModelSource, ref: ModelRef, kwargs: dict[str, object]) -> bool:
    """Whether the target names these arguments (timm's pass them on, and building tells)."""
    if ref.target.startswith("timm:"):
        return True
    if not callable(source.maker):
        return False
    try:
        parameters = inspect.signature(source.maker).parameters
    except (TypeError, ValueError):
        return False
    return kwargs.keys() <= parameters.keys()


def _model_edit(ref: ModelRef, value: str) -> Edit | None:
    assert ref.where is not None
    return rule_file_edit(Path(ref.where.file), ref.where.line, ref.name, value)
