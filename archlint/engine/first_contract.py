"""What a model accepts, if its real runs agree: the job of ``archlint init``."""

from __future__ import annotations

from pathlib import Path

from archlint.contracts.contract import Contract, ModelRef
from archlint.contracts.verdict import Verdict
from archlint.engine.infer.acceptance import Acceptance
from archlint.engine.infer.confirm import DISAGREE
from archlint.engine.infer.infer import infer_verdict
from archlint.errors import ArchlintError
from archlint.models.targets import ModelSource


def first_contract(
    contract: Contract, ref: ModelRef, *, root: Path, samples: int | None = None
) -> Verdict:
    """As :func:`.infer_verdict`; an error if the real model contradicts it."""
    return infer_verdict(contract, ref, root=root, samples=samples, confirm=_agrees)


def _agrees(acceptance: Acceptance, source: ModelSource) -> None:
    for reason in acceptance.reasons:
        if reason.startswith(DISAGREE):
            raise ArchlintError(f"{source.name}: {reason.removeprefix(DISAGREE)}")
