"""The results of one run: what every report format is given."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from archlint.contracts.contract import Contract
from archlint.contracts.verdict import Verdict
from archlint.errors import Mistake, one_line


@dataclass(frozen=True)
class RunResults:
    """The verdicts of a run, and the mistakes of rule files that could not be read.

    ``base``: the folder that paths in machine-readable reports are relative to, the repository's.
    ``contracts``: those that were checked. ``strict``: a ``tested`` contract fails.
    """

    verdicts: Sequence[Verdict]
    mistakes: Sequence[Mistake]
    version: str
    base: Path
    contracts: Sequence[Contract] = ()
    strict: bool = False

    def path(self, file: str) -> str | None:
        """The file relative to ``base``, with slashes; ``None`` for a file outside it."""
        whole = Path(os.path.abspath(file))
        return whole.relative_to(self.base).as_posix() if whole.is_relative_to(self.base) else None

    def layer(self, verdict: Verdict) -> tuple[str, int] | None:
        """Path and line of the layer that fails, if it is the user's own code."""
        if verdict.at is None:
            return None
        file, _, line = verdict.at.source.rpartition(":")
        path = self.path(file) if file and line.isdecimal() else None
        installed = path is None or "site-packages" in path.split("/")
        return None if path is None or installed else (path, int(line))

    def level(self, verdict: Verdict) -> str | None:
        """``error`` fails the run, ``warning`` and ``note`` do not; ``None``: nothing to report."""
        if verdict.word == "proved":
            return None
        if verdict.waived:
            return "note"
        if verdict.word == "tested" and not self.strict:
            return "note"
        return "warning" if verdict.severity == "warning" else "error"


def sentence(verdict: Verdict) -> str:
    """The verdict's message and note on one line."""
    first = verdict.message.partition("\n")[0].strip() or f"the contract is {verdict.word}"
    return one_line("; ".join(filter(None, (first, verdict.note))))
