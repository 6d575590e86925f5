"""Applies the edit of a fix to a copy of the project, and checks the copy in another process.

A diff is shown only if, in the copy, the contract holds and no other contract that the changed file
serves is worse than before. The process is forked from a server, which has PyTorch imported and
none of the user's modules.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from archlint.contracts.job import Job
from archlint.contracts.project_files import FolderCopy, is_skipped
from archlint.engine.pipeline import check_contract
from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.edit import Edit
from archlint.explanation.fixes.find_fixes import Search, find_fixes, model_before
from archlint.explanation.fixes.model_before_fix import ModelBefore
from archlint.explanation.fixes.obsolete_contracts import with_updates
from archlint.explanation.fixes.proposal import Fix
from archlint.runner.messages import framed
from archlint.runner.resources import cores
from archlint.runner.server_process import ServerDied, ServerProcess
from archlint.runtime.forks import FORKS

FILES = 20_000  # in a project that is copied
SECONDS = 240.0  # for one copy
_COPIED = (".py", ".pyi", ".yaml", ".yml", ".toml", ".cfg", ".json", ".ini")
_CHECK = "archlint.runner.check_copy:answer"


@dataclass(frozen=True)
class Request:
    """What the other process checks: ``job`` in full, ``others`` where they use ``file``.

    Their paths are those of the copy, as are ``folder``, the working folder, and ``paths``, which
    is ``sys.path``. ``root`` is the project that was copied.
    """

    job: Job
    others: tuple[Job, ...]
    file: Path
    before: ModelBefore
    other_values: bool
    seconds: float
    root: Path
    folder: Path
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """``facts`` are the fields of the fix that holds in the copy; ``None`` if the contract does not
    hold there, or if nothing loaded the changed file. ``failing``: the indices of the other jobs
    that fail, with the reason of each; ``updates``: the words of a clause with which such a job
    holds, for those whose contract the fix makes obsolete.

    The process runs the user's code, so its answer is JSON, and read as data.
    """

    facts: dict[str, Any] | None
    failing: tuple[tuple[int, str], ...] = ()
    updates: tuple[tuple[int, str], ...] = ()

    @staticmethod
    def of(
        fix: Fix, failing: Sequence[tuple[int, str]], updates: Sequence[tuple[int, str]] = ()
    ) -> Answer:
        """The answer for a fix that holds in the copy."""
        facts = {name: getattr(fix, name) for name in _FACTS}
        return Answer(facts, tuple(failing), tuple(updates))

    def to_json(self) -> str:
        """The answer as one line."""
        return json.dumps([self.facts, self.failing, self.updates])

    @staticmethod
    def from_json(text: bytes) -> Answer:
        """The answer of a process. Raises ``ValueError`` or ``TypeError`` if it is none."""
        facts, *indexed = json.loads(text)
        if facts is not None:
            if facts.keys() != set(_FACTS):
                raise ValueError(f"found the facts {sorted(facts)}; expected {sorted(_FACTS)}")
            facts |= {name: tuple(map(dict, facts[name])) for name in ("ran", "same")}
        failing, updates = (tuple((int(i), str(words)) for i, words in x) for x in indexed)
        return Answer(facts, failing, updates)


_FACTS = ("accepts", "exact", "weights", "ran", "same")
"""The fields of a fix that checking the copy determines."""


class CopyServer:
    """Forks the processes that check copies, from a server that starts with the first of them."""

    def __init__(self) -> None:
        self._process: ServerProcess | None = None

    def __enter__(self) -> CopyServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End all processes and wait for that."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def answer(self, request: Request) -> Answer:
        """Check a copy in a new process; no facts if that fails in any way."""
        if self._process is None:
            self._process = ServerProcess(_CHECK, cores(), Path.cwd())
        try:
            if self._process.wait_until_ready():
                raise ServerDied
            child = self._process.requests.fork("call")
            try:
                message = framed(pickle.dumps((request, SECONDS)))
                content = child.exchange(message, SECONDS).content
            finally:
                child.close()
            return Answer.from_json(content or b"")
        except ServerDied:
            self.stop()
        except (ValueError, TypeError, AttributeError):
            pass
        finally:
            if not FORKS:  # the server itself was the process
                self.stop()
        return Answer(None)


def checked_fixes(
    broken: BrokenContract, job: Job, others: Sequence[Job], server: CopyServer
) -> Search:
    """The fixes of the broken contract of ``job``, with the edits that hold in a copy.

    ``others`` are the other jobs of the project. ``server`` forks the processes that check copies.
    """

    @cache
    def passes(index: int) -> bool:
        other = others[index]
        now = check_contract(other.contract, other.ref, root=other.root, samples=0)
        return now.word not in ("broken", "error")

    before = model_before(broken)

    def with_checked_edit(fix: Fix) -> Fix:
        """The fix with the first of its edits that holds in a copy of the project.

        Other contracts that the edit makes obsolete are updated with it. Without such an edit, the
        fix in words, with a note if the edit breaks another contract.
        """
        note = ""
        for edit in fix.proposal.edits:
            if not edit.inside(job.root):
                continue
            answer = _check(fix, edit, job, others, before, server)
            harmed = [(i, why) for i, why in answer.failing if passes(i)]
            words = dict(answer.updates)
            obsolete = tuple(
                {
                    others[i].contract.where: (others[i].contract, words[i])
                    for i, _ in harmed
                    if i in words
                }.values()
            )
            edits = with_updates(edit, obsolete)
            if answer.facts is not None and edits and all(i in words for i, _ in harmed):
                return replace(
                    fix, **answer.facts, edit=edits[0], obsolete=obsolete, rule_edits=edits[1]
                )
            if harmed:
                other, why = others[harmed[0][0]], harmed[0][1]
                place = f"{other.contract.id} · {other.ref.name}"
                note = f"no diff: the same change in the source breaks {place} ({why})"
        return replace(fix, note=note)

    search = find_fixes(broken, ref=job.ref, root=job.root)
    return replace(search, fixes=tuple(map(with_checked_edit, search.fixes)))


def _check(
    fix: Fix,
    edit: Edit,
    job: Job,
    others: Sequence[Job],
    before: ModelBefore,
    server: CopyServer,
) -> Answer:
    with tempfile.TemporaryDirectory(prefix="archlint-fix-") as folder:
        root, copy = job.root.resolve(), Path(folder).resolve() / job.root.resolve().name
        if not _copy(root, copy):
            return Answer(None)
        changed = copy / edit.file.resolve().relative_to(root)
        changed.write_bytes(edit.after)
        proposal = fix.proposal
        moved = FolderCopy(root, copy)
        here = Path.cwd().resolve()
        request = Request(
            _moved(replace(job, contract=proposal.contract), moved),
            tuple(_moved(other, moved) for other in others),
            changed,
            before,
            proposal.other_values,
            SECONDS,
            root,
            moved.path(here) if here.is_relative_to(root) else copy,
            tuple(str(moved.path(Path(p or here))) for p in sys.path),
        )
        return server.answer(request)


def _moved(job: Job, to: FolderCopy) -> Job:
    ref = replace(job.ref, where=to.location(job.ref.where))
    contract = replace(job.contract, where=to.location(job.contract.where), models=())
    return replace(job, contract=contract, ref=ref, root=to.copy)


def _copy(root: Path, copy: Path) -> bool:
    """Copy sources, and link all other files; false if there are too many."""
    count = 0
    for folder, names, files in os.walk(root):
        here = Path(folder)
        names[:] = [n for n in names if not (is_skipped(here / n) or (here / n).is_symlink())]
        count += len(files)
        if count > FILES:
            return False
        there = copy / here.relative_to(root)
        there.mkdir(parents=True, exist_ok=True)
        for name in files:
            if name.endswith(_COPIED) or os.name == "nt":
                shutil.copy2(here / name, there / name)
            else:
                (there / name).symlink_to(here / name)
    return True
