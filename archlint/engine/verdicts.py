"""Builds verdicts: the word that proof and real runs justify, the message, and the details."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from archlint.contracts.contract import Contract
from archlint.contracts.cost_budget import budgets_text
from archlint.contracts.nested import flow_text
from archlint.contracts.rulefile.structure_reader import structure_as_yaml
from archlint.contracts.size_text import size_text
from archlint.contracts.verdict import At, Proof, Verdict
from archlint.engine.diagnosis.diagnose import Diagnosis
from archlint.engine.diagnosis.input_mismatch import container_mismatch, input_mismatch
from archlint.engine.exploration import Exploration
from archlint.engine.prove import ProofAttempt, SizeViolation
from archlint.engine.sampling.cross_check import Evidence
from archlint.engine.sampling.input_values import KINDS
from archlint.engine.sampling.real_run import Outcome
from archlint.runtime.user_frames import shown_source

_MUST_BE_REFUSED = "must be refused, but is accepted"


def conclude(
    contract: Contract,
    exploration: Exploration,
    attempt: ProofAttempt,
    evidence: Evidence,
    diagnosis: Diagnosis | None,
) -> Verdict:
    """The verdict on the sizes. If proof and real runs disagree, it is an error of archlint."""
    claims = set().union(*(p.trace.path.claims for p in exploration.paths))
    covered = exploration.covered and not attempt.open
    proof = Proof(len(exploration.paths), len(claims), covered)
    verdict = _base(contract)("proved", proof=proof, samples=evidence.samples)
    if attempt.vacuous:
        message = f"no size satisfies {contract.clause.text!r}, so the contract checks nothing"
        return _with_reason(verdict, "vacuous", contract, message)
    returned = _no_tensors(exploration)
    if returned:
        message = f"the model returns {returned}; expected tensors, or a list or mapping of them"
        return _with_reason(verdict, "error", contract, message)
    if evidence.disagreement:
        return disagreement_verdict(verdict, evidence)
    if attempt.violation is not None:
        return _size_violation(verdict, contract, exploration, attempt, evidence, diagnosis)
    if evidence.broken is not None:
        return _broken_sample(verdict, contract, evidence.broken, evidence.expected, attempt)
    if covered and evidence.unable and not evidence.samples.run:
        return _not_confirmed(verdict, contract, evidence.unable)
    if covered:
        return replace(verdict, details=_not_run(evidence))
    return _not_proved(verdict, contract, attempt, evidence)


def _not_run(evidence: Evidence) -> dict[str, str]:
    """The largest sizes of the contract, if the real model did not run there."""
    if not evidence.samples.run or evidence.left_out is None:
        return {}
    return {"not run": f"{size_text(evidence.left_out)}, the largest sizes"}


def verdict_without_run(contract: Contract) -> Verdict:
    """The verdict before structural checks that need no run of the model."""
    return _base(contract)("proved", proof=Proof(covered=True))


def error_verdict(contract: Contract, message: str) -> Verdict:
    """The verdict where the check could not be made."""
    return _base(contract)("error", message=message, details={"reason": message})


def disagreement_verdict(verdict: Verdict, evidence: Evidence) -> Verdict:
    """The verdict where the real model contradicts the proof: a bug of archlint."""
    message = f"the proof and the real model disagree: {evidence.disagreement}"
    please = "report this with the model: it is a bug in archlint"
    details = {"reason": message, "please": please}
    return replace(verdict, word="error", message=message, details=details)


def broken_verdict(
    verdict: Verdict,
    contract: Contract,
    *,
    message: str,
    point: Mapping[str, int] | None,
    confirmation: tuple[bool | None, str] = (None, ""),
    at: At | None = None,
    layer: str = "",
    details: Mapping[str, str],
) -> Verdict:
    """``verdict`` as ``broken``: where the contract fails, in which layer, and why.

    ``point`` are the sizes at which it fails, ``confirmation`` is from :func:`confirmation`,
    ``layer`` names the layer ``at``. ``details`` are lines by label, empty ones left out.
    """
    confirmed, how = confirmation
    lines = contract_lines(contract, point)
    if point is not None:
        lines["fails at"] = f"{size_text(point)}   ({how})"
    if at is not None:
        place = "  ".join(p for p in (at.module or "the model", layer or at.op) if p)
        lines["at"] = place + (f"     {shown_source(at.source)}" if at.source else "")
    lines |= {label: text for label, text in details.items() if text}
    return replace(
        verdict, word="broken", message=message, details=lines, confirmed=confirmed, at=at,
        counterexample=None if point is None else dict(point),
    )  # fmt: skip


def confirmation(smallest: bool, evidence: Evidence, shows: bool = True) -> tuple[bool | None, str]:
    """Whether the real model confirmed a counterexample, and that in words.

    ``smallest``: it is proved that there is no smaller one. ``shows``: that the real model accepts
    the sizes confirms the violation too, because the output shows it.
    """
    how = "smallest" if smallest else "there may be smaller ones"
    outcome = evidence.violation
    if outcome is None:
        return None, f"{how}; not run" + (f": {evidence.unable}" if evidence.unable else "")
    if not shows and not outcome.error:
        return None, f"{how}; the real model accepts it"
    return True, f"{how}; confirmed by running: {_outcome_text(outcome)}"


def contract_lines(contract: Contract, point: Mapping[str, int] | None = None) -> dict[str, str]:
    """The contract and its reason in the author's words, by label.

    ``point``: a counterexample; of several declared profiles, only those with it are named.
    """
    lines = {
        "contract": _contract_text(contract),
        "declared": _declared_text(contract, point),
        "why": contract.why,
        "pack": contract.pack,
        "severity": contract.severity_reason and f"{contract.severity}: {contract.severity_reason}",
    }
    return {label: text for label, text in lines.items() if text}


def _size_violation(
    verdict: Verdict,
    contract: Contract,
    exploration: Exploration,
    attempt: ProofAttempt,
    evidence: Evidence,
    diagnosis: Diagnosis | None,
) -> Verdict:
    violation = attempt.violation
    assert violation is not None
    diagnosis = diagnosis or Diagnosis(None)
    point = size_text(violation.point)
    claim = diagnosis.claim or ""
    details = {"because": diagnosis.because}
    if violation.expected == "refused":
        message = f"{point} {_MUST_BE_REFUSED}"
        details = {"reason": _MUST_BE_REFUSED} | details
    elif violation.expected == "output":
        message = f"{point}: {claim}"
        details = {"reason": diagnosis.needs} | details
    else:
        message = f"{point} is refused" + (f": {claim}" if claim else "")
        needs = {"needs": diagnosis.needs} if diagnosis.needs else {"raises": claim}
        details = needs | details
    details["also"] = _other_violation(attempt.other)
    if violation.expected == "accepted":
        details["input"] = input_mismatch(
            contract.input, exploration, violation.path, violation.cause, diagnosis.layer
        )
    broken = broken_verdict(
        verdict,
        contract,
        message=message,
        point=violation.point,
        confirmation=confirmation(violation.smallest, evidence),
        at=diagnosis.at,
        layer=diagnosis.layer,
        details=details,
    )
    return replace(broken, claim=diagnosis.claim)


def _other_violation(other: SizeViolation | None) -> str:
    """The violation of another kind: sizes that are accepted with a wrong output, or refused."""
    if other is None:
        return ""
    cause = f": {other.cause.needs()}" if other.cause is not None else ""
    if other.expected == "output":
        return f"{size_text(other.point)} is accepted, but{cause.removeprefix(':')}"
    return f"{size_text(other.point)} is refused{cause}"


def _broken_sample(
    verdict: Verdict, contract: Contract, outcome: Outcome, expected: str, attempt: ProofAttempt
) -> Verdict:
    """A size at which the real model violates the contract, where nothing was proved."""
    what = _MUST_BE_REFUSED if expected == "refused" else _outcome_text(outcome)
    message = f"fails at {size_text(outcome.sizes)}: {what}"
    found = f"found by running {KINDS[outcome.values]}".strip()
    return broken_verdict(
        verdict,
        contract,
        message=message,
        point=outcome.sizes,
        confirmation=(True, f"{found}; there may be smaller ones"),
        at=At("", "", outcome.source) if outcome.source else None,
        details={
            "reason": _MUST_BE_REFUSED if expected == "refused" else "",
            "gives": outcome.error or shape_text(outcome.output),
            "input": container_mismatch(contract.input, outcome.error),
            "not proved": "\n".join(attempt.open),
        },
    )


def _not_proved(
    verdict: Verdict, contract: Contract, attempt: ProofAttempt, evidence: Evidence
) -> Verdict:
    """``tested`` where real runs found no violation, ``error`` where there were none."""
    reasons = attempt.open or ("not every size was covered",)
    message = f"not proved: {'; '.join(reasons)}"
    details = contract_lines(contract) | {"not proved": "\n".join(reasons)}
    if evidence.samples.run:
        return replace(verdict, word="tested", message=message, details=details)
    unable = evidence.unable or "sampling is off"
    if unable not in message:
        message += f"; and no size was run ({unable})"
        details["not run"] = unable
    return replace(verdict, word="error", message=message, details=details)


def _not_confirmed(verdict: Verdict, contract: Contract, unable: str) -> Verdict:
    """``tested``: every size was covered, but no run of the real model says the same."""
    reason = f"the real model could not be run at any size: {unable}"
    details = contract_lines(contract) | {"not proved": reason}
    proof = replace(verdict.proof, covered=False)
    message = f"not proved: {reason}"
    return replace(verdict, word="tested", message=message, details=details, proof=proof)


def _with_reason(verdict: Verdict, word: str, contract: Contract, message: str) -> Verdict:
    details = contract_lines(contract) | {"reason": message}
    return replace(verdict, word=word, message=message, details=details)


def _no_tensors(exploration: Exploration) -> str:
    """What an accepted run returns, if that is neither a tensor nor a structure of tensors."""
    outputs = [p.trace.output for p in exploration.accepting]
    kinds = [o for o in outputs if o is None or isinstance(o, str)]
    return ("None" if kinds[0] is None else f"a {kinds[0]}") if kinds else ""


def _base(contract: Contract) -> Callable[..., Verdict]:
    where = contract.where
    file, line = (where.file, where.line) if where else (None, None)
    return partial(Verdict, contract=contract.id, file=file, line=line, severity=contract.severity)


# -- text ----------------------------------------------------------------------------------------


def _contract_text(contract: Contract) -> str:
    parts = []
    if contract.clause.kind != "none":
        parts.append(f"{contract.clause.key} {contract.clause.text}")
    if contract.output is not None:
        text = flow_text(contract.output, lambda t: t.text or " ".join(map(str, t.dims)))
        parts.append(f"output {text}")
    if contract.structure:
        parts.append(f"structure {structure_as_yaml(contract.structure)}")
    if contract.costs:
        parts.append(f"costs {budgets_text(contract.costs)}")
    return "   ".join(parts)


def _declared_text(contract: Contract, point: Mapping[str, int] | None) -> str:
    declared = contract.clause.declared
    if declared is None:
        return ""
    read_as = f"; {declared.read_as}" if declared.read_as else ""
    return f"{declared.places(point)}   ({declared.form}{read_as})"


def _outcome_text(outcome: Outcome) -> str:
    return outcome.error or f"the output is {shape_text(outcome.output)}"


def shape_text(output: object) -> str:
    """Shapes as they stand in a rule file: ``1 10``, ``[1 8, 1 8]``, ``{out: 1 21 8 8}``."""
    return flow_text(output, _part_text)


def _part_text(part: object) -> str:
    if isinstance(part, tuple):
        return " ".join(map(str, part)) or "a scalar"
    return "nothing" if part is None else f"a {part}"
