"""Both ends of one worker process.

The parent's end is :class:`Worker`, the child's is :func:`main`; between them run two pipes: a
pickled job and its time limit in, a pickled verdict out. What the user's code prints goes to a
file of the worker's own.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from archlint.contracts.job import Job
from archlint.contracts.verdict import Verdict
from archlint.runner import stack_dump as stackdump
from archlint.runner.cache.verdict_cache import keep

START = 300.0  # seconds that a worker may take to import torch
PRINTED = 4000  # bytes of a job's output that are kept: the last ones

# The worker gets the parent's sys.path, not the current folder: a user's random.py must not
# stand in for the standard library's.
_BOOT = (
    "import sys; sys.path[:] = sys.argv.pop(1).split('\\n')\n"
    "from archlint.runner.worker import main; main()"
)


class Worker:
    """The parent's end of one worker process."""

    def __init__(
        self,
        folder: Path,
        root: Path,
        decide: str,
        grace: float,
        threads: int,
        here: Path | None = None,
    ) -> None:
        """``here``: the folder that the process works in, unless it is this process's own."""
        self.root = root
        self._here = here or Path.cwd()
        self._decide = decide
        self.alive = True
        self._grace = grace
        self._late = False
        self._output = folder / "output"
        self._stacks = folder / "stacks"
        # Torch reads these when it is imported; so jobs * threads stay within the cores.
        env = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(threads))
        command = [sys.executable, "-u", "-c", _BOOT, "\n".join(sys.path), str(self._stacks)]
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, decide],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=env,
                cwd=here,
                start_new_session=True,  # a group of its own: Ctrl-C is the parent's to handle
            )
        self._ready = False
        self._collected = False

    def decide(self, job: Job) -> Verdict:
        """Send the job, await its verdict; on any failure an ``error``, and ``alive`` is false."""
        seconds = job.contract.budget.seconds + self._grace
        message = pickle.dumps((job, seconds))
        began = time.monotonic()
        rests = None
        try:
            if not self._ready:
                self._receive(START)
                self._ready = True
                began = time.monotonic()
            assert self._process.stdin is not None
            self._process.stdin.write(message)
            self._process.stdin.flush()
            # The worker's own alarm, with its stack, is first.
            verdict, rests = self._receive(seconds + 2)
        except Exception:  # whatever it is, no verdict can be read any more
            self.alive = False
            verdict = job.error(self._died(job))
            verdict = replace(verdict, seconds=round(time.monotonic() - began, 3))
        if not isinstance(verdict, Verdict):
            self.alive = False
            verdict = job.error(f"decided to something that is no verdict: {verdict!r:.200}")
        printed = self._printed()
        details = verdict.details | ({"printed": printed} if printed else {})
        verdict = replace(verdict, details=details)
        if job.cacheable:
            keep(job, verdict, rests, self._decide, self._here)
        return verdict

    def _receive(self, seconds: float) -> Any:
        assert self._process.stdout is not None
        time_limit = threading.Timer(seconds, self._expire)
        time_limit.start()
        try:
            return pickle.load(self._process.stdout)
        finally:
            time_limit.cancel()

    def _expire(self) -> None:
        self._late = True
        self.kill()

    def _died(self, job: Job) -> str:
        """Why there is no verdict, in words."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        code = self._process.poll()
        self.kill()
        self.wait()
        stacks = self._stacks.read_text(errors="replace") if self._stacks.exists() else ""
        place = stackdump.last_seen(stacks, self._here)
        doing = f"while deciding {job.contract.id} · {job.ref.name}"
        if not self._ready:
            if self._late:
                return f"the worker process was not ready within {START:g} s"
            last = self._printed().rpartition("\n")[2]
            return f"the worker process could not start ({_exit_words(code)}): {last}"
        if stackdump.is_timeout(stacks) or (self._late and code == -signal.SIGKILL):
            limit = f"did not finish within {job.contract.budget.seconds:g} s"
            return f"{limit}; last seen in {place}" if place else limit
        where = f" in {place}" if place else ""
        return f"the process {_exit_words(code)}{where} {doing}"

    def _printed(self) -> str:
        """The end of what the current job printed."""
        with self._output.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - PRINTED))
            return file.read().decode(errors="replace").strip()

    def kill(self) -> None:
        """Kill the process and whatever it started."""
        if self._collected:
            return  # its number may be another process's by now
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def wait(self) -> None:
        """Collect the killed process and close the pipes to it."""
        self._process.wait()
        self._collected = True
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                pipe and pipe.close()


def _exit_words(code: int | None) -> str:
    if code is None:
        return "stopped answering"
    if code >= 0:
        return f"exited with code {code}"
    with contextlib.suppress(ValueError):
        name = signal.Signals(-code).name
        hint = ", as a system short of memory does" if name == "SIGKILL" else ""
        return f"was killed by signal {-code} ({name}{hint})"
    return f"was killed by signal {-code}"


def main() -> None:
    """The worker process: jobs on fd 0, verdicts on fd 1; then both are out of reach."""
    stacks_path, target = sys.argv[1:]
    jobs, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    with open(stacks_path, "w") as stacks:
        faulthandler.enable(stacks)
        module, _, name = target.partition(":")
        decide = getattr(importlib.import_module(module), name)
        answers.write(pickle.dumps("ready"))
        answers.flush()
        while True:
            try:
                job, seconds = pickle.load(jobs)
            except EOFError:
                return
            with contextlib.suppress(OSError):
                os.ftruncate(2, 0)
            # The alarm runs without the GIL and ends the process even when the parent is gone.
            faulthandler.dump_traceback_later(seconds, exit=True, file=stacks)
            answer = _answer(decide, job)
            faulthandler.cancel_dump_traceback_later()
            answers.write(answer)
            answers.flush()


def _answer(decide: Callable[..., Verdict], job: Job) -> bytes:
    """The pickled verdict, and what it rests on if it is to be kept.

    Whatever escapes ``decide`` is a fault of archlint's own, and told.
    """
    from archlint.runner.cache.dependency_watch import WATCH

    try:
        if job.cacheable:
            WATCH.begin()
        verdict = decide(job.contract, job.ref, root=job.root, samples=job.samples)
        return pickle.dumps((verdict, WATCH.end() if job.cacheable else None))
    except BaseException as e:
        traceback.print_exc()
        summary = "".join(traceback.format_exception_only(type(e), e)).strip()
        return pickle.dumps((job.error(f"archlint itself failed: {summary}"), None))
