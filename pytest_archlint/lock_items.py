"""Test items for the lock file (--archlint-locked): one for each model, input and mode."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from archlint.contracts.job import Job
from archlint.contracts.verdict import Verdict
from archlint.errors import ArchlintError
from archlint.project.lock_check import compare_with_lock, infer_jobs
from archlint.project.lock_file import NAME, read
from pytest_archlint.check_item import require_torch
from pytest_archlint.items import FIXTURE, ContractItem
from pytest_archlint.outcome import report_verdict, shown


class LockedItem(pytest.Item):
    """Compares what one model accepts with its entry in the lock file."""

    job: Job

    @classmethod
    def of(cls, file: pytest.Collector, items: Sequence[ContractItem]) -> Iterator[LockedItem]:
        """The items of a rule file; those of models from fixtures, which only pytest can build,
        are skipped.
        """
        for job in infer_jobs(Job(i.contract, i.ref, i.root()) for i in items):
            mode = "" if job.contract.mode == "eval" else f"-{job.contract.mode}"
            item: LockedItem = cls.from_parent(file, name=f"locked[{job.ref.name}{mode}]")
            item.job = job
            item.add_marker("archlint")
            if job.ref.target.startswith(FIXTURE):
                item.add_marker(pytest.mark.skip(reason="archlint lock cannot build fixtures"))
            yield item

    def reportinfo(self) -> tuple[Path, int, str]:
        where = self.job.contract.where
        return self.path, where.line - 1 if where else 0, self.name

    def runtest(self) -> None:
        """Infer what the model accepts, in this process, and compare it."""
        require_torch(self.config)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # importing torch must not fail under -W error
            from archlint.engine.infer.infer import infer_verdict

        path = self.job.root / NAME
        if not path.exists():
            message = f"{shown(path, self.config)} does not exist; archlint lock writes it"
            report_verdict(self, Verdict("error", "locked", self.job.ref.name, message=message))
        try:
            lock = read(path)
        except ArchlintError as e:
            report_verdict(self, Verdict("error", "locked", self.job.ref.name, message=str(e)))
        inferred = infer_verdict(self.job.contract, self.job.ref, root=self.job.root)
        (verdict,) = compare_with_lock(lock, str(path), [(self.job, inferred)], complete=False)
        report_verdict(self, replace(verdict, entry=None))
