"""Adds the result of the structural checks to the verdict on the sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from archlint.contracts.contract import Contract
from archlint.contracts.verdict import At, Samples, Verdict
from archlint.engine.check_run import CheckRun
from archlint.engine.exploration import Exploration
from archlint.engine.sampling.cross_check import Evidence, cross_check_at
from archlint.engine.structure.checks import CheckResults, run_checks
from archlint.engine.structure.model_view import ModelView
from archlint.engine.structure.violation import Violation
from archlint.engine.verdicts import (
    broken_verdict,
    confirmation,
    contract_lines,
    disagreement_verdict,
)
from archlint.runtime.user_frames import shown_source
from archlint.tracing.module_stack import layer_name

MOST = 5  # lines under a label


def with_structure(
    verdict: Verdict, run: CheckRun, exploration: Exploration | None = None
) -> Verdict:
    """The verdict on sizes and structure together: the worse of the two.

    ``exploration`` is what ``verdict`` is about, if the model was run on symbolic sizes. A
    violation at a size is confirmed by running the real model there.
    """
    contract = run.contract
    explored_nothing = exploration is not None and not exploration.paths
    checks = contract.structure | ({"costs": contract.costs} if contract.costs else {})
    if not checks or verdict.word == "error" or explored_nothing:
        return verdict
    view = ModelView(run, exploration)
    results = run_checks(checks, view)
    proof = replace(verdict.proof, claims=verdict.proof.claims + results.count)
    joined = _joined(replace(verdict, proof=proof), results, run, exploration)
    printed = {k: v for k, v in verdict.details.items() if k == "printed"}
    return replace(joined, details=joined.details | printed)


def _joined(
    verdict: Verdict, results: CheckResults, run: CheckRun, exploration: Exploration | None
) -> Verdict:
    contract = run.contract
    if results.errors:
        return _as(verdict, "error", contract, "reason", results.errors)
    if verdict.word == "broken":
        lines = [*map(_line, results.violations), *results.vacuous, *results.open]
        return replace(verdict, details=verdict.details | _listed("structure", lines))
    if results.violations:
        return _broken(verdict, results.violations, run, exploration)
    if verdict.word == "vacuous":
        return verdict
    if results.vacuous:
        return _as(verdict, "vacuous", contract, "reason", results.vacuous)
    if results.open:
        before = verdict.details.get("not proved", "").splitlines()
        word = "tested" if verdict.samples.run else "error"
        return _as(verdict, word, contract, "not proved", (*before, *results.open))
    return verdict


def _as(
    verdict: Verdict, word: str, contract: Contract, label: str, lines: Sequence[str]
) -> Verdict:
    """The verdict with another word, and the lines that explain it under ``label``."""
    message = "; ".join(lines)
    message = f"not proved: {message}" if label == "not proved" else message
    covered = verdict.proof.covered and label != "not proved"
    proof = replace(verdict.proof, covered=covered)
    details = contract_lines(contract) | _listed(label, lines)
    return replace(verdict, word=word, message=message, details=details, proof=proof)


def _listed(label: str, lines: Sequence[str]) -> dict[str, str]:
    """The first lines under a label, and the number of the others."""
    shown = list(lines[:MOST]) + ([f"and {len(lines) - MOST} more"] if len(lines) > MOST else [])
    return {label: "\n".join(shown)} if shown else {}


def _broken(
    verdict: Verdict,
    violations: Sequence[Violation],
    run: CheckRun,
    exploration: Exploration | None,
) -> Verdict:
    first = violations[0]
    evidence = Evidence(Samples())
    if first.sizes is not None and exploration is not None and first.run:
        evidence = cross_check_at(dict(first.sizes), run, exploration)
        if evidence.disagreement:
            return disagreement_verdict(verdict, evidence)
    at = At(first.module, first.op, first.source) if first.op or first.module else None
    sized = first.sizes is not None
    return broken_verdict(
        verdict,
        run.contract,
        message=first.message,
        point=first.sizes,
        confirmation=confirmation(verdict.proof.covered and first.smallest, evidence, first.shows)
        if sized
        else (None, ""),
        at=at,
        layer=layer_name(run.model, first.module) if first.module else "",
        details={
            "reason": first.message,
            "because": first.because,
            **_listed("also", [_line(v) for v in violations[1:]]),
        },
    )


def _line(violation: Violation) -> str:
    place = shown_source(violation.source) if violation.source else ""
    return violation.message + (f"     {place}" if place else "")
