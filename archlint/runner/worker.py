"""Both ends of one worker process.

The parent's end is :class:`Worker`, the child's is :func:`main`. Two pipes connect them: a pickled
job and its time limit go in, a pickled verdict comes out. What the user's code prints goes to a
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
from typing import TYPE_CHECKING, Any

from archlint.contracts.job import Job
from archlint.contracts.verdict import Verdict
from archlint.runner.cache.verdict_cache import cache_verdict
from archlint.runner.stack_dump import is_timeout, last_frame

if TYPE_CHECKING:
    from archlint.runner.cache.dependency_watch import DependencyWatch

START = 300.0  # seconds that a worker may take to import torch
PRINTED = 4000  # bytes: the end of a job's output that its verdict contains

# The worker gets the parent's sys.path without the current folder: a user's random.py must not
# replace the standard library's.
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
        check: str,
        grace: float,
        threads: int,
        cwd: Path | None = None,
    ) -> None:
        """Start the process.

        ``folder``: an empty folder for its output. ``root``: the project whose jobs it checks.
        ``check``: the function that checks a contract, as ``module:function``. ``grace``: seconds
        that a job may exceed its budget. ``threads``: torch threads of the process. ``cwd``: its
        working folder, by default that of this process.
        """
        self.root = root
        self._cwd = cwd or Path.cwd()
        self._check = check
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
                [*command, check],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                env=env,
                cwd=cwd,
                start_new_session=True,  # a group of its own: Ctrl-C reaches only the parent
            )
        self._ready = False
        self._collected = False

    def check(self, job: Job) -> Verdict:
        """Send the job and wait for its verdict.

        After a failure of any kind the verdict is an ``error`` and ``alive`` is false.
        """
        seconds = job.contract.budget.seconds + self._grace
        message = pickle.dumps((job, seconds))
        start = time.monotonic()
        dependencies = None
        try:
            if not self._ready:
                self._receive(START)
                self._ready = True
                start = time.monotonic()
            assert self._process.stdin is not None
            self._process.stdin.write(message)
            self._process.stdin.flush()
            # The alarm of the worker, which also writes its stack, comes first.
            verdict, dependencies = self._receive(seconds + 2)
        except Exception:  # whatever it is, the pipe is unusable now
            self.alive = False
            verdict = job.error(self._died(job))
            verdict = replace(verdict, seconds=round(time.monotonic() - start, 3))
        if not isinstance(verdict, Verdict):
            self.alive = False
            verdict = job.error(f"the check returned {verdict!r:.200}; expected a Verdict")
        printed = self._printed()
        details = verdict.details | ({"printed": printed} if printed else {})
        verdict = replace(verdict, details=details)
        if job.cacheable:
            cache_verdict(job, verdict, dependencies, self._check, self._cwd)
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
        """The message of a job whose process died or did not answer in time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        code = self._process.poll()
        self.kill()
        self.wait()
        stacks = self._stacks.read_text(errors="replace") if self._stacks.exists() else ""
        place = last_frame(stacks, self._cwd)
        doing = f"while checking {job.contract.id} · {job.ref.name}"
        if not self._ready:
            if self._late:
                return f"the worker process was not ready within {START:g} s"
            last = self._printed().rpartition("\n")[2]
            return f"the worker process could not start ({_exit_words(code)}): {last}"
        if is_timeout(stacks) or (self._late and code == -signal.SIGKILL):
            limit = f"did not finish within {job.contract.budget.seconds:g} s"
            return f"{limit}; last seen in {place}" if place else limit
        where = f" in {place}" if place else ""
        return f"the process {_exit_words(code)}{where} {doing}"

    def _printed(self) -> str:
        """The end of the current job's output."""
        with self._output.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - PRINTED))
            return file.read().decode(errors="replace").strip()

    def kill(self) -> None:
        """Kill the process and its child processes."""
        if self._collected:
            return  # its id may belong to another process by now
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def wait(self) -> None:
        """Wait for the killed process and close its pipes."""
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
        hint = ", possibly out of memory" if name == "SIGKILL" else ""
        return f"was killed by signal {-code} ({name}{hint})"
    return f"was killed by signal {-code}"


def main() -> None:
    """The main function of a worker process.

    Jobs come on fd 0 and verdicts go to fd 1; both are then redirected, so that the user's code
    cannot reach the pipes.
    """
    stacks_path, target = sys.argv[1:]
    jobs, verdicts = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    with open(stacks_path, "w") as stacks:
        faulthandler.enable(stacks)
        module, _, name = target.partition(":")
        check = getattr(importlib.import_module(module), name)
        watch: DependencyWatch | None = None
        verdicts.write(pickle.dumps("ready"))
        verdicts.flush()
        while True:
            try:
                job, seconds = pickle.load(jobs)
            except EOFError:
                return
            with contextlib.suppress(OSError):
                os.ftruncate(2, 0)
            # The alarm runs without the GIL and ends the process even when the parent is gone.
            faulthandler.dump_traceback_later(seconds, exit=True, file=stacks)
            if job.cacheable and watch is None:
                from archlint.runner.cache.dependency_watch import DependencyWatch

                watch = DependencyWatch()
            message = _checked(check, job, watch if job.cacheable else None)
            faulthandler.cancel_dump_traceback_later()
            verdicts.write(message)
            verdicts.flush()


def _checked(check: Callable[..., Verdict], job: Job, watch: DependencyWatch | None) -> bytes:
    """The pickled verdict, and with a ``watch`` what it depends on.

    An exception that escapes ``check`` is a bug in archlint; the verdict reports it.
    """
    try:
        if watch:
            watch.start_job()
        verdict = check(job.contract, job.ref, root=job.root, samples=job.samples)
        return pickle.dumps((verdict, watch.end_job() if watch else None))
    except BaseException as e:
        traceback.print_exc()
        summary = "".join(traceback.format_exception_only(type(e), e)).strip()
        return pickle.dumps((job.error(f"internal error in archlint: {summary}"), None))
