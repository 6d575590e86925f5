"""Accepted sets as text, as JSON, and as a rule file."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from archlint.contracts.accepted_set import (
    AcceptedSet,
    OutputCase,
    Words,
    input_as_yaml,
    input_text,
    shown,
)
from archlint.contracts.size_text import size_text
from archlint.contracts.text_layout import counted, labelled

LABEL = 11  # columns
REFUSALS = 3  # that are shown where no size is accepted
CASES = 4  # outputs by sizes that are shown where no single formula describes them


def text(entries: Sequence[AcceptedSet]) -> str:
    """A block for each entry; modes with the same result share one."""
    blocks: list[tuple[AcceptedSet, list[str]]] = []
    for entry in entries:
        for first, modes in blocks:
            if replace(first, mode=entry.mode, refusals=entry.refusals) == entry:
                modes.append(entry.mode)
                break
        else:
            blocks.append((entry, [entry.mode]))
    return "\n\n".join("\n".join(_block(entry, modes)) for entry, modes in blocks)


def _block(entry: AcceptedSet, modes: Sequence[str]) -> list[str]:
    lines = {"accepts": _accepts(entry)}
    if not entry.exact:
        lines["not proved"] = entry.undecided
        lines["because"] = "\n".join(entry.reasons)
    if entry.exact and entry.accepts == "no size":
        lines["because"] = "\n".join(map(str, entry.refusals[:REFUSALS]))
    lines["input"] = entry.mismatch
    if entry.minimum:
        limit = "" if entry.exact else "   (of those proved)"
        lines["smallest"] = size_text(entry.minimum) + limit
    if entry.output is not None:
        lines["output"] = "\n".join(_runs(entry.output))
    elif len(entry.outputs) <= CASES:
        lines["output"] = "\n".join(map(_case, entry.outputs))
    word = "proved" if entry.exact else "checked"
    effort = counted(entry.paths, "path"), counted(entry.claims, "claim"), f"{entry.seconds:.2f} s"
    lines[word] = ", ".join(effort)
    lines["ran at"] = ", ".join(entry.ran)
    head = f"{entry.model}   {input_text(entry.input)}   {' and '.join(modes)}"
    return [head, *labelled(lines, LABEL)]


def _accepts(entry: AcceptedSet) -> str:
    if not entry.exact:
        if entry.accepts == "no size":
            return "no size is proved"
        return f"{entry.accepts}   (proved; there may be more)"
    if entry.accepts in ("any size", "no size"):
        return entry.accepts
    return f"{entry.accepts}   (and no other size)"


def _case(case: OutputCase) -> str:
    """The output at some sizes, also where a part of it is not a tensor."""
    return shown(case.output) + (f"   (at {case.where})" if case.where != "any size" else "")


def _runs(output: Words) -> list[str]:
    """One line; for a long list, one line for each run of equal items."""
    if not isinstance(output, list) or len(output) < 3:
        return [shown(output)]
    runs = [(len(list(same)), item) for item, same in groupby(map(shown, output))]
    return [f"{count} × {item}" if count > 1 else item for count, item in runs]


def as_json(entries: Sequence[AcceptedSet], version: str) -> str:
    """The entries as JSON. The keys are a stable interface, and always in this order."""
    models = [
        {
            "model": e.model,
            "mode": e.mode,
            "input": input_as_yaml(e.input),
            "exact": e.exact,
            "accepts": e.accepts,
            "smallest": e.minimum,
            "output": e.output,
            "undecided": e.undecided,
            "reasons": list(e.reasons),
            "refusals": [vars(r) for r in e.refusals],
            "proof": {"paths": e.paths, "claims": e.claims},
            "seconds": e.seconds,
            "ran": list(e.ran),
            "mismatch": e.mismatch,
        }
        for e in entries
    ]
    return json.dumps({"archlint": version, "models": models}, indent=2, allow_nan=False)


def rule_file(entries: Sequence[AcceptedSet]) -> str:
    """A rule file with a contract for each entry: ``only`` if it is exact, else ``any``."""
    import yaml

    contracts: list[dict[str, Any]] = []
    notes = ["# Written by archlint infer."]
    for entry in entries:
        contract = entry.contract(_id(entry), entry.model)
        if contract is None:
            notes.append(f"# {entry.model}, {entry.mode}: the result is not enough for a contract.")
            continue
        if not entry.exact:
            notes.append(f"# {entry.model}, {entry.mode}: not exact, it may accept more.")
        contracts.append(contract)
    rules = {"archlint": 1, "contracts": contracts}
    body = yaml.safe_dump(rules, sort_keys=False, allow_unicode=True, width=100)
    return "\n".join([*dict.fromkeys(notes), body])


def _id(entry: AcceptedSet) -> str:
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", entry.model.rpartition(":")[2]).strip("-") or "model"
    return name if entry.mode == "eval" else f"{name}-{entry.mode}"
