"""Verdicts of earlier runs that are still valid.

The key of a verdict covers everything that is known before a model runs: the contract, the model,
the settings, the folders, Python, archlint and the installed packages. What the verdict depends on
among the user's own files is only known afterwards; it is stored with the verdict, and the verdict
is valid as long as none of it has changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlint.contracts.verdict import Verdict
from archlint.runner.cache import store
from archlint.runner.cache.codec import canonical, decode, encode
from archlint.runner.cache.dependencies import CurrentFiles
from archlint.runner.cache.environment_key import archlint_settings, signature
from archlint.runner.cache.project_digest import digest_of_sources, source_folders

if TYPE_CHECKING:
    from archlint.contracts.contract import Contract
    from archlint.contracts.job import Job

_KIND = "verdicts"
_WORDS = ("proved", "tested", "vacuous", "broken")
_ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}")  # of an object, which is another one in each run
_SHARE = 0.5  # of its time budget: a verdict that took less did not depend on the clock


def job_key(job: Job, check: str, folder: Path) -> str:
    """The key of a job's verdict: equal keys mean the same question in the same environment.

    ``check`` names the function that checks the contract, as ``module:function``; ``folder`` is
    the one that file names in messages are relative to. Where the contract stands in its rule file
    does not matter. Raises ``TypeError`` for a contract that no rule file can contain.
    """
    contract, ref = job.contract, job.ref
    rules = str((folder / ref.where.file).resolve().parent) if ref.where else ""
    parts = [
        signature(),
        archlint_settings(job.root),
        canonical(replace(contract, where=None, models=())),
        canonical(replace(ref, where=None)),
        canonical((rules, job.root, job.samples, check, folder)),
    ]
    return store.digest("\0".join(parts))


def job_keys_with_sources(jobs: Sequence[Job], check: str) -> list[str | None]:
    """The key of each job together with all Python files of its project.

    For verdicts that are stored without their dependencies. ``None`` for a contract that no rule
    file can contain: its verdict cannot be reused.
    """
    sources = lru_cache(None)(digest_of_sources)
    here = Path.cwd()
    keys: list[str | None] = []
    for job in jobs:
        try:
            parts = [job_key(job, check, here), *map(sources, source_folders(job))]
        except TypeError:
            keys.append(None)
        else:
            keys.append(store.digest("\0".join(parts)))
    return keys


def cached_verdicts(jobs: Sequence[Job], check: str) -> dict[int, Verdict]:
    """The cached verdicts that are still valid, by the index of their job."""
    here = Path.cwd()
    files = CurrentFiles()
    verdicts: dict[int, Verdict] = {}
    for index, job in enumerate(jobs):
        try:
            entry = store.read(job.root, _KIND, job_key(job, check, here))
            if entry is None or not files.unchanged(entry["dependencies"]):
                continue
            verdict = decode(entry["verdict"])
        except (TypeError, ValueError, KeyError, AttributeError):
            continue
        if isinstance(verdict, Verdict) and verdict.word in _WORDS:
            verdicts[index] = replace(at_current_line(verdict, job.contract), cached=True)
    if len(verdicts) < len(jobs):
        for root in {job.root for job in jobs}:
            store.prune(root)
    return verdicts


def cache_verdict(
    job: Job, verdict: Verdict, dependencies: Mapping[str, Any] | None, check: str, folder: Path
) -> None:
    """Write the verdict on a job to the cache, unless another run might give another verdict.

    ``dependencies``: what the verdict depends on, as ``Dependencies.to_json`` returns it; ``None``
    if that is unknown. Not written: an error, a verdict without known dependencies, and one that
    took so long that its time budget may have affected it.
    """
    slow = verdict.seconds >= _SHARE * job.contract.budget.seconds
    other = verdict.entry is not None or job.contract.artifact is not None  # runtimes are no input
    if dependencies is None or verdict.word not in _WORDS or slow or other:
        return
    try:
        key = job_key(job, check, folder)
        body = {"verdict": encode(verdict), "dependencies": dependencies}
    except TypeError:
        return
    if not _ADDRESS.search(str(body["verdict"])):
        store.write(job.root, _KIND, key, body)


def at_current_line(verdict: Verdict, contract: Contract) -> Verdict:
    """The verdict of an earlier run with the line that the contract is on now.

    The lines of annotations are those that the verdict depends on.
    """
    if contract.annotated:
        return verdict
    where = contract.where
    file, line = (where.file, where.line) if where else (None, None)
    return replace(verdict, file=file, line=line)
