"""Runs an exported model in a process that it may end, and starts another one then."""

from __future__ import annotations

import json
import os
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
from typing import Any

from archlint.contracts.settings import shorten
from archlint.errors import ArchlintError

_SECONDS_TO_END = 5.0


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
        self._process: subprocess.Popen[bytes] | None = None
        self._loaded = False
        self._unread, self._forks = b"", 0

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
        if self._loaded:
            return
        if self._process is None:
            self._process = subprocess.Popen(
                [*self._command, self._folder.name],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        answer = self._answer(do="load")
        if isinstance(answer, str):
            raise ArchlintError(f"{self._name}: {answer} while it was loaded")
        failed = answer.get("failed") or answer.get("error")
        if failed:
            raise ArchlintError(f"{self._name} cannot be loaded: {failed}")
        self.inputs, self.version = answer["inputs"], answer["version"]
        self.shapes, self.outputs = answer["shapes"], answer["names"]
        self._loaded = True

    def run(self, arrays: Sequence[Any], *, reused: bool) -> Answer:
        """Run once, in the request of earlier calls (``reused``) or in a fresh one."""
        import numpy

        self.load()
        folder = Path(self._folder.name)
        for i, array in enumerate(arrays):
            numpy.save(folder / f"in_{i}.npy", array)
        answer = self._answer(do="run", reused=reused, inputs=len(arrays))
        if isinstance(answer, str):
            return Answer(ended=answer)
        if "error" in answer:
            return Answer(error=answer["error"])
        count = answer["outputs"]
        return Answer(tuple(numpy.load(folder / f"out_{i}.npy") for i in range(count)))

    def restart(self) -> None:
        """End what has the model loaded; the next run loads it in another process."""
        if self._loaded:
            self._answer(do="end")

    def _answer(self, **request: Any) -> dict[str, Any] | str:
        """The answer to a request, or how the process ended."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        with suppress(BrokenPipeError):  # the answer says how the process ended
            process.stdin.write(json.dumps(request | {"to": self._forks}).encode() + b"\n")
            process.stdin.flush()
        line = self._line(process)
        if line is None:
            self._end()
            return f"no answer within {self._seconds:g} s"
        if not line:
            code = process.wait()
            self._end()
            return f"process ended with {_ending(code)}"
        answer: dict[str, Any] = json.loads(line)
        if "ended" in answer:  # the forked process, maybe before it read the request
            self._loaded, self._forks = False, self._forks + 1
            return f"process ended with {_ending(answer['ended'])}"
        return answer

    def _line(self, process: subprocess.Popen[bytes]) -> bytes | None:
        """The next line of the process, empty if it ended; ``None`` if the time is over."""
        assert process.stdout is not None
        end = time.monotonic() + self._seconds
        while b"\n" not in self._unread:
            left = max(0.0, end - time.monotonic())
            if not select.select([process.stdout], [], [], left)[0]:
                return None
            read = os.read(process.stdout.fileno(), 1 << 16)
            if not read:
                return b""
            self._unread += read
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _end(self) -> None:
        process, self._process, self._loaded = self._process, None, False
        self._unread, self._forks = b"", 0
        if process is None:
            return
        process.terminate()  # ends the forked process, too
        try:
            process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):
                    stream.close()


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
