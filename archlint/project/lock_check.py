"""Compares what models accept now with their lock file, and reports it as verdicts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from archlint.contracts.accepted_set import AcceptedSet, input_text
from archlint.contracts.contract import ANY_SIZE_CLAUSE, Contract, ModelRef
from archlint.contracts.job import Job
from archlint.contracts.text_layout import labelled
from archlint.contracts.verdict import Verdict
from archlint.project.compare import Change, compare
from archlint.project.lock_file import Key, Lock, key, key_of

PATHS = 128  # at least: an exact set matters more here than in a single contract
ID = "locked"


def infer_jobs(jobs: Iterable[Job], models: Collection[str] = ("*",)) -> list[Job]:
    """The jobs that infer what the models under contract accept; ``models`` are globs of names.

    One for each model, input and mode; skipped contracts are left out. A model of several names
    has the first. If models of one name are built in different ways, the name of the rule file is
    appended to theirs.
    """
    by_name: dict[tuple[Path, str], list[Job]] = {}
    for job in (j for j in jobs if j.contract.enabled and j.contract.input):
        by_name.setdefault((job.root, job.ref.name), []).append(job)
    todo: dict[tuple[Path, Key], Job] = {}
    first: dict[tuple[object, ...], Key] = {}  # of the names that build the same model
    wanted = set()
    for (root, name), same in by_name.items():
        several = len({build_arguments(job.ref) for job in same}) > 1
        for job in same:
            contract = job.contract
            file = contract.where.file if contract.where and several else ""
            ref = replace(job.ref, name=f"{name} ({file})" if file else name)
            own = key(ref.name, contract.input, contract.mode)
            at = root, first.setdefault((root, _model(ref), *own[1:]), own)
            if any(fnmatchcase(name, pattern) for pattern in models):
                wanted.add(at)
            if at in todo:
                before = todo[at].contract.budget
                budget = replace(before, seconds=max(before.seconds, contract.budget.seconds))
                todo[at] = replace(todo[at], contract=replace(todo[at].contract, budget=budget))
                continue
            budget = replace(contract.budget, paths=max(PATHS, contract.budget.paths))
            any_size = Contract(
                ID, contract.input, ANY_SIZE_CLAUSE, mode=contract.mode,
                budget=budget, where=contract.where,
            )  # fmt: skip
            todo[at] = Job(any_size, ref, root)
    return [job for at, job in todo.items() if at in wanted]


def key_of_job(job: Job) -> Key:
    """The key of the entry that a job of :func:`infer_jobs` is about."""
    return key(job.ref.name, job.contract.input, job.contract.mode)


def _model(ref: ModelRef) -> tuple[object, ...]:
    """Equal for names of one model; a fixture depends on the test module, not on its name only."""
    folder = Path(ref.where.file).resolve().parent if ref.where else None
    name = ref.name if ref.target.startswith("fixture:") else ""
    return folder, build_arguments(ref), name


def build_arguments(ref: ModelRef) -> str:
    """What determines the model that a reference builds."""
    return repr((ref.target, ref.args, ref.kwargs))


def compare_with_lock(
    lock: Lock,
    path: str,
    inferred: Sequence[tuple[Job, Verdict]],
    complete: bool,
    elsewhere: Collection[Key] = (),
) -> list[Verdict]:
    """A verdict for each model: does it accept what its lock file says?

    ``inferred``: the jobs of :func:`infer_jobs` with their results. ``complete``: these are all
    models but for those whose keys are ``elsewhere``, so that an entry without a model is an error.
    ``path``: the lock file's name in messages.
    """
    verdicts = []
    seen = set()
    for job, result in inferred:
        at = key_of_job(job)
        seen.add(at)
        verdict = _at_entry(result, lock, at, path)
        if verdict.entry is None:
            verdicts.append(verdict)
        elif at not in lock.entries:
            verdicts.append(_with_reason(verdict, "broken", "is not in the lock file"))
        else:
            verdicts.append(_compared(compare(lock.entries[at], verdict.entry), verdict))
    if complete:
        for at in lock.where.keys() - seen - set(elsewhere):
            verdict = _at_entry(Verdict("broken"), lock, at, path)
            verdicts.append(_with_reason(verdict, "broken", "is no longer under contract"))
    return sorted(verdicts, key=lambda v: (v.line or 0, v.model))


def _at_entry(verdict: Verdict, lock: Lock, at: Key, path: str) -> Verdict:
    """The verdict with the location of its entry in the lock file."""
    model = f"{at[0]} ({at[2]}, {at[1].strip(chr(34))})"
    line = lock.where[at].line if at in lock.where else 1
    return replace(verdict, contract=ID, model=model, file=path, line=line)


def _compared(change: Change, verdict: Verdict) -> Verdict:
    if change.same or change.before == change.after:
        if change.after.exact and not change.not_compared:
            return replace(verdict, word="proved")
        reasons = filter(None, (*change.after.reasons, change.not_compared))
        message = "unchanged, but not exact: " + "; ".join(reasons)
        return _with_reason(verdict, "tested", message)
    example = change.shrunk or change.grown or change.output
    verdict = replace(verdict, counterexample=example.point if example else None)
    if change.word == "not compared":
        message = "could not be compared with the lock file"
        return _with_reason(verdict, "error", message, change.lines())
    lines = change.lines()
    if change.word != "same":
        lines.pop("costs", None)  # what the model accepts matters more
    message = "has another output" if change.word == "other output" else f"has {change.word}"
    message = "has other costs" if change.word == "same" else message
    return _with_reason(verdict, "broken", message, lines)


def _with_reason(
    verdict: Verdict, word: str, message: str, lines: Mapping[str, str] | None = None
) -> Verdict:
    details = {"reason": message, **(lines or {})}
    if word != "tested":
        details["to accept"] = "archlint lock --update"
    return replace(verdict, word=word, message=message, details=details)


def changes(before: Mapping[Key, AcceptedSet], after: Mapping[Key, AcceptedSet]) -> list[Change]:
    """The changes of the entries that are in both, without those that are the same."""
    compared = [compare(before[at], after[at]) for at in sorted(before.keys() & after.keys())]
    return [c for c in compared if not c.same and c.before != c.after]


def change_text(change: Change) -> str:
    """A change as a block of labelled lines."""
    entry = change.after
    about = f"{entry.model}   {input_text(entry.input)}   {entry.mode}"
    word = "other costs" if change.word == "same" else change.word
    return "\n".join([f"{word.upper()}  {about}", *labelled(change.lines(), 11)])


def entries_by_key(entries: Iterable[AcceptedSet]) -> dict[Key, AcceptedSet]:
    """The entries by their keys."""
    return {key_of(e): e for e in entries}
