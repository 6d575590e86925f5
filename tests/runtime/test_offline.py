"""What a process that must not use the network refuses, in a process of its own."""

import subprocess
import sys

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
