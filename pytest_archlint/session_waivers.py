"""Unused waivers and baseline entries that show only at the end of a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from archlint.contracts.contract import RuleFile
from archlint.contracts.verdict import Verdict
from archlint.errors import ArchlintError
from archlint.project.adoption import baseline, waiver_checks
from archlint.project.adoption.contract_case import case_of
from archlint.project.adoption.project_adoption import Adoption
from pytest_archlint.options import project_of
from pytest_archlint.outcome import shown

IDS = (waiver_checks.ID, baseline.ID)


def unused_entries(
    config: pytest.Config, records: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Records of verdicts on unused waivers and baseline entries that no single item could judge.

    ``records``: those of the session. For example, a waiver with a glob is unused if all models
    that match it satisfy the contract.
    """
    here = config.invocation_params.dir
    names = {str(r["file"]) for r in records if r["file"] and r["contract"] not in IDS}
    files = [here / name for name in sorted(names) if name.endswith((".yaml", ".yml"))]
    reported = {(r["contract"], r["file"], r["line"]) for r in records if r["contract"] in IDS}
    words = {(r["file"], r["contract"], r["model"]): r["word"] for r in records}
    unused: dict[Any, dict[str, Any]] = {}
    for file in files:
        root = project_of(file, config)
        has_baseline = (root / baseline.NAME).exists()
        if not has_baseline and b"waivers" not in file.read_bytes():
            continue
        for verdict in _of_file(file, root, words, config):
            name = shown(Path(verdict.file or ""), config)
            key = verdict.contract, name, verdict.line
            if key not in reported:
                unused[key] = dict(asdict(verdict), file=name, expected=False)
    return list(unused.values())


def _of_file(
    file: Path, root: Path, words: Mapping[tuple[str, str, str], str], config: pytest.Config
) -> list[Verdict]:
    from archlint.contracts.rulefile.load import load

    try:
        rules: RuleFile = load(file)
        adoption = Adoption.of(root)
    except (ArchlintError, OSError):  # reported when the tests were collected
        return []
    name = shown(file, config)
    results = {
        case_of(contract, ref.name): Verdict(words[name, contract.id, ref.name])
        for contract in rules.contracts
        for ref in contract.models
        if (name, contract.id, ref.name) in words
    }
    return adoption.unused([rules], results, complete=False)
