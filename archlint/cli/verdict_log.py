"""The verdicts of a run, in a file while they come, and read back from it by a later run.

A line is a verdict in JSON and, after its own keys, ``job`` (what was decided) and ``details``
(what the text report says of it).
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from archlint.cli.run_jobs import CannotRun
from archlint.contracts.job import Job
from archlint.contracts.verdict import At, Proof, Samples, Verdict
from archlint.report import jsonl
from archlint.runner.job_key import keys

if TYPE_CHECKING:
    from archlint.report.run_results import Run


class Record:
    """A file that holds the verdicts of ``jobs`` as soon as they are there."""

    def __init__(self, path: Path, jobs: Sequence[Job], known: dict[int, Verdict]) -> None:
        """Begin the file with what is known. Raises ``CannotRun`` when it cannot be written."""
        self._keys = keys(jobs)
        self._path = path
        try:
            if path.is_file() or not path.exists():  # else a pipe, which is only written to
                _replace(path, [_line(v, self._keys[i]) for i, v in known.items()])
            self._file: BinaryIO = path.open("ab", buffering=0)
        except OSError as e:
            raise CannotRun(f"{path} cannot be written: {e.strerror}") from e

    def add(self, index: int, verdict: Verdict) -> None:
        """Put one verdict on file, in one write."""
        try:
            self._file.write(_line(verdict, self._keys[index]))
        except OSError as e:
            raise CannotRun(f"{self._path} cannot be written: {e.strerror}") from e

    def close(self) -> None:
        """Leave the file as it is."""
        self._file.close()


def rewrite(path: Path, run: Run) -> None:
    """The file once all is decided: mistakes, and verdicts in their order and as reported.

    The jobs stay what they were when each verdict came. Raises ``OSError``. A pipe has had its
    verdicts.
    """
    if path.exists() and not path.is_file():
        return
    was = {}
    for text in path.read_bytes().splitlines():
        data = json.loads(text)
        was[data["contract"], data["model"], data["file"]] = data["job"]
    lines = [_line(v, was.get((v.contract, v.model, v.file))) for v in run.verdicts]
    _replace(path, [*((jsonl.mistake_line(m) + "\n").encode() for m in run.mistakes), *lines])


def _line(verdict: Verdict, job: str | None) -> bytes:
    return (jsonl.line(verdict, job=job, details=verdict.details) + "\n").encode()


def _replace(path: Path, lines: list[bytes]) -> None:
    """Put the lines in place of the file, all or nothing."""
    whole = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    whole.write_bytes(b"".join(lines))
    whole.replace(path)


def known(path: Path, jobs: Sequence[Job]) -> dict[int, Verdict]:
    """The verdicts in ``path`` on the same jobs, by index; an error is no answer and is left out.

    A last line without its end was being written when the run was killed: it does not count.
    Raises ``CannotRun`` for a file that holds anything but verdicts.
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except OSError as e:
        raise CannotRun(f"{path} cannot be read: {e.strerror}") from e
    found: dict[str | None, Verdict] = {}
    for number, line in enumerate(lines, 1):
        read = _read(line, f"{path}:{number}")
        if read and read[1].word != "error":
            found[read[0]] = read[1]
    return {
        i: _placed(found[key], job)
        for i, (job, key) in enumerate(zip(jobs, keys(jobs), strict=True))
        if key in found
    }


def _placed(verdict: Verdict, job: Job) -> Verdict:
    """With the contract's line as it is now."""
    where = job.contract.where
    return replace(verdict, file=where.file, line=where.line) if where else verdict


def _read(line: bytes, place: str) -> tuple[str | None, Verdict] | None:
    """The job and the verdict of one line; None for one about a mistake in a rule file."""
    expected = "expected a verdict as --output jsonl=FILE writes it"
    try:
        data = json.loads(line)
    except UnicodeDecodeError:
        raise CannotRun(f"{place}:1: found bytes that are no UTF-8; {expected}") from None
    except json.JSONDecodeError as e:
        raise CannotRun(f"{place}:{e.colno}: found no JSON ({e.msg}); {expected}") from None
    except RecursionError:
        raise CannotRun(f"{place}:1: found JSON that is nested too deeply; {expected}") from None
    if not isinstance(data, dict):
        raise CannotRun(f"{place}:1: found {json.dumps(data):.40}; {expected}")
    if data.keys() == {"error"}:
        return None
    try:
        return _text(data["job"]), _verdict(data)
    except KeyError as e:
        raise CannotRun(f"{place}:1: found no key {e}; {expected}") from None
    except (TypeError, ValueError) as e:
        raise CannotRun(f"{place}:1: found no verdict ({e}); {expected}") from None


def _text(key: object) -> str | None:
    if key is not None and not isinstance(key, str):
        raise TypeError(f"job is {key!r:.40}")
    return key


def _verdict(data: dict[str, Any]) -> Verdict:
    """The inverse of ``Verdict.to_json``; what was said of waivers is for the new run to say."""
    at, details = data["at"], data["details"]
    if not isinstance(details, dict) or not all(isinstance(t, str) for t in details.values()):
        raise TypeError("details are no texts")
    made = Verdict(
        data["verdict"],
        at=At(**at) if at else None,
        proof=Proof(**data["proof"]),
        samples=Samples(**data["samples"]),
    )
    own = {f.name for f in fields(Verdict)}
    own -= {"word", "at", "proof", "samples", "entry", "waived", "note"}
    return replace(made, **{name: data[name] for name in own if name in data})
