"""The test items of --archlint-locked: one for each model, input and mode of the lock file."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from archlint.contracts.accepted_set import AcceptedSet
from archlint.contracts.contract import Contract, ModelRef, SizeClause
from archlint.contracts.job import Job
from archlint.contracts.rulefile.load import load
from archlint.contracts.settings import rule_files
from archlint.contracts.verdict import Verdict
from archlint.errors import ArchlintError
from archlint.project.lock_check import ID, compare_with_lock, infer_jobs, key_of_job
from archlint.project.lock_file import NAME, Lock, key, key_of, read, text
from pytest_archlint.check_item import require_torch
from pytest_archlint.items import FIXTURE, ContractItem, RuleFile
from pytest_archlint.options import SETTINGS, project_of
from pytest_archlint.outcome import report_verdict, shown


class LockedItem(ContractItem):
    """Compares what one model accepts with its entry in the lock file."""

    @classmethod
    def of_items(cls, file: RuleFile, items: Sequence[ContractItem]) -> Iterator[LockedItem]:
        """The items of a rule file, whose contracts are ``items``."""
        for job in infer_jobs(Job(i.contract, i.ref, i.root()) for i in items):
            yield cls.marked(file, job.contract, job.ref, ())
        for entry in _without_model(file):
            contract = Contract(
                ID, entry.input, SizeClause("any", True, "any size"), mode=entry.mode
            )
            yield GoneItem.marked(file, contract, ModelRef(entry.model, ""), ())

    def runtest(self) -> None:
        """Infer what the model accepts, in this process, and compare it.

        With --archlint-update-lock the entry of a model from a fixture is written.
        """
        require_torch(self.config)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # importing torch must not fail under -W error
            from archlint.engine.infer.infer import inferred_verdict

        update = self.config.stash[SETTINGS].update_lock and self.ref.target.startswith(FIXTURE)
        path = self.root() / NAME
        if not path.exists() and not update:
            self._fail(f"{shown(path, self.config)} does not exist; archlint lock writes it")
        try:
            lock = read(path) if path.exists() else Lock({}, {})
        except ArchlintError as e:
            self._fail(str(e))
        inferred = inferred_verdict(self.contract, self.ref.name, self.open_source)
        if update and inferred.entry is not None:
            _write(path, lock, inferred.entry)
            return
        job = Job(self.contract, self.ref, self.root())
        (verdict,) = compare_with_lock(lock, str(path), [(job, inferred)], complete=False)
        if self.ref.target.startswith(FIXTURE) and "to accept" in verdict.details:
            how = {"to accept": "pytest --archlint-update-lock"}
            verdict = replace(verdict, details={**verdict.details, **how})
        report_verdict(self, replace(verdict, entry=None))

    def _fail(self, message: str) -> None:
        report_verdict(self, Verdict("error", "locked", self.ref.name, message=message))


class GoneItem(LockedItem):
    """Fails: an entry of the lock file has no model in any rule file of the project."""

    def runtest(self) -> None:
        """Report the entry at its line of the lock file."""
        path = self.root() / NAME
        lock = read(path)
        at = key(self.ref.name, self.contract.input, self.contract.mode)
        others = lock.entries.keys() - {at}
        (verdict,) = compare_with_lock(lock, str(path), [], complete=True, elsewhere=others)
        report_verdict(self, verdict)


def _without_model(file: RuleFile) -> Iterator[AcceptedSet]:
    """The entries of the lock file whose models are in no rule file of the project.

    They are items of the project's first rule file that pytest collects. None are known while a
    rule file or the lock file cannot be read.
    """
    config, root = file.config, project_of(file.path, file.config)
    path = root / NAME
    try:
        files = rule_files([str(root)])
        first = next((f for f in files if config.stash[SETTINGS].is_rule_file(f)), None)
        if first is None or first.resolve() != file.path.resolve() or not path.exists():
            return
        rules = [load(f) for f in files]
        lock = read(path)
    except (ArchlintError, OSError):
        return
    pairs = [(c, ref) for each in rules for c in each.contracts for ref in c.models]
    known = {key_of_job(job) for job in infer_jobs(Job(c, ref, root) for c, ref in pairs)}
    yield from (entry for at, entry in lock.entries.items() if at not in known)


def _write(path: Path, lock: Lock, entry: AcceptedSet) -> None:
    """Write the lock file with one entry replaced or added."""
    entries = {**lock.entries, key_of(entry): entry}
    path.write_text(text(entries.values()), encoding="utf-8")
