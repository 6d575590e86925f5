"""A digest of every Python file of a project, for verdicts whose dependencies are not recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from archlint.contracts.project_files import files_below
from archlint.runner.cache.store import digest

if TYPE_CHECKING:
    from archlint.contracts.job import Job


def source_folders(job: Job) -> list[Path]:
    """The project of a job, and the folder of its target if that is a file outside the project."""
    file = job.ref.target.partition(":")[0]
    if not file.endswith(".py"):
        return [job.root]
    rules = Path(job.ref.where.file).parent if job.ref.where else job.root
    folder = (job.root / rules / file).parent.resolve()
    return [job.root] if folder.is_relative_to(job.root) else [job.root, folder]


def digest_of_sources(folder: Path) -> str:
    """The digest of the names and contents of the Python files below ``folder``.

    Hidden folders, ``__pycache__``, ``node_modules`` and virtual environments are skipped.
    """
    lines = (
        f"{file.relative_to(folder).as_posix()} {digest(file.read_bytes())}\n"
        for file in files_below(folder)
        if file.suffix == ".py" and file.is_file()
    )
    return digest("".join(lines))
