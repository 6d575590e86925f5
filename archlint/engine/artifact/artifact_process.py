"""Runs an exported model in a process that it may end, and starts another one then."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from archlint.contracts.settings import shorten
from archlint.errors import ArchlintError


@dataclass(frozen=True)
class Answer:
    """What one run did: ``outputs``, or ``error`` of the runtime, or ``ended``: how it was killed.

    ``ended`` is also set where the run took too long.
    """

    outputs: tuple[Any, ...] = ()
    error: str = ""
    ended: str = ""

    @property
    def ran(self) -> bool:
        return not (self.error or self.ended)


class ArtifactProcess:
    """An exported model in a process of its own. To be used in a ``with`` block.

    ``inputs`` and ``outputs`` are the names of its inputs and outputs (empty without names),
    ``shapes`` those of the inputs (empty if not stated), ``version`` the runtime's.
    ``seconds`` limits each run and the load.
    """

    def __init__(self, runtime: str, path: Path, seconds: float) -> None:
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.shapes: list[list[int | None]] = []
        self.version = ""
        self._command = [
            sys.executable, "-m", "archlint.engine.artifact.runtime_process", runtime,
            str(path.resolve()),
        ]  # fmt: skip
        self._name = shorten(path)
        self._seconds = seconds
        self._folder = tempfile.TemporaryDirectory(prefix="archlint-")
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> ArtifactProcess:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _where: TracebackType | None,
    ) -> None:
        self._end()
        self._folder.cleanup()

    def load(self) -> None:
        """Start the process, if none runs, and load the model.

        Raises:
            ArchlintError: the runtime cannot load the file.
        """
        if self._process is not None and self._process.poll() is None:
            return
        self._end()
        self._process = subprocess.Popen(
            [*self._command, self._folder.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        answer = self._answer()
        if isinstance(answer, str):
            raise ArchlintError(f"{self._name}: {answer} while it was loaded")
        if "failed" in answer:
            raise ArchlintError(f"{self._name} cannot be loaded: {answer['failed']}")
        self.inputs, self.version = answer["inputs"], answer["version"]
        self.shapes, self.outputs = answer["shapes"], answer["names"]

    def run(self, arrays: Sequence[Any], *, reused: bool) -> Answer:
        """Run once, in the request of earlier calls (``reused``) or in a fresh one."""
        import numpy

        self.load()
        folder = Path(self._folder.name)
        for i, array in enumerate(arrays):
            numpy.save(folder / f"in_{i}.npy", array)
        process = self._process
        assert process is not None
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps({"reused": reused, "inputs": [*range(len(arrays))]}))
            process.stdin.write("\n")
            process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer says how the process ended
        answer = self._answer()
        if isinstance(answer, str):
            return Answer(ended=answer)
        if "error" in answer:
            return Answer(error=answer["error"])
        count = answer["outputs"]
        return Answer(tuple(numpy.load(folder / f"out_{i}.npy") for i in range(count)))

    def restart(self) -> None:
        """End the process; the next run starts another one."""
        self._end()

    def _answer(self) -> dict[str, Any] | str:
        """The process's answer, or how it ended."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        if not _readable(process.stdout, self._seconds):
            self._end()
            return f"no answer within {self._seconds:g} s"
        line = process.stdout.readline()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        code = process.wait()
        self._end()
        return f"process ended with {_ending(code)}"

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()
        process.kill()
        process.wait()


def _readable(stream: IO[str], seconds: float) -> bool:
    end = time.monotonic() + seconds
    ready, _, _ = select.select([stream], [], [], max(0.0, end - time.monotonic()))
    return bool(ready)


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
