"""The files of a git revision in a temporary folder; the repository itself is only read."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from archlint.contracts.job import Job
from archlint.contracts.project_files import FolderCopy
from archlint.errors import ArchlintError
from archlint.runtime.import_path import python_path_of_new_processes


@dataclass(frozen=True)
class Revision(FolderCopy):
    """A git revision: the repository's folder, and ``copy``, that of the revision's files."""

    def job(self, job: Job) -> Job:
        """The same job on the revision's files."""
        ref = replace(job.ref, where=self.location(job.ref.where))
        return replace(job, ref=ref, root=self.path(job.root))

    @contextmanager
    def importable(self, jobs: Iterable[Job]) -> Iterator[None]:
        """A context in which new processes import the revision's packages.

        A package of the repository that is installed in place, as by ``pip install -e``, would
        otherwise be that of the working copy.
        """
        places = dict.fromkeys(str(self.path(f)) for f in _folders_of_packages(jobs))
        with python_path_of_new_processes(places):
            yield


def _folders_of_packages(jobs: Iterable[Job]) -> Iterator[Path]:
    """The folders from which Python imports the packages of the targets."""
    for job in jobs:
        package = job.ref.target.rpartition(":")[0].partition(".")[0]
        if package.isidentifier():
            try:
                spec = importlib.util.find_spec(package)
            except (ImportError, ValueError):
                continue
            places = spec.submodule_search_locations if spec is not None else None
            yield from (Path(place).parent for place in places or ())


@contextmanager
def revision(name: str, start: Path) -> Iterator[Revision]:
    """The files of revision ``name`` of the repository around ``start``, until the context ends.

    Raises ``ArchlintError`` if ``start`` is in no git repository, or there is no such revision.
    """
    repository = Path(_git(start, "rev-parse", "--show-toplevel")).resolve()
    try:
        commit = _git(repository, "rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    except ArchlintError:
        about = f"{repository} has no git revision {name!r}: expected a branch, a tag or a commit"
        raise ArchlintError(about) from None
    with tempfile.TemporaryDirectory(prefix="archlint-revision-") as folder:
        files = Path(folder, repository.name).resolve()
        files.mkdir()
        index = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        _git(repository, "read-tree", commit, **index)
        _git(repository, "checkout-index", "--all", f"--prefix={files}{os.sep}", **index)
        yield Revision(repository, files)


def _git(folder: Path, *arguments: str, **environment: str) -> str:
    """The output of a git command. Raises ``ArchlintError`` with what it printed if it fails."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True, text=True, check=False, env=os.environ | environment,
        )  # fmt: skip
    except FileNotFoundError:
        raise ArchlintError("git is not installed") from None
    if done.returncode:
        problem = done.stderr.strip().splitlines() or ["git failed"]
        raise ArchlintError(f"git {arguments[0]}: {problem[-1]}")
    return done.stdout.strip()
