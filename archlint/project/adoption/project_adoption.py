"""The waivers and the baseline of one project, applied to the verdicts of a run."""

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
from archlint.project.adoption.baseline import Baseline, KnownViolation
from archlint.project.adoption.contract_case import CaseVerdicts, all_cases, case_of, checked_cases
from archlint.project.adoption.waiver_checks import apply_waivers, covers, unused_waivers

TODAY = "ARCHLINT_TODAY"
"""The environment variable that replaces today's date, to see what fails later and for tests."""


@dataclass(frozen=True)
class Adoption:
    """The baseline of the project at ``root``, and how its waivers are judged.

    ``today``: the day that waivers are compared with. ``severity``: that of unused waivers. The
    waivers themselves are part of the rule files.
    """

    root: Path
    today: date
    baseline: Baseline
    severity: str = "error"

    @classmethod
    def of(cls, root: Path, use_baseline: bool = True) -> Adoption:
        """Load the adoption of the project at ``root``. Raises ``ArchlintError``."""
        path = root / baseline.NAME
        entries = baseline.read(path, str(shorten(path))) if use_baseline else {}
        return cls(root, today(), entries, unneeded_waivers(root / "pyproject.toml"))

    def apply(self, verdict: Verdict, rules: RuleFile) -> Verdict:
        """The verdict on a contract of ``rules``, marked if it is waived or in the baseline.

        A violation whose waiver has expired is not looked up in the baseline.
        """
        plain = replace(verdict, waived=None, note="")
        waived = apply_waivers(plain, rules.waivers, self.today)
        if waived.note:
            return waived
        return baseline.apply_baseline(plain, self._file(rules), self.baseline)

    def unused(
        self, files: Sequence[RuleFile], results: CaseVerdicts, complete: bool
    ) -> list[Verdict]:
        """Verdicts on the waivers and baseline entries that this run shows to be unused.

        ``results``: the verdicts of the run, on any part of ``files``. ``complete``: the project
        has no other rule files.
        """
        verdicts: list[Verdict] = []
        for rules in files:
            verdicts += unused_waivers(rules.waivers, rules.contracts, results, self.severity)
        outdated = self._outdated(files, results, complete)
        return verdicts + [baseline.outdated_verdict(entry, why) for entry, why in outdated]

    def updated_baseline(
        self, files: Sequence[RuleFile], results: CaseVerdicts, complete: bool
    ) -> list[KnownViolation]:
        """The baseline with the violations of this run; entries that it did not check stay."""
        entries = dict(self.baseline)
        for entry, _ in self._outdated(files, results, complete):
            del entries[entry.key]
        for rules in files:
            for contract in rules.contracts:
                for ref in contract.models:
                    verdict = results.get(case_of(contract, ref.name))
                    if verdict is None or verdict.word == "error":
                        continue
                    current = baseline.violation_of(verdict, self._file(rules))
                    entries.pop(current.key, None)
                    waived = any(covers(w, contract.id, ref.name) for w in rules.waivers)
                    if verdict.word == "broken" and verdict.severity == "error" and not waived:
                        entries[current.key] = current
        return list(entries.values())

    def _outdated(
        self, files: Sequence[RuleFile], results: CaseVerdicts, complete: bool
    ) -> list[tuple[KnownViolation, str]]:
        """The baseline entries whose contract holds or is gone, each with the reason."""
        by_name = {self._file(rules): rules for rules in files}
        outdated = []
        for entry in self.baseline.values():
            file, contract, model = entry.key
            rules = by_name.get(file)
            if rules is None:
                if complete:
                    outdated.append((entry, f"the rule file {file} no longer exists"))
                continue
            cases = [c for c in all_cases(rules.contracts) if c[1:] == (contract, model)]
            holding = [results[c] for c in cases if c in results and bool(results[c])]
            if holding:
                why = f"the violation no longer exists: the contract is {holding[0].word}"
                outdated.append((entry, why))
            elif not cases and all(c in results for c in checked_cases(rules.contracts)):
                outdated.append((entry, f"{file} no longer has this contract and model"))
        return outdated

    def _file(self, rules: RuleFile) -> str:
        path = rules.path.parent.resolve() / rules.path.name
        return (path.relative_to(self.root) if path.is_relative_to(self.root) else path).as_posix()


def today() -> date:
    """Today, or the date in ``ARCHLINT_TODAY``. Raises ``ArchlintError`` if it is not a date."""
    text = os.environ.get(TODAY)
    if not text:
        return date.today()
    from archlint.contracts.rulefile.waiver_reader import DATE_WORDS, as_date

    day = as_date(text)
    if day is None:
        raise ArchlintError(f"{TODAY}: found {text!r}; expected {DATE_WORDS}")
    return day
