"""A process that has PyTorch imported, and forks one process for each job.

No job sees what another one did to PyTorch, to a library or to Python: its process has imported
only what the check itself needs. A request for a *template* forks a process that imports the module
of a target and then is such a server itself, so that the jobs of one module share its imports.

Requests come on a socket, each with the descriptors of the new process. The server is the parent of
all processes, so it can end them without a race, and it ends them all when its socket is closed: no
process outlives the run, however the run ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

_HEADER = 1 << 16  # bytes of a request
_DESCRIPTORS = 4  # of a request: status, channel, output and stacks
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36  # of Linux's prctl

Start = Callable[[dict[str, Any], socket.socket, int, int], None]
"""Runs in the new process: with the request, its channel, and its files for output and stacks."""


def serve(requests: socket.socket, start: Start) -> None:
    """Fork a process for each request until the other end of the socket is closed."""
    _Server(requests, start).run()


class _Server:
    def __init__(self, requests: socket.socket, start: Start) -> None:
        self._requests = requests
        self._start = start
        self._statuses: dict[int, socket.socket] = {}  # by process id
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        _prctl(_SET_CHILD_SUBREAPER, 1)
        woken, wake = socket.socketpair()
        woken.setblocking(False)
        wake.setblocking(False)
        before = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        handler = signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._requests, selectors.EVENT_READ)
        self._selector.register(woken, selectors.EVENT_READ)

        def restore() -> None:
            signal.set_wakeup_fd(before)
            signal.signal(signal.SIGCHLD, handler)
            self._selector.close()
            for each in (woken, wake, self._requests, *self._statuses.values()):
                each.close()

        open_ = True
        while open_:
            for key, _ in self._selector.select():
                if key.fileobj is self._requests:
                    open_ = self._request(restore)
                elif key.fileobj is woken:
                    with contextlib.suppress(BlockingIOError):
                        woken.recv(1 << 12)
                    self._collect()
                else:
                    self._kill(key.data)
        self._end()

    def _request(self, restore: Callable[[], None]) -> bool:
        """Fork the process of one request; false if the run has ended."""
        try:
            header, descriptors, _, _ = socket.recv_fds(self._requests, _HEADER, _DESCRIPTORS)
        except OSError:
            return False
        if not header or len(descriptors) != _DESCRIPTORS:
            return False
        status, channel = (socket.socket(fileno=fd) for fd in descriptors[:2])
        output, stacks = descriptors[2:]
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                _prctl(_SET_PDEATHSIG, signal.SIGKILL)
                if os.getppid() == server:  # else the server died before it could be watched
                    status.close()
                    restore()
                    self._start(json.loads(header), channel, output, stacks)
            finally:
                os._exit(1)
        channel.close()
        os.close(output)
        os.close(stacks)
        self._statuses[pid] = status
        self._selector.register(status, selectors.EVENT_READ, pid)
        self._report(status, pid)
        return True

    def _report(self, status: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError):
            status.send(b"%d\n" % number)

    def _kill(self, pid: int) -> None:
        """End a process whose status nobody reads any more, with those that it started."""
        self._selector.unregister(self._statuses[pid])
        _kill_group(pid)

    def _collect(self) -> None:
        """Collect the processes that have ended, and report their exit codes."""
        while True:
            try:
                info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if info is None:
                return
            status = self._statuses.pop(info.si_pid, None)
            if status is not None:
                _kill_group(info.si_pid)  # before its id can belong to another process
            _, code = os.waitpid(info.si_pid, 0)
            if status is not None:
                with contextlib.suppress(KeyError):
                    self._selector.unregister(status)
                self._report(status, os.waitstatus_to_exitcode(code))
                status.close()

    def _end(self) -> None:
        """End all processes, also those that left their group."""
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for pid in self._statuses:
            _kill_group(pid)
        while True:
            for pid in _children():
                _kill_group(pid)
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            try:
                os.wait()
            except ChildProcessError:
                return


def _kill_group(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def _children() -> list[int]:
    """The processes whose parent is this one; only where Linux lists them."""
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return list(map(int, file.read().split()))
    except (OSError, ValueError):
        return []


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def threads_of_process() -> int:
    """The number of threads of this process, also those that Python did not start."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        import threading

        return threading.active_count()
