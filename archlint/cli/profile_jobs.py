"""Jobs of ``check --profile``: the ranges of a deployment tool's file, for some models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from archlint.cli.exit_codes import CannotRun
from archlint.cli.infer import read_input
from archlint.cli.select_jobs import read_rule_files

if TYPE_CHECKING:
    from archlint.contracts.contract import Contract, Input, ModelRef
    from archlint.contracts.job import Job
    from archlint.contracts.rulefile.ranges.declared import Profile
    from archlint.errors import Mistake


def profile_jobs(
    file: Path,
    form: str,
    input: Input | None,
    paths: Sequence[str],
    models: Sequence[str],
    samples: int | None,
) -> tuple[list[Job], list[Mistake]]:
    """A job for each profile of ``file`` and each model, and the mistakes in the file.

    ``models`` are targets, or names and globs of models in the rule files at ``paths``; by default
    the only model of these. ``input`` is that of the model; by default that of a comment which
    export-ranges wrote, else of the model's first contract that fits the profile, else the
    profile's own. Raises ``CannotRun`` or ``ArchlintError``.
    """
    from archlint.contracts.job import Job
    from archlint.contracts.rulefile.ranges.forms import read_profiles, stated_input
    from archlint.errors import RuleFileError

    try:
        profiles = read_profiles(file, form)
        input = input or read_input(stated_input(file) or None) or None
    except RuleFileError as e:
        return [], e.mistakes
    jobs = []
    for ref, root, contracts in _models(paths, models):
        for number, profile in enumerate(profiles, start=1):
            name = file.name if len(profiles) == 1 else f"{file.name}-{number}"
            contract = _contract(name, profile, input, contracts)
            jobs.append(Job(contract, ref, root, samples))
    return jobs, []


def _contract(
    name: str, profile: Profile, input: Input | None, contracts: Sequence[Contract]
) -> Contract:
    """The contract that all sizes of the profile are accepted."""
    from archlint.contracts.contract import Contract
    from archlint.contracts.rulefile.declared_clause import clause_of
    from archlint.contracts.rulefile.ranges.range_contract import contract_of_profile
    from archlint.engine.python_contracts import input_of
    from archlint.errors import ArchlintError

    inputs = [input] if input is not None else [c.input for c in contracts if c.input]
    error: ArchlintError | None = None
    for each in inputs:
        try:
            clause = clause_of([profile], each)
        except ArchlintError as e:
            error = error or e
            continue
        return Contract(name, each, clause, where=profile.where)
    if input is not None and error is not None:
        raise error
    try:
        words = contract_of_profile(profile).input
        own = input_of(words)
        clause = clause_of([profile], own)
        assert clause.declared is not None
        untyped = tuple(t.name for t in profile.tensors if not t.dtype)
        declared = replace(clause.declared, untyped=untyped)
        clause = replace(clause, declared=declared)
        return Contract(name, own, clause, where=profile.where)
    except ArchlintError as e:
        raise error or e from e


def _models(
    paths: Sequence[str], models: Sequence[str]
) -> list[tuple[ModelRef, Path, list[Contract]]]:
    """Each model with its project's root and its contracts."""
    from archlint.contracts.contract import ModelRef
    from archlint.contracts.settings import current_project

    targets = [m for m in models if ":" in m]
    patterns = [m for m in models if ":" not in m]
    root = current_project()
    found: list[tuple[ModelRef, Path, list[Contract]]] = []
    found += [(ModelRef(t, t), root, []) for t in targets]
    if targets and not patterns and not paths:
        return found
    named = _of_rule_files(paths)
    if not models:
        if len(named) != 1:
            names = ", ".join(list(named)[:20])
            raise CannotRun(f"state which model the profile is for, with --model: {names}")
        patterns = list(named)
    for pattern in patterns:
        matches = [n for n in named if fnmatchcase(n, pattern)]
        if not matches:
            from archlint.contracts.suggestions import pattern_hint

            hint = pattern_hint(pattern, list(named))
            raise CannotRun(f"no model matches {pattern!r}{hint}; or pass pkg.mod:factory")
        found += [named[n] for n in matches]
    return found


def _of_rule_files(paths: Sequence[str]) -> dict[str, tuple[ModelRef, Path, list[Contract]]]:
    """The models of rule files by name, with their root and contracts."""
    from archlint.contracts.settings import SettingsError, project_root
    from archlint.errors import RuleFileError

    try:
        files, mistakes = read_rule_files(paths)
    except SettingsError as e:
        raise CannotRun(f"{e}; or state the model with --model pkg.mod:factory") from e
    if mistakes:
        raise RuleFileError(mistakes)
    named: dict[str, tuple[ModelRef, Path, list[Contract]]] = {}
    for rules in files:
        root = project_root(rules.path.parent)
        for contract in rules.contracts:
            for ref in contract.models:
                named.setdefault(ref.name, (ref, root, []))[2].append(contract)
        for name, ref in rules.models.items():
            named.setdefault(name, (ref, root, []))
    return named
