"""Projects of stub contracts, and the command line in this process and in one of its own."""

import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from archlint.cli import app as cli
from tests import REPO
from tests.support import stub_cli


def project_in(folder, monkeypatch):
    """An empty project in ``folder``, the current one now: a function that writes a rule file."""
    monkeypatch.chdir(folder)

    def write(name="archlint.yaml", contracts=None, more="", text=None):
        lines = [f"  {id}: [{', '.join(models)}]" for id, models in (contracts or {}).items()]
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text or "\n".join(["archlint: 1", "contracts:", *lines, more]))
        return path

    return write


def check_in_process(monkeypatch):
    """``archlint check`` in this process, on stub contracts."""
    stub_cli.install(
        lambda where, name, value: monkeypatch.setattr(where, name, value, raising=False)
    )
    return lambda *args: CliRunner().invoke(cli.cli, ["check", *map(str, args)])


def write_several(project):
    """Write a rule file with contracts to select."""
    project(
        contracts={"photo-any": ["proved", "samples"], "photo-big": ["proved"], "grid": ["slow"]}
    )


def ids(result):
    return [(v["contract"], v["model"]) for v in json.loads(result.stdout)["verdicts"]]


def start(*args, env=(), **kwargs):
    """``archlint`` in a process of its own, on stub contracts."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.stub_cli", *map(str, args)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPO), "PYTHONIOENCODING": "utf-8"} | dict(env),
        **kwargs,
    )


def on_terminal(*args, env):
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.stub_cli", *args],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"PYTHONPATH": str(REPO), "TERM": "xterm"} | env,
    )
    os.close(theirs)
    output = b""
    try:
        while chunk := os.read(ours, 4096):
            output += chunk
    except OSError:  # the terminal closed
        pass
    os.close(ours)
    return output.decode(), process.wait(60)
