"""What a job is, as a key: two jobs with the same key have the same verdict.

The key takes in the contract, the model, the settings, Python, archlint, all installed packages
and every Python file of the project (which of them a model uses is only known once it has run).
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import distributions
from pathlib import Path

from archlint.contracts.job import Job
from archlint.contracts.settings import version


def keys(jobs: Sequence[Job]) -> list[str]:
    """The key of each job."""
    folders = {job: _folders(job) for job in dict.fromkeys(map(_place, jobs))}
    worlds = {place: _world(*roots) for place, roots in folders.items()}
    return [_key(job, worlds[_place(job)]) for job in jobs]


def _key(job: Job, world: str) -> str:
    contract = replace(job.contract, models=(), where=None)
    ref = replace(job.ref, where=None)
    return _digest([repr(contract), repr(ref), str(job.samples), world])


def _place(job: Job) -> tuple[Path, Path]:
    """The project, and the folder of a target that is a file (else the project again)."""
    name = job.ref.target.partition(":")[0]
    if not name.endswith(".py"):
        return job.root, job.root
    rules = Path(job.ref.where.file).parent if job.ref.where else job.root
    return job.root, (job.root / rules / name).parent.resolve()


def _folders(place: tuple[Path, Path]) -> list[Path]:
    root, other = place
    return [root] if other.is_relative_to(root) else [root, other]


def _world(*folders: Path) -> str:
    """Everything but the job: the same text as long as nothing changed that a verdict rests on."""
    installed = sorted(f"{d.metadata['Name']} {d.version}" for d in distributions())
    parts = [version(), sys.version, platform.platform(), *installed]
    for folder in (Path(__file__).parents[1], *folders):
        for file in _sources(folder):
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            parts.append(f"{file.relative_to(folder).as_posix()} {digest}")
    return _digest(parts)


def _sources(folder: Path) -> Iterator[Path]:
    """The Python files below ``folder``, without hidden folders and virtual environments."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(
            f
            for f in folders
            if not f.startswith(".")
            and f not in ("__pycache__", "node_modules")
            and not Path(place, f, "pyvenv.cfg").exists()
        )
        files = (Path(place, name) for name in sorted(names) if name.endswith(".py"))
        yield from (file for file in files if file.is_file())


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
