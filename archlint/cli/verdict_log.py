"""The file of ``--output jsonl=FILE``: written during a run, and read by ``--resume``.

Each line is one verdict in JSON. After the keys of the verdict come ``job``, the key of its job,
and ``details``, the labelled lines of the text report.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from archlint.cli.exit_codes import CannotRun, writing
from archlint.contracts.job import Job
from archlint.contracts.verdict import At, Proof, Samples, Verdict
from archlint.report import jsonl
from archlint.runner import pool
from archlint.runner.cache.verdict_cache import at_current_line, job_keys_with_sources

if TYPE_CHECKING:
    from archlint.report.run_results import RunResults


class VerdictLog:
    """A file to which the verdicts of ``jobs`` are appended as they come."""

    def __init__(self, path: Path, jobs: Sequence[Job], done: dict[int, Verdict]) -> None:
        """Start the file with the verdicts in ``done``. Raises ``CannotRun`` if it cannot."""
        self._keys = job_keys_with_sources(jobs, pool.CHECK)
        self._path = path
        lines = [_line(v, self._keys[i]) for i, v in done.items()]
        with writing(path):
            pipe = path.exists() and not path.is_file()  # which can only be appended to
            if not pipe:
                _replace(path, lines)
            self._file: BinaryIO = path.open("ab", buffering=0)
            if pipe:
                self._file.write(b"".join(lines))

    def add(self, index: int, verdict: Verdict) -> None:
        """Append one verdict, in a single write. Raises ``CannotRun``."""
        with writing(self._path):
            self._file.write(_line(verdict, self._keys[index]))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def rewrite(path: Path, results: RunResults) -> None:
    """Replace the file at the end of the run: mistakes, then verdicts in order and as reported.

    The keys of the jobs are those in the file. A pipe is left alone, and nothing is written if the
    run was interrupted before it wrote the file. Raises ``OSError``.
    """
    if not path.is_file():
        return
    keys = {}
    for text in path.read_bytes().splitlines():
        data = json.loads(text)
        keys[data["contract"], data["model"], data["file"]] = data["job"]
    lines = [_line(v, keys.get((v.contract, v.model, v.file))) for v in results.verdicts]
    mistakes = [(jsonl.mistake_line(m) + "\n").encode() for m in results.mistakes]
    _replace(path, [*mistakes, *lines])


def _line(verdict: Verdict, key: str | None) -> bytes:
    return (jsonl.line(verdict, job=key, details=verdict.details) + "\n").encode()


def _replace(path: Path, lines: list[bytes]) -> None:
    """Replace the contents of the file atomically."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_bytes(b"".join(lines))
    temporary.replace(path)


def logged_verdicts(path: Path, jobs: Sequence[Job]) -> dict[int, Verdict]:
    """The verdicts in ``path`` on the same jobs, by index, without errors.

    A last line without a newline is ignored: the run was killed while writing it. Raises
    ``CannotRun`` for a file with any other contents than verdicts.
    """
    if path.exists() and not path.is_file():
        raise CannotRun(f"{path} cannot be read: it is not a regular file")
    try:
        lines = path.read_bytes().split(b"\n")[:-1]
    except OSError as e:
        raise CannotRun(f"{path} cannot be read: {e.strerror}") from e
    by_key: dict[str, Verdict] = {}
    for number, line in enumerate(lines, 1):
        job_line = _parse(line, f"{path}:{number}")
        if job_line is None:
            continue
        key, verdict = job_line
        if key is not None and verdict.word != "error":
            by_key[key] = verdict
    keys = job_keys_with_sources(jobs, pool.CHECK)
    return {
        i: at_current_line(by_key[key], job.contract)
        for i, (job, key) in enumerate(zip(jobs, keys, strict=True))
        if key in by_key
    }


def _parse(line: bytes, place: str) -> tuple[str | None, Verdict] | None:
    """The key and the verdict of one line; ``None`` for a line about a mistake in a rule file."""
    expected = "expected a verdict as --output jsonl=FILE writes it"
    try:
        data = json.loads(line)
    except UnicodeDecodeError:
        raise CannotRun(f"{place}:1: not valid UTF-8; {expected}") from None
    except json.JSONDecodeError as e:
        raise CannotRun(f"{place}:{e.colno}: not valid JSON ({e.msg}); {expected}") from None
    except RecursionError:
        raise CannotRun(f"{place}:1: JSON is nested too deeply; {expected}") from None
    if not isinstance(data, dict):
        raise CannotRun(f"{place}:1: found {json.dumps(data):.40}; {expected}")
    if data.keys() == {"error"}:
        return None
    try:
        return _key(data["job"]), _verdict(data)
    except KeyError as e:
        raise CannotRun(f"{place}:1: missing key {e}; {expected}") from None
    except (TypeError, ValueError) as e:
        raise CannotRun(f"{place}:1: not a verdict ({e}); {expected}") from None


def _key(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError(f"job is {value!r:.40}")
    return value


def _verdict(data: dict[str, Any]) -> Verdict:
    """The inverse of ``Verdict.to_json``, without waiver and note: a new run adds its own."""
    at, details = data["at"], data["details"]
    if not isinstance(details, dict) or not all(isinstance(t, str) for t in details.values()):
        raise TypeError("details must be texts")
    verdict = Verdict(
        data["verdict"],
        at=At(**at) if at else None,
        proof=Proof(**data["proof"]),
        samples=Samples(**data["samples"]),
    )
    names = {f.name for f in fields(Verdict)}
    names -= {"word", "at", "proof", "samples", "entry", "waived", "note", "cached"}
    return replace(verdict, **{name: data[name] for name in names if name in data})
