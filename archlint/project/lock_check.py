"""Hold models to their lock file: ask what they accept now, compare, and say it as verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from archlint.contracts.accepted_set import AcceptedSet, input_as_yaml, shown
from archlint.contracts.contract import Contract, ModelRef, SizeClause
from archlint.contracts.job import Job
from archlint.contracts.verdict import Verdict
from archlint.project.compare import Change, compare
from archlint.project.lock_file import Key, Lock, key, key_of

PATHS = 128  # at least: exactness is worth more here than in a single contract
ID = "locked"


def questions(jobs: Iterable[Job]) -> list[Job]:
    """What each model under contract accepts: one job for each model, input and mode.

    Contracts that are skipped ask nothing. Models of one name that are made in different ways have
    their file's name added.
    """
    made: dict[tuple[Path, str], list[Job]] = {}
    for job in (j for j in jobs if j.contract.enabled and j.contract.input):
        made.setdefault((job.root, job.ref.name), []).append(job)
    asked: dict[tuple[Path, Key], Job] = {}
    for (root, name), same in made.items():
        paths = {_make(job.ref) for job in same}
        for job in same:
            file = job.contract.where.file if job.contract.where and len(paths) > 1 else ""
            ref = replace(job.ref, name=f"{name} ({file})" if file else name)
            contract = job.contract
            at = root, key(ref.name, contract.input, contract.mode)
            if at in asked:
                before = asked[at].contract.budget
                budget = replace(before, seconds=max(before.seconds, contract.budget.seconds))
                asked[at] = replace(asked[at], contract=replace(asked[at].contract, budget=budget))
                continue
            budget = replace(contract.budget, paths=max(PATHS, contract.budget.paths))
            question = Contract(
                ID, contract.input, SizeClause("any", True, "any size"), mode=contract.mode,
                budget=budget, where=contract.where,
            )  # fmt: skip
            asked[at] = Job(question, ref, root)
    return list(asked.values())


def _make(ref: ModelRef) -> str:
    return repr((ref.target, ref.args, ref.kwargs))


def held(
    lock: Lock, path: str, now: Sequence[Verdict], asked: Sequence[Job], whole: bool
) -> list[Verdict]:
    """A verdict for each model: does it accept what its lock file says?

    ``now``: the answers to ``asked``. ``whole``: all models were asked, so that an entry without a
    model is one too many. ``path`` is the lock file's name for people.
    """
    verdicts = []
    seen = set()
    for job, answer in zip(asked, now, strict=True):
        at = key(job.ref.name, job.contract.input, job.contract.mode)
        seen.add(at)
        verdict = _placed(answer, lock, at, path)
        if verdict.entry is None:
            verdicts.append(verdict)
        elif at not in lock.entries:
            verdicts.append(_told(verdict, "broken", "is not in the lock file"))
        else:
            verdicts.append(_held(compare(lock.entries[at], verdict.entry), verdict))
    if whole:
        for at in lock.where.keys() - seen:
            verdict = _placed(Verdict("broken"), lock, at, path)
            verdicts.append(_told(verdict, "broken", "is no longer under contract"))
    return sorted(verdicts, key=lambda v: (v.line or 0, v.model))


def _placed(verdict: Verdict, lock: Lock, at: Key, path: str) -> Verdict:
    model = f"{at[0]} ({at[2]}, {at[1].strip(chr(34))})"
    line = lock.where[at].line if at in lock.where else 1
    return replace(verdict, contract=ID, model=model, file=path, line=line)


def _held(change: Change, verdict: Verdict) -> Verdict:
    if change.word == "same":
        if change.after.exact:
            return replace(verdict, word="proved")
        message = "as far as is known, as before: " + "; ".join(change.after.reasons)
        return _told(verdict, "tested", message)
    example = change.shrunk or change.grown or change.output
    verdict = replace(verdict, counterexample=example.point if example else None)
    if change.word == "undecided":
        return _told(verdict, "error", "whether it changed could not be decided", change.told())
    message = "has another output" if change.word == "other output" else f"has {change.word}"
    return _told(verdict, "broken", message, change.told())


def _told(
    verdict: Verdict, word: str, message: str, lines: Mapping[str, str] | None = None
) -> Verdict:
    details = {"reason": message, **(lines or {})}
    if word != "tested":
        details["to accept"] = "archlint lock --update"
    return replace(verdict, word=word, message=message, details=details)


def changes(before: Mapping[Key, AcceptedSet], after: Mapping[Key, AcceptedSet]) -> list[Change]:
    """How the entries that both have differ, where they do."""
    found = [compare(before[at], after[at]) for at in sorted(before.keys() & after.keys())]
    return [c for c in found if c.word != "same"]


def told(change: Change) -> str:
    """A change as a block of text."""
    entry = change.after
    about = f"{entry.model}   {shown(input_as_yaml(entry.input))}   {entry.mode}"
    indent = "\n" + " " * 13
    lines = (f"  {k:<11}{v.replace(chr(10), indent)}" for k, v in change.told().items())
    return "\n".join([f"{change.word.upper()}  {about}", *lines])


def by_key(entries: Iterable[AcceptedSet]) -> dict[Key, AcceptedSet]:
    """The entries under their keys."""
    return {key_of(e): e for e in entries}
