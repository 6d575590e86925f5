"""What runs in the processes that check jobs: the first server, the templates and the jobs."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import json
import os
import pickle
import random
import socket
import sys
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from archlint.contracts.job import Job
from archlint.contracts.verdict import Verdict
from archlint.runner import messages
from archlint.runner.cache.environment_key import other_module_names
from archlint.runner.fork_server import serve, threads_of_process
from archlint.runner.messages import Answer
from archlint.runner.resources import limit_memory
from archlint.runner.server_process import STACKS
from archlint.runtime.code_owner import is_own
from archlint.runtime.forks import FORKS, one_thread
from archlint.runtime.offline import OFFLINE, go_offline
from archlint.runtime.user_frames import described, summary

if TYPE_CHECKING:
    from archlint.runner.cache.dependency_watch import DependencyWatch

ORPHAN = 10  # times a job's limit after which it ends by itself
_ENGINE = "archlint."
_SEED = 0  # of Python, NumPy and PyTorch, which all start with other numbers in each run


def main() -> None:
    """The main function of the first server: ``CHECK DESCRIPTOR`` are the arguments.

    ``CHECK`` is the function that checks a job; for requests of kind ``call``, the function that is
    called with an object and returns bytes.

    The descriptor is that of the socket on which requests come.
    """
    target, descriptor = sys.argv[1:]
    del sys.argv[1:]  # a module may parse them when it is imported
    requests = socket.socket(fileno=int(descriptor))
    os.set_inheritable(requests.fileno(), False)
    if os.environ.get(OFFLINE):
        go_offline()
    module, _, name = target.partition(":")
    needs_torch = target.startswith(_ENGINE) and FORKS
    with one_thread() if needs_torch else contextlib.nullcontext():
        processes = _Processes(getattr(importlib.import_module(module), name))
        if FORKS:
            importlib.import_module("archlint.runner.cache.dependency_watch")
            other_module_names()  # from a cache that all jobs then share
        if needs_torch:
            from archlint.runner.warm_up import warm_up

            warm_up()
    requests.sendall(b"ready")
    if FORKS:
        gc.freeze()  # collections in the forked processes ignore what exists now
        serve(requests, processes.start)
    else:
        header, descriptors, _, _ = socket.recv_fds(requests, 1 << 16, 4)
        if header:
            status, channel = (socket.socket(fileno=fd) for fd in descriptors[:2])
            status.sendall(b"0\n")
            processes.start(json.loads(header), channel, *descriptors[2:])


class _Processes:
    """What a process forked from a server does: check one job, be a template, or make one call."""

    def __init__(self, check: Callable[..., Any]) -> None:
        self._check = check
        self._watch: DependencyWatch | None = None

    def start(
        self, request: dict[str, Any], channel: socket.socket, output: int, stacks: int
    ) -> None:
        """Do what the request says; the process ends here."""
        null = os.open(os.devnull, os.O_RDONLY)
        for here, there in ((null, 0), (output, 1), (output, 2)):
            os.dup2(here, there)
        os.close(null)
        os.close(output)
        faulthandler.enable(stacks)
        faulthandler.register(STACKS, stacks)
        what, seconds, *more = pickle.loads(messages.receive(channel))
        # The alarm runs without the GIL and ends the process when the parent is gone.
        faulthandler.dump_traceback_later(ORPHAN * seconds, exit=True, file=stacks)
        random.seed(_SEED)
        if numpy := sys.modules.get("numpy"):
            numpy.random.seed(_SEED)
        if torch := sys.modules.get("torch"):
            torch.manual_seed(_SEED)
        if request["kind"] == "call":
            channel.sendall(messages.framed(self._check(what)))
        else:
            self._start_job(request["kind"], channel, what, *more)
        os._exit(0)

    def _start_job(
        self, kind: str, channel: socket.socket, job: Job, nonce: str, memory: int | None
    ) -> None:
        if job.cacheable and self._watch is None:
            from archlint.runner.cache.dependency_watch import DependencyWatch

            self._watch = DependencyWatch(job.root)
            self._watch.start()
        if kind == "template":
            self._serve_as_template(job, channel)
        else:
            limit_memory(memory)
            channel.sendall(messages.framed(self._answer(job, nonce)))

    def _serve_as_template(self, job: Job, channel: socket.socket) -> None:
        """Import the module of the job's target, and fork the jobs of its module from here.

        An import that fails or leaves a thread behind, which a fork would lose, makes no template:
        then every job imports the module itself.
        """
        from archlint.models.targets import import_module_of

        faulthandler.cancel_dump_traceback_later()
        threads = threads_of_process()
        try:
            import_module_of(job.ref, job.root)
        except BaseException:
            return
        if threads_of_process() == threads:
            channel.sendall(b"ready")
            serve(channel, self.start)

    def _answer(self, job: Job, nonce: str) -> bytes:
        """The verdict on the job as a message.

        An exception that escapes the check becomes an error of this job alone.
        """
        watch = self._watch if job.cacheable else None
        try:
            verdict: object = self._check(job.contract, job.ref, root=job.root, samples=job.samples)
            if not isinstance(verdict, Verdict):
                verdict = job.error(f"the check returned {verdict!r:.200}; expected a Verdict")
            answer = Answer(verdict, watch.dependencies() if watch else None)
            message = messages.encode_answer(nonce, answer)
        except messages.MessageError as e:
            message = messages.encode_answer(nonce, Answer(job.error(str(e)), None))
        except BaseException as e:
            traceback.print_exc()
            message = messages.encode_answer(nonce, Answer(job.error(_escaped(e)), None))
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        return message


def _escaped(error: BaseException) -> str:
    """What an exception that ended a check says: a bug in archlint, but for what the machine lacks
    and what user code raises to end the process or the thread, such as ``KeyboardInterrupt``.
    """
    from archlint.runtime.environment_errors import is_environment_error

    frames = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    if not isinstance(error, Exception) and not is_own(frames[-1]):
        return f"the model's code raised {described(error)}"
    if reason := is_environment_error(error):
        return f"the check could not be completed: {reason} ({described(error)})"
    return f"internal error in archlint: {summary(error)}"
