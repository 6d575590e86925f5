"""Checks jobs, each in a process of its own.

A server process (:mod:`.fork_server`) has torch imported and forks the processes. A pickled job and
its time limit go to a process; its verdict comes back as JSON.
"""

from __future__ import annotations

import pickle
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from archlint.contracts.job import Job
from archlint.contracts.verdict import Verdict
from archlint.runner.cache.verdict_cache import cache_verdict
from archlint.runner.messages import Answer, MessageError, decode_answer, framed
from archlint.runner.server_process import (
    Child,
    Outcome,
    Requests,
    ServerDied,
    ServerProcess,
    exit_words,
)
from archlint.runner.stack_dump import last_frame
from archlint.runtime.forks import FORKS

_TEMPLATES = 32  # processes that have a module imported and wait for jobs
_ENGINE = "archlint."

_Key = tuple[Path, str, str, bool]


class Worker:
    """Checks jobs in processes that one server forks. Its methods may be called in any thread."""

    def __init__(
        self,
        check: str,
        grace: float,
        threads: int,
        cwd: Path | None = None,
        memory: int | None = None,
    ) -> None:
        """Start the server.

        ``check``: the function that checks a contract, as ``module:function``. ``grace``: seconds
        that a job may exceed its budget. ``threads``: torch threads of a process. ``cwd``: the
        working folder of the processes, by default that of this one. ``memory``: bytes that each
        process may allocate.
        """
        self._check = check
        self._grace = grace
        self._threads = threads
        self._cwd = cwd or Path.cwd()
        self._memory = memory
        self._lock = threading.Lock()
        self._stopped = False
        self._seen: Counter[_Key] = Counter()
        self._templates: dict[_Key, _Template] = {}
        self._alone: set[ServerProcess] = set()
        if FORKS:
            self._server = self._started()

    def _started(self) -> ServerProcess:
        return ServerProcess(self._check, self._threads, self._cwd)

    def expect(self, jobs: Iterable[Job]) -> None:
        """Announce jobs, so that those of one module share its imports."""
        for key, count in Counter(map(_key, jobs)).items():
            self._seen[key] += count - 1

    def check(self, job: Job) -> Verdict:
        """Check the job and return its verdict; after a failure of any kind, an ``error``."""
        start = time.monotonic()
        try:
            verdict, dependencies = self._checked(job)
        except ServerDied:
            verdict, dependencies = job.error("the worker process was killed"), None
        if verdict.word == "error" and not verdict.seconds:
            verdict = replace(verdict, seconds=round(time.monotonic() - start, 3))
        if job.cacheable:
            cache_verdict(job, verdict, dependencies, self._check, self._cwd)
        return verdict

    def _checked(self, job: Job) -> tuple[Verdict, dict[str, object] | None]:
        if not FORKS:
            return self._run_alone(job)
        server = self._server
        if failure := server.wait_until_ready():
            return job.error(failure), None
        template = self._template(job)
        if template is not None:
            seconds = job.contract.budget.seconds + self._grace
            try:
                if template.started(server, self._message(job, seconds, ""), seconds):
                    return self._run(job, template.requests)
            except ServerDied:
                pass  # only the template, perhaps: the job itself did not end it
            finally:
                with self._lock:
                    template.users -= 1
        try:
            return self._run(job, server.requests)
        except ServerDied:
            server = self._restarted(server)
            if failure := server.wait_until_ready():
                return job.error(failure), None
            return self._run(job, server.requests)

    def _run_alone(self, job: Job) -> tuple[Verdict, dict[str, object] | None]:
        """Check the job in a new Python process, where a process with torch cannot fork."""
        with self._lock:
            if self._stopped:
                raise ServerDied
            server = self._started()
            self._alone.add(server)
        try:
            failure = server.wait_until_ready()
            return (job.error(failure), None) if failure else self._run(job, server.requests)
        except ServerDied:
            code = exit_words(server.exit_code())
            doing = f"while checking {job.contract.id} · {job.ref.name}"
            return job.error(f"the process {code} {doing}"), None
        finally:
            with self._lock:
                self._alone.discard(server)
            server.stop()

    def _restarted(self, server: ServerProcess) -> ServerProcess:
        """A new server in place of one that was killed. Raises ``ServerDied`` after the end."""
        with self._lock:
            if self._stopped:
                raise ServerDied
            if self._server is server:
                server.stop()
                for template in self._templates.values():
                    template.close()
                self._templates.clear()
                self._server = self._started()
            return self._server

    def _run(self, job: Job, requests: Requests) -> tuple[Verdict, dict[str, object] | None]:
        """Check the job in a new process of the server. Raises ``ServerDied``."""
        seconds = job.contract.budget.seconds + self._grace
        nonce = uuid.uuid4().hex
        child = requests.fork("job")
        try:
            outcome = child.exchange(self._message(job, seconds, nonce), seconds)
            answer = self._answer(job, nonce, child, outcome)
        finally:
            child.close()
        verdict = answer.verdict
        if outcome.printed:
            verdict = replace(verdict, details=verdict.details | {"printed": outcome.printed})
        return verdict, answer.dependencies

    def _message(self, job: Job, seconds: float, nonce: str) -> bytes:
        return framed(pickle.dumps((job, seconds, nonce, self._memory)))

    def _answer(self, job: Job, nonce: str, child: Child, outcome: Outcome) -> Answer:
        doing = f"while checking {job.contract.id} · {job.ref.name}"
        if outcome.content is not None or outcome.garbled:
            try:
                if outcome.content is not None:
                    return decode_answer(outcome.content, nonce, job)
            except MessageError:
                pass
            return Answer(job.error(f"the process sent no valid verdict {doing}"), None)
        stacks = child.stacks()
        place = last_frame(stacks, self._cwd)
        if outcome.late:
            limit = f"did not finish within {job.contract.budget.seconds:g} s"
            return Answer(job.error(f"{limit}; last seen in {place}" if place else limit), None)
        where = f" in {place}" if place else ""
        return Answer(job.error(f"the process {exit_words(outcome.code)}{where} {doing}"), None)

    # -- templates ----------------------------------------------------------------------------

    def _template(self, job: Job) -> _Template | None:
        """A process that has imported the job's module, if several jobs are of that module.

        The caller lowers its ``users`` when the job is done.
        """
        if not self._check.startswith(_ENGINE):
            return None
        key = _key(job)
        with self._lock:
            self._seen[key] += 1
            if self._seen[key] < 2 or self._stopped:
                return None
            template = self._templates.pop(key, None) or _Template()
            self._templates[key] = template  # the last one used is the last one
            template.users += 1
            for old in list(self._templates)[:-_TEMPLATES]:
                if not self._templates[old].users:
                    self._templates.pop(old).close()
        return template

    def stop(self) -> None:
        """End all processes and wait for that; jobs that run get an ``error``."""
        with self._lock:
            self._stopped = True
            servers = [*self._alone, *([self._server] if FORKS else [])]
            templates = list(self._templates.values())
        for server in servers:
            server.stop()
        for template in templates:
            template.close()


class _Template:
    """The parent's end of a template, which starts with its first job.

    ``users``: the number of jobs that need it now.
    """

    def __init__(self) -> None:
        self.users = 0
        self.requests: Requests
        self._lock = threading.Lock()
        self._child: Child | None = None
        self._tried = False

    def started(self, server: ServerProcess, message: bytes, seconds: float) -> bool:
        """Whether the template can fork; start it if that was not tried.

        Raises ``ServerDied``.
        """
        with self._lock:
            if not self._tried:
                self._tried = True
                child = server.requests.fork("template")
                try:
                    outcome = child.exchange(message, seconds, ready=True)
                except ServerDied:
                    child.close()
                    raise
                if outcome.content is None:
                    child.close()
                else:
                    child.channel.settimeout(None)
                    self._child = child
                    self.requests = Requests(child.channel)
            return self._child is not None

    def close(self) -> None:
        """End the process."""
        if self._child is not None:
            self._child.close()


def _key(job: Job) -> _Key:
    """The key of a job: jobs of equal keys share an import and the record of what it uses."""
    where = str(Path(job.ref.where.file).parent) if job.ref.where else ""
    module = job.ref.target.rpartition(":")[0]
    return job.root, where if module.endswith(".py") else "", module, job.cacheable
