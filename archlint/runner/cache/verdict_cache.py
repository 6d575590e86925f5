"""Verdicts that were given before, and still stand.

The key of a verdict is all that is known before anything runs: the contract, the model, the
settings, the folders, Python, archlint and the installed packages. Beside the verdict stands what
it rests on among the user's files, which is only known once it has run; it must be as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archlint.contracts.verdict import Verdict
from archlint.runner.cache import store
from archlint.runner.cache.codec import canonical, decode, encode
from archlint.runner.cache.dependencies import CurrentFiles
from archlint.runner.cache.environment_key import said, signature

if TYPE_CHECKING:
    from archlint.contracts.contract import Contract, ModelRef

_KIND = "verdicts"
_WORDS = ("proved", "tested", "vacuous", "broken")
_SHARE = 0.5  # of its time budget: a verdict that took less did not depend on the clock


def key(
    contract: Contract, ref: ModelRef, root: Path, samples: int | None, decide: str, here: Path
) -> str:
    """The key of a verdict. ``decide`` names who decides; file names are told relative to ``here``.

    Where the contract stands in its file does not matter; ``TypeError`` for a contract that no
    rule file can hold.
    """
    folder = str((here / ref.where.file).resolve().parent) if ref.where else ""
    parts = [
        signature(),
        said(root),
        canonical(replace(contract, where=None, models=())),
        canonical(replace(ref, where=None)),
        canonical((folder, root, samples, decide, here)),
    ]
    return store.digest("\0".join(parts))


def recall(jobs: Sequence[Any], decide: str) -> dict[int, Verdict]:
    """The verdicts that still stand, by the index of their job (a ``Job`` of the workers)."""
    here = Path.cwd()
    now = CurrentFiles()
    found: dict[int, Verdict] = {}
    for index, job in enumerate(jobs):
        try:
            at = key(job.contract, job.ref, job.root, job.samples, decide, here)
            entry = store.read(job.root, _KIND, at)
            if entry is None or not now.stands(entry["rests"]):
                continue
            verdict = decode(entry["verdict"])
        except (TypeError, ValueError, KeyError, AttributeError, ImportError):
            continue
        if isinstance(verdict, Verdict) and verdict.word in _WORDS:
            found[index] = _placed(verdict, job.contract)
    if len(found) < len(jobs):
        for root in {job.root for job in jobs}:
            store.prune(root)
    return found


def keep(
    job: Any, verdict: Verdict, rests: Mapping[str, Any] | None, decide: str, here: Path
) -> None:
    """Keep the verdict on a job, unless another run might give another one.

    ``rests``: what it depends on, as ``Dependencies.to_json`` gives it. An error is
    checked again, and so is whatever took so long that its time budget may have had a part in it.
    """
    slow = verdict.seconds >= _SHARE * job.contract.budget.seconds
    if rests is None or verdict.word not in _WORDS or slow or verdict.entry is not None:
        return
    try:
        at = key(job.contract, job.ref, job.root, job.samples, decide, here)
        body = {"verdict": encode(verdict), "rests": rests}
    except TypeError:
        return
    store.write(job.root, _KIND, at, body)


def _placed(verdict: Verdict, contract: Contract) -> Verdict:
    """With the contract's line as it is now."""
    where = contract.where
    file, line = (where.file, where.line) if where else (None, None)
    return replace(verdict, file=file, line=line, cached=True)
