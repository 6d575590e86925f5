"""Checks the copy of a project: what a process of :mod:`.patched_project` does."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from archlint.contracts.job import Job
from archlint.contracts.rulefile.load import load
from archlint.engine.pipeline import check_contract
from archlint.errors import ArchlintError
from archlint.explanation.fixes.obsolete_contracts import holds_with, restatable, restated
from archlint.explanation.fixes.proposal import Fix, Proposal, try_fix
from archlint.models.targets import resolve
from archlint.runner.patched_project import Answer, Request
from archlint.runtime.code_owner import file_of_module, is_users


def answer(request: Request) -> bytes:
    """Check the copy that the request names, in a process that does nothing else."""
    os.chdir(request.folder)
    sys.path[:] = request.paths
    sys.dont_write_bytecode = True
    _forget(request.root)  # a plugin of the project, perhaps
    return _answer(request).to_json().encode()


def _answer(request: Request) -> Answer:
    rule_file = request.file.suffix != ".py"
    jobs = [request.job, *request.others]
    if rule_file:
        jobs = [j for job in jobs for j in _reread(job, request.file)]
        if len(jobs) != 1 + len(request.others):
            return Answer(None)
    first, *others = jobs
    fix = _fixed(first, request, rule_file)
    if fix is None:
        return Answer(None)
    failing, updates = [], []
    words: dict[object, str] = {}  # by contract, for all its models
    for index, job in enumerate(others):
        _forget(job.root)
        served = _of_file(job, request.file) if rule_file else _loads(job, request.file)
        if not served:
            continue
        verdict = check_contract(job.contract, job.ref, root=job.root, samples=0)
        if verdict.word in ("broken", "error"):
            failing.append((index, " ".join(verdict.message.split())[:200]))
            contract = job.contract.where, job.contract.id
            if verdict.word == "broken" and contract not in words:
                words[contract] = _restated(job, jobs)
            if words.get(contract):
                updates.append((index, words[contract]))
    return Answer.of(fix, failing, updates)


def _restated(job: Job, jobs: Sequence[Job]) -> str:
    """The words of the clause with which the contract holds in the copy, for all its models."""
    contract = job.contract.where, job.contract.id
    same = [j for j in jobs if (j.contract.where, j.contract.id) == contract]
    if not restatable(job.contract) or jobs[0] in same:
        return ""
    words = ""
    for other in (job, *(j for j in same if j is not job)):
        _forget(job.root)
        try:
            with resolve(other.ref, other.root) as source:
                if not words:
                    words = restated(job.contract, source)
                elif not holds_with(other.contract, source, words):
                    return ""
        except ArchlintError:
            return ""
        if not words:
            return ""
    return words


def _fixed(job: Job, request: Request, rule_file: bool) -> Fix | None:
    try:
        with resolve(job.ref, job.root) as source:
            proposal = Proposal("", job.contract, source, other_values=request.other_values)
            fix = try_fix(proposal, request.before, request.seconds)
    except ArchlintError:
        return None
    return fix if rule_file or _loaded(request.file) else None


def _reread(job: Job, file: Path) -> Iterator[Job]:
    """The job as the changed rule file has it."""
    if not _of_file(job, file):
        yield job
        return
    rules = load(job.contract.where.file if job.contract.where else file)
    for contract in rules.contracts:
        if contract.id == job.contract.id:
            for ref in contract.models:
                if ref.name == job.ref.name:
                    yield replace(job, contract=contract, ref=ref)


def _of_file(job: Job, file: Path) -> bool:
    places = (job.contract.where, job.ref.where)
    return any(p is not None and Path(p.file) == file for p in places)


def _loads(job: Job, file: Path) -> bool:
    """Whether the model's code includes the file."""
    try:
        with resolve(job.ref, job.root) as source:
            source.for_tracing(job.contract.mode)
    except ArchlintError:
        pass
    return _loaded(file)


def _loaded(file: Path) -> bool:
    return any(file_of_module(module) == str(file) for module in list(sys.modules.values()))


def _forget(root: Path) -> None:
    """Forget the modules of the project, so that the next job imports its own."""
    for name, module in list(sys.modules.items()):
        file = file_of_module(module) or ""
        if file.startswith(str(root) + os.sep) and is_users(file):
            del sys.modules[name]
