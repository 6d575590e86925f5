"""Fixes in the rule file: a narrower contract, or other arguments of the model."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from archlint.contracts.accepted_set import clause_words
from archlint.contracts.contract import ModelRef
from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.engine.describe.describe import describe
from archlint.errors import ArchlintError, PhraseError
from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.edit import Edit
from archlint.explanation.fixes.proposal import Proposal
from archlint.explanation.fixes.source_edits import rule_file_edit
from archlint.models.targets import ModelSource, resolve
from archlint.runtime.effort_clock import now
from archlint.symbolic.formula import conj
from archlint.symbolic.solver.solver import Solver

ARGUMENTS: tuple[dict[str, object], ...] = (
    {"dynamic_img_size": True},
    {"strict_img_size": False},
    {"dynamic_img_size": True, "dynamic_img_pad": True},
)
"""Arguments with which models of libraries accept more sizes, the smallest change first."""

_LONGEST = 200  # characters of a readable contract


def narrowing(broken: BrokenContract) -> Iterator[Proposal]:
    """The contract restricted to the sizes that are accepted.

    Raises ``Unsolved`` if these are not known in time.
    """
    contract, exploration = broken.contract, broken.exploration
    kind = contract.clause.kind
    if not exploration.covered or kind == "rejects" or contract.clause.declared:
        return  # for ranges of a deployment tool, the advice is a box
    deadline = now() + contract.budget.seconds / 4
    premise = broken.run.question.premise if kind == "any" else True
    narrow = conj(broken.holding, premise)
    if Solver(exploration.names, exploration.box, deadline).find(narrow) is None:
        return
    names, box = exploration.names, exploration.box
    description = describe(names, box, narrow, solver_deadline=deadline)
    text = description.text
    if not description.exact or len(text) > _LONGEST:
        return
    words = clause_words(kind, text)
    try:
        clause = parse_clause(words, "accepts")
    except PhraseError:
        return
    edit = None
    if contract.where and not contract.annotated and len(contract.models) <= 1:
        place = contract.where
        edit = rule_file_edit(Path(place.file), place.line, "accepts", words)
    note = "the model is unchanged"
    if len(contract.models) > 1:
        note += "; the contract has other models, so this model needs its own contract"
    narrowed = replace(contract, clause=clause)
    title = f"narrow the contract: accepts: {words}"
    yield Proposal(title, narrowed, broken.source, _edits(edit), "", note, narrows=True)


def model_arguments(broken: BrokenContract, ref: ModelRef | None, root: Path) -> Iterator[Proposal]:
    """The model built with arguments of its own with which it accepts more sizes."""
    if ref is None:
        return
    for kwargs in ARGUMENTS:
        if all(ref.kwargs.get(k) == v for k, v in kwargs.items()):
            continue
        try:
            source = resolve(replace(ref, kwargs={**ref.kwargs, **kwargs}), root)
        except ArchlintError:
            return
        if not _takes(source, ref, kwargs):
            continue
        arguments = ", ".join(f"{k}={v}" for k, v in kwargs.items())
        edit = None
        if ref.where is not None:
            shown = json.dumps({**ref.kwargs, **kwargs}).replace('"', "")
            value = f"{{target: {ref.target}, kwargs: {shown}}}"
            plain = not ref.kwargs and not ref.args
            edit = _model_edit(ref, value) if plain else None
        yield Proposal(f"build the model with {arguments}", broken.contract, source, _edits(edit))


def _edits(edit: Edit | None) -> tuple[Edit, ...]:
    return () if edit is None else (edit,)


def _takes(source: ModelSource, ref: ModelRef, kwargs: dict[str, object]) -> bool:
    """Whether the target names these arguments (timm's factories pass any argument on)."""
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
