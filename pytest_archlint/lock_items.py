"""The lock file as test items: with --archlint-locked, one for each model, input and mode."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from archlint.contracts.job import Job
from archlint.contracts.verdict import Verdict
from archlint.errors import ArchlintError
from archlint.project.lock_check import held, questions
from archlint.project.lock_file import NAME, read
from pytest_archlint.items import FIXTURE, ContractItem
from pytest_archlint.outcome import settle, shown


class LockedItem(pytest.Item):
    """Does one model still accept what its lock file says?"""

    job: Job

    @classmethod
    def of(cls, file: pytest.Collector, items: Sequence[ContractItem]) -> Iterator[LockedItem]:
        """The items of a rule file; models that fixtures make are in no lock file."""
        kept = [item for item in items if not item.ref.target.startswith(FIXTURE)]
        for job in questions(Job(i.contract, i.ref, i.root()) for i in kept):
            mode = "" if job.contract.mode == "eval" else f"-{job.contract.mode}"
            item: LockedItem = cls.from_parent(file, name=f"locked[{job.ref.name}{mode}]")
            item.job = job
            item.add_marker("archlint")
            yield item

    def reportinfo(self) -> tuple[Path, int, str]:
        where = self.job.contract.where
        return self.path, where.line - 1 if where else 0, self.name

    def runtest(self) -> None:
        """Infer what the model accepts, in this process, and compare."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # importing torch must not fail under -W error
            from archlint.engine.infer.infer import infer_verdict

        path = self.job.root / NAME
        if not path.exists():
            message = f"there is no {shown(path, self.config)}; archlint lock writes it"
            settle(self, Verdict("error", "locked", self.job.ref.name, message=message))
        try:
            lock = read(path)
        except ArchlintError as e:
            settle(self, Verdict("error", "locked", self.job.ref.name, message=str(e)))
        answer = infer_verdict(self.job.contract, self.job.ref, root=self.job.root)
        (verdict,) = held(lock, str(path), [answer], [self.job], whole=False)
        settle(self, replace(verdict, entry=None))
