"""What a process that must not use the network refuses, in a process of its own."""

import subprocess
import sys
from urllib.error import URLError

import pytest

from archlint.errors import TargetError
from archlint.models.user_code import user_code
from archlint.runtime.offline import OfflineError, offline_refusal

TRIES = """
import os, socket, subprocess, sys, urllib.request
from archlint.runtime.offline import OfflineError, go_offline
go_offline()
def refused(call):
    try:
        call()
    except Exception as e:
        return isinstance(e, OfflineError) or isinstance(getattr(e, "reason", None), OfflineError)
    return False
print([
    refused(lambda: urllib.request.urlopen("http://localhost:9/x")),
    refused(lambda: socket.create_connection(("127.0.0.1", 9), timeout=1)),
    refused(lambda: subprocess.run([sys.executable, "-m", "pip", "install", "x"])),
    refused(lambda: os.system("git clone http://localhost:9/x")),
    refused(lambda: subprocess.run(["true"])),
    refused(lambda: socket.socketpair()),
])
"""


def test_network_and_installations_are_refused():
    done = subprocess.run([sys.executable, "-c", TRIES], capture_output=True, text=True)
    assert done.stdout.strip() == "[True, True, True, True, False, False]", done.stderr


def wrapped(kind):
    """An ``OfflineError`` as libraries wrap it."""
    refused = OfflineError("no network; --online allows it")
    if kind == "URLError":
        return URLError(refused)
    try:
        try:
            raise refused
        except OSError as e:
            if kind == "from":
                raise RuntimeError("no weights") from e
            raise LookupError("no weights")  # noqa: B904 (as a library that forgets it)
    except Exception as e:
        return e


@pytest.mark.parametrize("kind", ["URLError", "from", "context"])
def test_an_error_that_a_refusal_caused_is_reported_as_the_refusal(kind):
    with pytest.raises(TargetError) as error, user_code("net:f could not be built"):
        raise wrapped(kind)
    assert str(error.value).startswith("net:f could not be built: no network; --online allows it (")


def test_other_errors_are_no_refusals():
    circle = ValueError("a")
    circle.__context__ = KeyError("b")
    circle.__context__.__context__ = circle
    assert offline_refusal(circle) == ""
    assert offline_refusal(URLError(OSError("unreachable"))) == ""
