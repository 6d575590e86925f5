"""Waivers: which breaches they excuse, and which of them excuse nothing any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from archlint.contracts.contract import Contract, Waiver
from archlint.contracts.settings import shorten
from archlint.contracts.verdict import Verdict, Waived
from archlint.project.adoption.contract_case import Case, Decided, every, wanted

ID = "waiver"
"""What stands for the contract in a verdict on a waiver."""


def waive(verdict: Verdict, waivers: Sequence[Waiver], today: date) -> Verdict:
    """A breach with the first waiver that is still good; a note if all have expired."""
    mine = [w for w in waivers if covers(w, verdict.contract, verdict.model)]
    if verdict.word != "broken" or not mine:
        return verdict
    for waiver in mine:
        if waiver.until >= today:
            until = waiver.until.isoformat()
            note = f"waived until {until}: {waiver.reason}"
            return replace(verdict, waived=Waived(waiver.reason, until), note=note)
    last = max(mine, key=lambda w: w.until)
    place = f"{shorten(Path(last.where.file))}:{last.where.line}"
    note = f"the waiver at {place} expired on {last.until}: {last.reason}"
    return replace(verdict, note=note)


def covers(waiver: Waiver, contract: str, model: str) -> bool:
    """Whether a waiver is about a contract and a model of its rule file."""
    return fnmatchcase(contract, waiver.contract) and fnmatchcase(model, waiver.model)


def unneeded(
    waivers: Sequence[Waiver], contracts: Sequence[Contract], decided: Decided, severity: str
) -> Iterator[Verdict]:
    """A verdict on each waiver that this run shows to be in vain.

    ``contracts`` are all those of the rule file. A waiver is judged when everything that it is
    about was decided; one that is about nothing, when everything in the file was.
    """
    if severity == "off":
        return
    cases, all_cases = wanted(contracts), every(contracts)
    for waiver in waivers:
        mine = [c for c in cases if covers(waiver, *c[1:])]
        if not any(covers(waiver, *c[1:]) for c in all_cases):
            if all(c in decided for c in cases):
                message = "no contract and model in this file match it"
                yield _verdict(waiver, message, severity)
        elif mine and all(c in decided and bool(decided[c]) for c in mine):
            yield _verdict(waiver, f"no longer needed: {_held(mine, decided)}", severity)


def _held(cases: Sequence[Case], decided: Decided) -> str:
    if len(cases) == 1:
        return f"the contract is {decided[cases[0]].word}"
    return f"all {len(cases)} contracts and models that it is about hold"


def _verdict(waiver: Waiver, message: str, severity: str) -> Verdict:
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
            "to do": "remove the waiver",
        },
    )
