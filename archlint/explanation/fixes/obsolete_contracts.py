"""Contracts that state what a model accepts, where a fix makes it accept more.

``accepts: only P`` becomes obsolete when the model accepts sizes outside of P, and ``rejects: any
P`` when it accepts a part of P. Both are restated with the fix, so that they hold again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from archlint.contracts.accepted_set import clause_words
from archlint.contracts.contract import Budget, Contract
from archlint.contracts.rulefile.load import loads
from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.engine.describe.describe import describe
from archlint.engine.infer.infer import infer_source
from archlint.engine.pipeline import check_source
from archlint.errors import ArchlintError, PhraseError, RuleFileError
from archlint.explanation.fixes.edit import Edit
from archlint.explanation.fixes.source_edits import rule_file_edit
from archlint.models.targets import ModelSource
from archlint.runtime.effort_clock import now
from archlint.symbolic.formula import conj, negate
from archlint.symbolic.solver.solver import Solver, Unsolved

Update = tuple[Contract, str]
"""A contract and the words of its new clause: ``only H, W >= 32``."""

_PATHS = 128
_LONGEST = 200  # characters of a readable clause
_WORDING = 10.0  # seconds for the description


def restatable(contract: Contract) -> bool:
    """Whether the contract states a set of sizes in a rule file, in a line of its own."""
    clause = contract.clause
    own = contract.where is not None and not contract.pack and not contract.annotated
    return own and clause.kind in ("only", "rejects") and clause.declared is None


def restated(contract: Contract, source: ModelSource) -> str:
    """The words of the clause with which the contract holds for a model that accepts more.

    Empty if there are none: the model does not accept all that ``only`` states, no size is refused
    any more, its set is not exact, or the contract fails for another reason.
    """
    clause = contract.clause
    budget = Budget(_PATHS, contract.budget.seconds)
    try:
        if clause.kind == "only":  # all that it accepted must be accepted still
            widened = replace(contract, clause=replace(clause, kind="any"))
            if check_source(widened, source, samples=0).word != "proved":
                return ""
        acceptance = infer_source(source, contract.input, contract.mode, budget)
        if not acceptance.exact:
            return ""
        explored, text = acceptance.explored, acceptance.text
        if clause.kind == "rejects":
            refused = conj(clause.region, negate(explored.accepted))
            deadline = now() + _WORDING
            if Solver(explored.names, explored.box, deadline).find(refused) is None:
                return ""
            description = describe(explored.names, explored.box, refused, solver_deadline=deadline)
            if not description.exact:
                return ""
            text = description.text
    except (ArchlintError, Unsolved):
        return ""
    kind = "any" if clause.kind == "rejects" else "only"
    words = clause_words(kind, text)
    return words if len(words) <= _LONGEST and holds_with(contract, source, words) else ""


def holds_with(contract: Contract, source: ModelSource, words: str) -> bool:
    """Whether the contract is proved with a clause of these words."""
    try:
        clause = parse_clause(words, contract.clause.key)
        return check_source(replace(contract, clause=clause), source, samples=0).word == "proved"
    except (ArchlintError, PhraseError):
        return False


def with_updates(edit: Edit, updates: Sequence[Update]) -> tuple[Edit, tuple[Edit, ...]] | None:
    """``edit``, and the edits of rule files that write the new clauses.

    Where ``edit`` changes the rule file itself, it includes them. ``None`` if a rule file cannot be
    changed, or would then not read as it must.
    """
    edits = {edit.file.resolve(): edit}
    for contract, words in updates:
        assert contract.where is not None
        file = Path(contract.where.file)
        before = edits.get(file.resolve())
        content = before.after if before else None
        line = contract.where.line
        changed = rule_file_edit(file, line, contract.clause.key, words, content)
        if changed is None or not _reads(changed, contract.id, words):
            return None
        edits[file.resolve()] = replace(changed, before=before.before) if before else changed
    first = edits.pop(edit.file.resolve())
    return first, tuple(edits.values())


def _reads(edit: Edit, id: str, words: str) -> bool:
    """Whether only the clause of the contract ``id`` differs, and is ``words``."""
    try:
        before, after = (
            {c.id: c.clause.text for c in loads(text.decode(), str(edit.file)).contracts}
            for text in (edit.before, edit.after)
        )
    except (RuleFileError, UnicodeDecodeError):
        return False
    return after == {**before, id: after[id]} and after[id].split() == words.split()
