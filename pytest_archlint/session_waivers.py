"""What is waived in vain and only a whole session can tell: judged once the last test has run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from archlint.contracts.contract import RuleFile
from archlint.contracts.verdict import Verdict
from archlint.errors import ArchlintError
from archlint.project.adoption import baseline
from archlint.project.adoption import waiver_checks as waivers
from archlint.project.adoption.contract_case import case
from archlint.project.adoption.project_adoption import Adoption
from pytest_archlint.options import project_of
from pytest_archlint.outcome import shown

IDS = (waivers.ID, baseline.ID)


def stale(config: pytest.Config, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The verdicts that no single item could give, as the records of a session are.

    Such as: of all models that a glob in a waiver means, none breaks its contract any more.
    """
    here = config.invocation_params.dir
    named = {str(r["file"]) for r in records if r["file"] and r["contract"] not in IDS}
    files = [here / name for name in sorted(named) if name.endswith((".yaml", ".yml"))]
    told = {(r["contract"], r["file"], r["line"]) for r in records if r["contract"] in IDS}
    words = {(r["file"], r["contract"], r["model"]): r["word"] for r in records}
    found: dict[Any, dict[str, Any]] = {}
    for file in files:
        root = project_of(file, config)
        known = (root / baseline.NAME).exists()
        if not known and b"waivers" not in file.read_bytes():
            continue
        for verdict in _of_file(file, root, words, config):
            name = shown(Path(verdict.file or ""), config)
            key = verdict.contract, name, verdict.line
            if key not in told:
                found[key] = dict(asdict(verdict), file=name, expected=False)
    return list(found.values())


def _of_file(
    file: Path, root: Path, words: Mapping[tuple[str, str, str], str], config: pytest.Config
) -> list[Verdict]:
    from archlint.contracts.rulefile.load import load

    try:
        rules: RuleFile = load(file)
        adoption = Adoption.of(root)
    except (ArchlintError, OSError):  # it was read when the tests were collected
        return []
    name = shown(file, config)
    decided = {
        case(contract, ref.name): Verdict(words[name, contract.id, ref.name])
        for contract in rules.contracts
        for ref in contract.models
        if (name, contract.id, ref.name) in words
    }
    return adoption.stale([rules], decided, whole=False)
