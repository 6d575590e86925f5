"""The parent's end of a server that forks processes, and of the processes that it forks."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from archlint.runner.messages import MessageError, content_of
from archlint.runner.resources import job_variables
from archlint.runtime.effort_clock import waited

START = 300.0  # seconds that a server may take to import torch
FORK = 60.0  # seconds that a server may take to fork
STOP = 5.0  # seconds that a server may take to end its processes
DUMP = 1.0  # seconds that a process may take to write its stacks
SHORT = 0.05  # seconds of waiting for a processor that do not prolong a job
PRINTED = 4000  # bytes: the end of a job's output that its verdict contains
READY = b"ready"
STACKS = signal.SIGUSR2  # on which a process writes its stacks

# The server gets the parent's sys.path without the current folder: a user's random.py must not
# replace the standard library's.
_BOOT = (
    "import sys; sys.path[:] = sys.argv.pop(1).split('\\n')\n"
    "from archlint.runner.job_process import main; main()"
)


class ServerDied(Exception):
    """The server ended, and with it the processes that it had forked."""


class Requests:
    """The socket on which a server takes requests."""

    def __init__(self, socket_: socket.socket) -> None:
        self._socket = socket_
        self._lock = threading.Lock()

    def fork(self, kind: str) -> Child:
        """Let the server fork a process: a ``job``, a ``template`` or a ``call``.

        Raises ``ServerDied``.
        """
        status, their_status = socket.socketpair()
        channel, their_channel = socket.socketpair()
        output, their_output = os.pipe()
        stacks = _scratch()
        child = Child(status, channel, output, stacks)
        sent = (their_status.fileno(), their_channel.fileno(), their_output, stacks.fileno())
        try:
            with self._lock:  # one at a time: the socket is a stream
                socket.send_fds(self._socket, [json.dumps({"kind": kind}).encode()], sent)
                their_status.close()
                status.settimeout(FORK)
                if not status.recv(1 << 6, socket.MSG_PEEK):
                    raise ServerDied
        except (OSError, ServerDied) as e:
            child.close()
            raise ServerDied from e
        finally:
            their_status.close()
            their_channel.close()
            os.close(their_output)
        return child

    def close(self) -> None:
        """End the server and all of its processes."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


class ServerProcess:
    """The first server of a run: a new Python process that imports the check and torch."""

    def __init__(self, check: str, threads: int, cwd: Path) -> None:
        """Start the process.

        ``check``: the function that checks a contract, as ``module:function``. ``threads``: torch
        threads of each process, unless the user allows fewer. ``cwd``: the working folder.
        """
        ours, theirs = socket.socketpair()
        self._printed = _scratch()
        command = [sys.executable, *_interpreter_flags(), "-u", "-c", _BOOT, "\n".join(sys.path)]
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [*command, check, str(theirs.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=self._printed,
                    stderr=self._printed,
                    env=os.environ | job_variables(threads),
                    cwd=cwd,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,  # a group of its own: Ctrl-C reaches only the parent
                )
        except BaseException:
            ours.close()
            self._printed.close()
            raise
        self._socket = ours
        self.requests = Requests(ours)
        self._lock = threading.Lock()
        self._ready = False

    def wait_until_ready(self) -> str:
        """Wait until the process has imported torch. Returns why it did not, or ``""``."""
        with self._lock:
            if self._ready:
                return ""
            self._socket.settimeout(START)
            try:
                self._ready = self._socket.recv(len(READY)) == READY
            except TimeoutError:
                return f"the worker process was not ready within {START:g} s"
            except OSError:
                self._ready = False
            if self._ready:
                self._socket.settimeout(FORK)
                return ""
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP)
            self._printed.seek(0)
            last = self._printed.read().decode(errors="replace").strip().rpartition("\n")[2]
            code = exit_words(self._process.poll())
            return f"the worker process could not start ({code}): {last}"

    def exit_code(self) -> int | None:
        """The exit code, once the process has ended; ``None`` if it does not end."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._process.wait(STOP)
        return None

    def stop(self) -> None:
        """End the process and all that it forked, and wait for that."""
        self.requests.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP if self._ready else 0)
        with contextlib.suppress(OSError):
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._printed.close()


@dataclass
class Outcome:
    """How the exchange with a process ended.

    ``content``: its message. ``code``: its exit code. ``late``: the time limit was reached.
    ``garbled``: it sent something that is not a message. ``printed``: the end of its output.
    """

    content: bytes | None = None
    code: int | None = None
    late: bool = False
    garbled: bool = False
    printed: str = ""


class Child:
    """One process that a server forked. Closing it ends the process."""

    def __init__(
        self, status: socket.socket, channel: socket.socket, output: int, stacks: IO[bytes]
    ) -> None:
        self.channel = channel
        self._status = status
        self._output = output
        self._stacks = stacks

    def exchange(self, message: bytes, seconds: float, *, ready: bool = False) -> Outcome:
        """Send a message and wait for the answer, for the end of the process, or ``seconds``.

        The seconds are those of the process's :mod:`.effort_clock`. When they are over it writes
        its stacks. With ``ready`` the answer is the word ``READY`` in place of a message. Output
        is read all the time, so that it never blocks the process, and only its end is kept. Raises
        ``ServerDied``.
        """
        outcome = Outcome()
        deadline, known = time.monotonic() + seconds, 0.0
        unsent, received, numbers = memoryview(message), bytearray(), b""
        printed = bytearray()
        for each in (self.channel, self._status):
            each.setblocking(False)
        os.set_blocking(self._output, False)
        with selectors.DefaultSelector() as selector:
            selector.register(self.channel, selectors.EVENT_READ | selectors.EVENT_WRITE)
            selector.register(self._status, selectors.EVENT_READ)
            selector.register(self._output, selectors.EVENT_READ)
            while outcome.content is None and outcome.code is None and not outcome.garbled:
                left = deadline - time.monotonic()
                if left <= 0:
                    pid = int(numbers.partition(b"\n")[0] or 0)
                    late = waited(pid) if pid else 0.0
                    deadline, prolonged, known = deadline + late - known, late - known, late
                    if prolonged < SHORT:
                        outcome.late = True
                        self._write_stacks(pid)
                        break
                    continue
                for key, events in selector.select(left):
                    if key.fd == self._output:
                        if not _drain(self._output, printed):
                            selector.unregister(self._output)
                    elif key.fileobj is self._status:
                        numbers += self._status.recv(1 << 6) or _raise(ServerDied())
                        if numbers.count(b"\n") > 1:  # its id, and then its exit code
                            outcome.code = int(numbers.split(b"\n")[1])
                    elif events & selectors.EVENT_WRITE and unsent:
                        with contextlib.suppress(OSError):  # its end is reported by the status
                            unsent = unsent[self.channel.send(unsent) :]
                        if not unsent:
                            selector.modify(self.channel, selectors.EVENT_READ)
                    elif not self._receive(received):
                        selector.unregister(self.channel)
                if outcome.code is not None:
                    while self._receive(received, once=True):
                        pass
                outcome.content = _content(received, ready, outcome)
        while _drain(self._output, printed, once=True):
            pass
        outcome.printed = printed[-PRINTED:].decode(errors="replace").strip()
        return outcome

    def _receive(self, received: bytearray, once: bool = False) -> bool:
        """Read a part of the message; false at its end, or with ``once`` if there is none now."""
        try:
            part = self.channel.recv(1 << 16)
        except BlockingIOError:
            return not once
        except OSError:
            return False
        received += part
        return bool(part)

    def _write_stacks(self, pid: int) -> None:
        """Let ``faulthandler`` write the stacks of the process, and wait for it."""
        if not pid:
            return
        with contextlib.suppress(OSError):
            os.kill(pid, STACKS)
        end = time.monotonic() + DUMP
        while not os.fstat(self._stacks.fileno()).st_size and time.monotonic() < end:
            time.sleep(DUMP / 100)

    def stacks(self) -> str:
        """What ``faulthandler`` wrote when the process crashed or its time was over."""
        self._stacks.seek(0)
        return self._stacks.read().decode(errors="replace")

    def close(self) -> None:
        """End the process and those of its group, if it still runs."""
        for each in (self._status, self.channel, self._stacks):
            each.close()
        with contextlib.suppress(OSError):
            os.close(self._output)


def _content(received: bytearray, ready: bool, outcome: Outcome) -> bytes | None:
    if ready:
        return bytes(received) if len(received) >= len(READY) else None
    try:
        return content_of(received)
    except MessageError:
        outcome.garbled = True
        return None


def _drain(descriptor: int, printed: bytearray, once: bool = False) -> bool:
    """Read output, and keep its end; false at its end, or with ``once`` if there is none now."""
    try:
        part = os.read(descriptor, 1 << 16)
    except BlockingIOError:
        return not once
    printed += part
    if len(printed) > 2 * PRINTED:
        del printed[:-PRINTED]
    return bool(part)


def _scratch() -> IO[bytes]:
    """A file without a name; in memory, if the system can do that, so that no disk can be full."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("archlint"), "w+b")
    return tempfile.TemporaryFile()


def _raise(error: Exception) -> bytes:
    raise error


def _interpreter_flags() -> list[str]:
    """Flags of this interpreter that change what Python code does."""
    flags = ["-" + "O" * sys.flags.optimize] if sys.flags.optimize else []
    return flags + (["-X", "utf8"] if sys.flags.utf8_mode else [])


def exit_words(code: int | None) -> str:
    """How a process ended, in words."""
    if code is None:
        return "stopped answering"
    if code >= 0:
        return f"exited with code {code}"
    with contextlib.suppress(ValueError):
        name = signal.Signals(-code).name
        hint = ", possibly out of memory" if name == "SIGKILL" else ""
        return f"was killed by signal {-code} ({name}{hint})"
    return f"was killed by signal {-code}"
