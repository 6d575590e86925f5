"""From what the structural checks say to the verdict, beside what was decided about sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from archlint.contracts.contract import Contract
from archlint.contracts.points import point_text
from archlint.contracts.verdict import At, Samples, Verdict
from archlint.engine.sampling.cross_check import Evidence
from archlint.engine.structure.checks import Inspected, inspect
from archlint.engine.structure.model_view import ModelView
from archlint.engine.structure.violation import Violation
from archlint.engine.verdicts import _shapes, told
from archlint.runtime.user_frames import shown_source
from archlint.tracing.module_stack import layer_name

MOST = 5  # lines under a label

Confirm = Callable[[dict[str, int]], Evidence]
"""Runs the real model at a size; the evidence says what came of it."""


def with_structure(
    verdict: Verdict, contract: Contract, seen: ModelView, cross_check: Confirm | None = None
) -> Verdict:
    """The verdict on sizes and structure together: the worse of the two.

    A violation at a size is confirmed by running the real model there.
    """
    if not contract.structure or verdict.word == "error" or (seen.explored and not seen.paths):
        return verdict
    found = inspect(contract.structure, seen)
    proof = replace(verdict.proof, claims=verdict.proof.claims + found.count)
    joined = _joined(replace(verdict, proof=proof), told(contract), found, seen, cross_check)
    printed = {k: v for k, v in verdict.details.items() if k == "printed"}
    return replace(joined, details=joined.details | printed)


def _joined(
    verdict: Verdict,
    said: dict[str, str],
    found: Inspected,
    seen: ModelView,
    cross_check: Confirm | None,
) -> Verdict:
    if found.errors:
        return _told(verdict, "error", said, "reason", found.errors)
    if verdict.word == "broken":
        lines = [*map(_line, found.violations), *found.vacuous, *found.open]
        return replace(verdict, details=verdict.details | _listed("structure", lines))
    if found.violations:
        return _broken(verdict, said, found.violations, seen, cross_check)
    if verdict.word == "vacuous":
        return verdict
    if found.vacuous:
        return _told(verdict, "vacuous", said, "reason", found.vacuous)
    if found.open:
        before = verdict.details.get("not proved", "").splitlines()
        word = "tested" if verdict.samples.run else "error"
        return _told(verdict, word, said, "not proved", (*before, *found.open))
    return verdict


def _told(
    verdict: Verdict, word: str, said: dict[str, str], label: str, lines: Sequence[str]
) -> Verdict:
    message = "; ".join(lines)
    message = f"not proved: {message}" if label == "not proved" else message
    covered = verdict.proof.covered and label != "not proved"
    proof = replace(verdict.proof, covered=covered)
    details = said | _listed(label, lines)
    return replace(verdict, word=word, message=message, details=details, proof=proof)


def _listed(label: str, lines: Sequence[str]) -> dict[str, str]:
    """The first lines under a label, and how many there are besides."""
    shown = list(lines[:MOST]) + ([f"and {len(lines) - MOST} more"] if len(lines) > MOST else [])
    return {label: "\n".join(shown)} if shown else {}


def _broken(
    verdict: Verdict,
    said: dict[str, str],
    violations: Sequence[Violation],
    seen: ModelView,
    cross_check: Confirm | None,
) -> Verdict:
    first = violations[0]
    details = dict(said)
    confirmed = None
    if first.sizes is not None:
        evidence = cross_check(dict(first.sizes)) if cross_check else Evidence(Samples())
        if evidence.against:
            message = f"the two engines disagree: {evidence.against}"
            please = "report this with the model: it is our mistake"
            told_ = {"reason": message, "please": please}
            return replace(verdict, word="error", message=message, details=told_)
        ran = evidence.violation
        how = "smallest" if verdict.proof.covered else "there may be smaller ones"
        if ran is None:
            how += "; not run" + (f": {evidence.unable}" if evidence.unable else "")
        elif first.shows or ran.error:
            confirmed = True
            said_ = ran.error or f"the output is {_shapes(ran.output)}"
            how += f"; confirmed by running: {said_}"
        else:
            how += "; the real model accepts it"
        details["fails at"] = f"{point_text(first.sizes)}   ({how})"
    at = At(first.module, first.op, first.source) if first.op or first.module else None
    if at is not None:
        layer = layer_name(seen.model, at.module) if at.module else ""
        place = f"{at.module or 'the model'}  {layer or at.op}"
        details["at"] = place + (f"     {shown_source(at.source)}" if at.source else "")
    details["needs"] = first.message
    if first.because:
        details["because"] = first.because
    details |= _listed("also", [_line(v) for v in violations[1:]])
    point = None if first.sizes is None else dict(first.sizes)
    return replace(
        verdict, word="broken", message=first.message, details=details, counterexample=point,
        confirmed=confirmed, at=at,
    )  # fmt: skip


def _line(violation: Violation) -> str:
    place = shown_source(violation.source) if violation.source else ""
    return violation.message + (f"     {place}" if place else "")
