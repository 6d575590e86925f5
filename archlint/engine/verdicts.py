"""The verdict: one word, earned by what was decided and what ran, and the lines that explain it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from archlint.contracts.contract import Contract, Output, TensorOutput
from archlint.contracts.points import point_text
from archlint.contracts.rulefile.structure_reader import structure_as_yaml
from archlint.contracts.verdict import Proof, Verdict
from archlint.engine.diagnosis.diagnose import Diagnosis
from archlint.engine.explore import Exploration
from archlint.engine.prove import ProofAttempt, SizeViolation
from archlint.engine.sampling.cross_check import Evidence
from archlint.runtime.user_frames import shown_source


def conclude(
    contract: Contract,
    found: Exploration,
    finding: ProofAttempt,
    evidence: Evidence,
    diagnosis: Diagnosis | None,
) -> Verdict:
    """Weigh decision against evidence. A disagreement is an error of archlint's own."""
    claims = set().union(*(w.trace.path.claims for w in found.paths))
    proof = Proof(len(found.paths), len(claims), found.covered and not finding.open)
    base = _base(contract)
    if finding.vacuous:
        message = f"no size satisfies {contract.clause.text!r}: the promise says nothing"
        details = told(contract) | {"reason": message}
        return base("vacuous", message=message, proof=proof, details=details)
    returned = _no_tensors(found)
    if returned:
        message = f"the model returns {returned}; expected tensors, or a list or mapping of them"
        details = told(contract) | {"reason": message}
        return base("error", message=message, proof=proof, details=details)
    if evidence.against:
        message = f"the two engines disagree: {evidence.against}"
        details = {"reason": message, "please": "report this with the model: it is our mistake"}
        return base(
            "error", message=message, proof=proof, samples=evidence.samples, details=details
        )
    if finding.violation is not None:
        return _broken(contract, finding.violation, evidence, diagnosis, proof)
    if evidence.broken is not None:
        point = evidence.broken.sizes
        message = f"fails at {point_text(point)}: {evidence.broken.error or evidence.broken.output}"
        details = told(contract) | {
            "fails at": f"{point_text(point)}   (found by running; there may be smaller ones)",
            "gives": evidence.broken.error or _shapes(evidence.broken.output),
            "not decided": "\n".join(finding.open),
        }
        return base(
            "broken", counterexample=point, confirmed=True, message=message, proof=proof,
            samples=evidence.samples, details=details,
        )  # fmt: skip
    if proof.covered:
        return base("proved", message="", proof=proof, samples=evidence.samples)
    reasons = "; ".join(finding.open) or "the region was not covered"
    why_not = "\n".join(finding.open) or reasons
    if evidence.samples.run:
        message = f"not proved: {reasons}"
        details = told(contract) | {"not proved": why_not}
        return base(
            "tested", message=message, proof=proof, samples=evidence.samples, details=details
        )
    why = evidence.unable or "sampling is off"
    message = f"could not be decided: {reasons}"
    details = told(contract) | {"not decided": why_not}
    if why not in reasons:
        message += f"; and no size was run ({why})"
        details["no sample"] = why
    return base("error", message=message, proof=proof, details=details)


def _no_tensors(found: Exploration) -> str:
    """What an accepted run returns, if that is neither a tensor nor a structure of them."""
    outputs = [w.trace.output for w in found.paths if w.trace.outcome == "accepted"]
    kinds = [o for o in outputs if o is None or isinstance(o, str)]
    return ("None" if kinds[0] is None else f"a {kinds[0]}") if kinds else ""


def verdict_without_run(contract: Contract) -> Verdict:
    """The verdict before its structural checks, where these need no run of the model."""
    return _base(contract)("proved", proof=Proof(covered=True))


def error_verdict(contract: Contract, message: str) -> Verdict:
    """The verdict where nothing could be decided."""
    return _base(contract)("error", message=message, details={"reason": message})


def _broken(
    contract: Contract,
    violation: SizeViolation,
    evidence: Evidence,
    diagnosis: Diagnosis | None,
    proof: Proof,
) -> Verdict:
    how = "smallest" if violation.smallest else "there may be smaller ones"
    outcome = evidence.violation
    if outcome is None:
        confirmed = None
        how += f"; not run: {evidence.unable}" if evidence.unable else "; not run"
    elif outcome.accepted:
        confirmed = True
        how += "; confirmed by running"
        how += f": the output is {_shapes(outcome.output)}"
    else:
        confirmed = True
        how += f"; confirmed by running: {outcome.error}"
    details = told(contract) | {"fails at": f"{point_text(violation.point)}   ({how})"}
    at = diagnosis.at if diagnosis else None
    if at is not None and diagnosis is not None:
        place = "  ".join(p for p in (at.module or "the model", diagnosis.layer or at.op) if p)
        details["at"] = place + (f"     {shown_source(at.source)}" if at.source else "")
    if violation.expected == "refused":
        details["needs"] = "to be refused, and is accepted"
    elif diagnosis is not None and diagnosis.needs:
        details["needs"] = diagnosis.needs
    elif diagnosis is not None and diagnosis.claim:
        details["raises"] = diagnosis.claim
    if diagnosis is not None and diagnosis.because:
        details["because"] = diagnosis.because
    message = _message(violation, diagnosis)
    return _base(contract)(
        "broken",
        counterexample=violation.point,
        confirmed=confirmed,
        at=at,
        claim=diagnosis.claim if diagnosis else None,
        message=message,
        proof=proof,
        samples=evidence.samples,
        details=details,
    )


def _message(violation: SizeViolation, diagnosis: Diagnosis | None) -> str:
    point = point_text(violation.point)
    if violation.expected == "refused":
        return f"{point} is accepted, against the promise"
    what = "gives another output" if violation.expected == "output" else "is refused"
    claim = f": {diagnosis.claim}" if diagnosis and diagnosis.claim else ""
    return f"{point} {what}{claim}"


def _base(contract: Contract) -> Callable[..., Verdict]:
    where = contract.where
    file, line = (where.file, where.line) if where else (None, None)
    return partial(Verdict, contract=contract.id, file=file, line=line, severity=contract.severity)


def told(contract: Contract) -> dict[str, str]:
    """What was promised, and why, in the author's words."""
    told = {
        "promised": _promise(contract),
        "why": contract.why,
        "pack": contract.pack,
        "severity": contract.severity_reason and f"{contract.severity}: {contract.severity_reason}",
    }
    return {label: text for label, text in told.items() if text}


def _promise(contract: Contract) -> str:
    said = []
    if contract.clause.kind != "none":
        kind = "rejects" if contract.clause.kind == "rejects" else "accepts"
        said.append(f"{kind} {contract.clause.text}")
    if contract.output is not None:
        said.append(f"output {_output_text(contract.output)}")
    if contract.structure:
        said.append(f"structure {structure_as_yaml(contract.structure)}")
    return "   ".join(said)


def _output_text(output: Output) -> str:
    if isinstance(output, TensorOutput):
        return output.text or " ".join(map(str, output.dims))
    if isinstance(output, list):
        return "[" + ", ".join(map(_output_text, output)) + "]"
    return "{" + ", ".join(f"{k}: {_output_text(v)}" for k, v in output.items()) + "}"


def _shapes(output: object) -> str:
    """Shapes as they stand in a rule file: ``1 10``, ``[1 8, 1 8]``, ``{out: 1 21 8 8}``."""
    if isinstance(output, tuple):
        return " ".join(map(str, output)) or "a scalar"
    if isinstance(output, list):
        return "[" + ", ".join(map(_shapes, output)) + "]"
    if isinstance(output, dict):
        return "{" + ", ".join(f"{k}: {_shapes(v)}" for k, v in output.items()) + "}"
    return "nothing" if output is None else f"a {output}"
