"""A process that has PyTorch imported, and forks a process for each command that tests start.

A new process imports PyTorch in two seconds, and so does the worker that ``archlint check`` starts.
The command of a fork is what ``python -m MODULE ARGS`` is, with its folder, variables, files and
exit code, but for those imports. The first server of its workers is a fork, too.
"""

import atexit
import contextlib
import gc
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from importlib import import_module
from pathlib import Path

from tests import REPO

# Gives its own arguments, folder, variables and files to a fork, and exits with the fork's code.
_CLIENT = """
import array, json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect(sys.argv[1])
command = json.dumps([sys.argv[2:], os.getcwd(), dict(os.environ)]).encode()
files = array.array("i", [0, 1, 2])
server.sendmsg([b"%12d" % len(command)], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, files)])
server.sendall(command)
sys.exit(int(server.recv(8) or 1))
"""


class WarmProcess:
    """The process; it starts with its first command, and ends with the ``with`` statement."""

    def __init__(self):
        self._process = None

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory()
        self._address = os.path.join(self._folder.name, "socket")
        self._client = Path(self._folder.name, "client.py")
        self._client.write_text(_CLIENT)
        return self

    def __exit__(self, *_):
        if self._process is not None:
            self._process.communicate()
        self._folder.cleanup()

    def command(self, module):
        """The start of a command line, in place of ``[sys.executable, "-m", module]``."""
        if self._process is None:
            more = {"PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "1"}
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, self._address],
                env=os.environ | more, cwd=self._folder.name, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )  # fmt: skip
            self._process.stdout.readline()
        return [sys.executable, "-I", "-S", str(self._client), self._address, module]


def main():
    """Import what commands import, and fork them until ``stdin`` ends."""
    import timm  # noqa: F401
    import torchvision  # noqa: F401

    from archlint.cli.app import COMMANDS
    from archlint.runner import warm_up

    for name in COMMANDS:
        import_module(f"archlint.cli.{name.replace('-', '_')}")
    warm_up.warm_up()
    warm_up.warm_up = lambda: None  # for the servers of workers
    paths = sys.path[2:]  # without the folder and PYTHONPATH
    command = _command(sys.argv[1])
    if command is not None:
        (module, *sys.argv[1:]), folder, variables = command
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(variables)
        more = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        sys.path[:] = [folder, *filter(None, more), *paths]
        for name in [n for n in sys.modules if n.partition(".")[0] == "tests"]:
            del sys.modules[name]  # a project may have tests, too
        for function in _of_environment():
            function.cache_clear()
        from archlint.runner import server_process

        server_process.subprocess = _Subprocess()
        code = 0
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as e:
            code = e.code or 0
        except BaseException:
            traceback.print_exc()
            code = 1
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(code)  # what Python does beside that takes PyTorch half a second


def _of_environment():
    """Functions that remember variables, settings or installed packages."""
    from archlint.runner.cache import environment_key
    from archlint.runtime import code_owner

    values = [*vars(environment_key).values(), *vars(code_owner).values()]
    return [value for value in values if hasattr(value, "cache_clear")]


def _command(address):
    """In each fork, its command; ``None`` when ``stdin`` has ended."""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen()
    print("ready", flush=True)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with selectors.DefaultSelector() as selector:
        for each in (listening, 0):
            selector.register(each, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj == 0:
                    return None
                client, _ = listening.accept()
                if os.fork() == 0:
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    return _of_client(client)
                client.close()


def _of_client(client):
    """The client's command, in a fork whose exit code goes to the client."""
    head, files, _, _ = socket.recv_fds(client, 12, 3)
    data = b""
    while len(data) < int(head):
        data += client.recv(1 << 16)
    pid = os.fork()
    if pid:
        for file in files:
            os.close(file)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with contextlib.suppress(OSError):
            client.sendall(b"%d" % (code % 256))
        os._exit(0)
    for number, file in enumerate(files):
        os.dup2(file, number)
    _close_all_but(0, 1, 2)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, errors="backslashreplace", closefd=False)
    return json.loads(data)


def _close_all_but(*kept):
    for file in map(int, os.listdir("/proc/self/fd")):
        if file not in kept:
            with contextlib.suppress(OSError):
                os.close(file)


class _Subprocess:
    """``subprocess`` for :mod:`archlint.runner.server_process`, with a ``Popen`` that forks."""

    def __getattr__(self, name):
        return getattr(subprocess, name)

    class Popen:
        """The first server of workers; what it would import is imported."""

        def __init__(self, command, *, stdout, env, cwd, pass_fds, **_):
            self._code = None
            self.pid = os.fork()
            if self.pid:
                return
            try:
                os.setsid()
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                for number in (1, 2):
                    os.dup2(stdout.fileno(), number)
                _close_all_but(0, 1, 2, *pass_fds)
                os.environ.update(env)
                os.chdir(cwd)
                sys.path[:] = command[-3].split("\n")
                sys.argv[1:] = command[-2:]
                from archlint.runner import job_process

                job_process.main()
            finally:
                os._exit(1)

        def poll(self):
            if self._code is None:
                pid, status = os.waitpid(self.pid, os.WNOHANG)
                self._code = os.waitstatus_to_exitcode(status) if pid else None
            return self._code

        def wait(self, timeout=None):
            end = time.monotonic() + (float("inf") if timeout is None else timeout)
            while self.poll() is None:
                if time.monotonic() > end:
                    raise subprocess.TimeoutExpired("server", timeout)
                time.sleep(0.002)
            return self._code


if __name__ == "__main__":
    main()
