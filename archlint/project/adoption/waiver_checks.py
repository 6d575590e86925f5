"""Applies waivers to verdicts, and finds waivers that are not used any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from archlint.contracts.contract import Contract, Waiver
from archlint.contracts.settings import shorten
from archlint.contracts.suggestions import did_you_mean
from archlint.contracts.verdict import Verdict, Waived
from archlint.project.adoption.contract_case import Case, CaseVerdicts, all_cases, checked_cases

ID = "waiver"
"""The contract id in a verdict on a waiver."""


def apply_waivers(verdict: Verdict, waivers: Sequence[Waiver], today: date) -> Verdict:
    """A ``broken`` verdict, waived by the first matching waiver that has not expired.

    If all matching waivers have expired, the verdict only gets a note.
    """
    matching = [w for w in waivers if covers(w, verdict.contract, verdict.model)]
    if verdict.word != "broken" or not matching:
        return verdict
    for waiver in matching:
        if waiver.until >= today:
            until = waiver.until.isoformat()
            note = f"waived until {until}: {waiver.reason}"
            return replace(verdict, waived=Waived(waiver.reason, until), note=note)
    last = max(matching, key=lambda w: w.until)
    place = f"{shorten(Path(last.where.file))}:{last.where.line}"
    note = f"the waiver at {place} expired on {last.until}: {last.reason}"
    return replace(verdict, note=note)


def covers(waiver: Waiver, contract: str, model: str) -> bool:
    """Whether the waiver matches a contract id and a model name of its rule file."""
    return fnmatchcase(contract, waiver.contract) and fnmatchcase(model, waiver.model)


def unused_waivers(
    waivers: Sequence[Waiver], contracts: Sequence[Contract], results: CaseVerdicts, severity: str
) -> Iterator[Verdict]:
    """A verdict on each waiver that this run shows to be unused.

    ``contracts``: all those of the rule file. A waiver is judged if everything that it matches
    was checked; a waiver that matches nothing, if everything in the file was.
    """
    if severity == "off":
        return
    checked, everything = checked_cases(contracts), all_cases(contracts)
    for waiver in waivers:
        matching = [c for c in checked if covers(waiver, *c[1:])]
        if not any(covers(waiver, *c[1:]) for c in everything):
            if all(c in results for c in checked):
                hint = _near(waiver, everything)
                message = f"matches no contract and model in this file{hint}"
                to_do = "correct the waiver" if hint else "remove the waiver"
                yield _verdict(waiver, message, severity, to_do)
        elif matching and all(c in results and bool(results[c]) for c in matching):
            yield _verdict(waiver, f"no longer needed: {_why(matching, results)}", severity)


def _near(waiver: Waiver, cases: Sequence[Case]) -> str:
    """``; did you mean …?`` with a contract, or with one of the contract's models."""
    ids = [contract for _, contract, _ in cases]
    if not any(fnmatchcase(contract, waiver.contract) for contract in ids):
        return did_you_mean(waiver.contract, list(dict.fromkeys(ids)))
    models = [model for _, contract, model in cases if fnmatchcase(contract, waiver.contract)]
    return did_you_mean(waiver.model, list(dict.fromkeys(models)))


def _why(cases: Sequence[Case], results: CaseVerdicts) -> str:
    if len(cases) == 1:
        return f"the contract is {results[cases[0]].word}"
    return f"all {len(cases)} matching contracts and models hold"


def _verdict(
    waiver: Waiver, message: str, severity: str, to_do: str = "remove the waiver"
) -> Verdict:
    return Verdict(
        "broken",
        contract=ID,
        model=f"{waiver.contract} · {waiver.model}",
        file=waiver.where.file,
        line=waiver.where.line,
        message=message,
        severity=severity,
        details={
            "reason": message,
            "waived": f"until {waiver.until}: {waiver.reason}",
            "to do": to_do,
        },
    )
