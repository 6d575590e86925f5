"""A job: one contract to check for one model. Runner, project and command line exchange these."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from archlint.contracts.contract import Contract, ModelRef
from archlint.contracts.verdict import Verdict


@dataclass(frozen=True)
class Job:
    """One contract for one model.

    ``root``: the project's root folder. ``samples``: how often the real model runs (0: never;
    ``None``: as the contract says). ``cacheable``: the verdict goes into the cache, together with
    the files, folders and imports that it depends on.
    """

    contract: Contract
    ref: ModelRef
    root: Path
    samples: int | None = None
    cacheable: bool = False

    def error(self, message: str, printed: str = "") -> Verdict:
        """The ``error`` verdict of a job that could not be checked.

        ``printed`` is the last output of the model's own code.
        """
        where = self.contract.where
        return Verdict(
            "error",
            contract=self.contract.id,
            model=self.ref.name,
            file=where.file if where else None,
            line=where.line if where else None,
            message=message,
            severity=self.contract.severity,
            details={"reason": message} | ({"printed": printed} if printed else {}),
        )
