"""What one project has agreed to live with, applied to the verdicts of a run."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from archlint.contracts.contract import RuleFile
from archlint.contracts.settings import shorten, unneeded_waivers
from archlint.contracts.verdict import Verdict
from archlint.errors import ArchlintError
from archlint.project.adoption import baseline
from archlint.project.adoption import waiver_checks as waivers
from archlint.project.adoption.baseline import Baseline, KnownViolation
from archlint.project.adoption.contract_case import Decided, case, every, wanted

TODAY = "ARCHLINT_TODAY"
"""The environment variable that stands in for the clock: what fails next month, and tests."""


@dataclass(frozen=True)
class Adoption:
    """The waivers of rule files are with the files; ``severity`` is that of a waiver in vain."""

    root: Path
    today: date
    known: Baseline
    severity: str = "error"

    @classmethod
    def of(cls, root: Path, use_baseline: bool = True) -> Adoption:
        """That of the project at ``root``. ``ArchlintError`` for what cannot be read."""
        path = root / baseline.NAME
        known = baseline.read(path, str(shorten(path))) if use_baseline else {}
        return cls(root, today(), known, unneeded_waivers(root / "pyproject.toml"))

    def adopted(self, verdict: Verdict, rules: RuleFile) -> Verdict:
        """A verdict on a contract of ``rules``, marked as waived if it is.

        An expired waiver is not made good by the baseline.
        """
        plain = replace(verdict, waived=None, note="")
        waived = waivers.waive(plain, rules.waivers, self.today)
        return waived if waived.note else baseline.known(plain, self._file(rules), self.known)

    def stale(self, files: Sequence[RuleFile], decided: Decided, whole: bool) -> list[Verdict]:
        """Verdicts on waivers and on entries of the baseline that this run shows to be in vain.

        ``decided`` has the verdicts of the run on any part of ``files``; ``whole``: the project
        has no other rule files.
        """
        found: list[Verdict] = []
        for rules in files:
            found += waivers.unneeded(rules.waivers, rules.contracts, decided, self.severity)
        found += [baseline.outdated(e, why) for e, why in self._outdated(files, decided, whole)]
        return found

    def updated(
        self, files: Sequence[RuleFile], decided: Decided, whole: bool
    ) -> list[KnownViolation]:
        """The entries of the baseline as they should be: those that this run has an answer to."""
        kept = dict(self.known)
        for entry, _ in self._outdated(files, decided, whole):
            del kept[entry.key]
        for rules in files:
            for contract in rules.contracts:
                for ref in contract.models:
                    verdict = decided.get(case(contract, ref.name))
                    if verdict is None or verdict.word == "error":
                        continue
                    now = baseline.violation(verdict, self._file(rules))
                    kept.pop(now.key, None)
                    waived = any(waivers.covers(w, contract.id, ref.name) for w in rules.waivers)
                    if verdict.word == "broken" and verdict.severity == "error" and not waived:
                        kept[now.key] = now
        return list(kept.values())

    def _outdated(
        self, files: Sequence[RuleFile], decided: Decided, whole: bool
    ) -> list[tuple[KnownViolation, str]]:
        """The entries whose contract holds or is gone, each with the reason."""
        by_name = {self._file(rules): rules for rules in files}
        found = []
        for entry in self.known.values():
            file, contract, model = entry.key
            rules = by_name.get(file)
            if rules is None:
                if whole:
                    found.append((entry, f"there is no rule file {file} any more"))
                continue
            cases = [c for c in every(rules.contracts) if c[1:] == (contract, model)]
            held = [decided[c] for c in cases if c in decided and bool(decided[c])]
            if held:
                found.append((entry, f"this breach is no more: the contract is {held[0].word}"))
            elif not cases and all(c in decided for c in wanted(rules.contracts)):
                found.append((entry, f"this contract and model are not in {file} any more"))
        return found

    def _file(self, rules: RuleFile) -> str:
        path = rules.path.parent.resolve() / rules.path.name
        return (path.relative_to(self.root) if path.is_relative_to(self.root) else path).as_posix()


def today() -> date:
    """The day, unless the environment says another. ``ArchlintError`` where that is none."""
    text = os.environ.get(TODAY)
    if not text:
        return date.today()
    from archlint.contracts.rulefile.waiver_reader import DATE_WORDS, as_date

    day = as_date(text)
    if day is None:
        raise ArchlintError(f"{TODAY} is {text!r}, expected {DATE_WORDS}")
    return day
