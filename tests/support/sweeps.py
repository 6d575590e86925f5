"""Projects of stub contracts that ``archlint check`` sweeps through, in processes of its own."""

import json
import os
import subprocess
import sys

from archlint.contracts.job import Job
from tests import REPO
from tests.support.stub_cli import contract

GUARD = 300.0  # seconds after which a test that hangs is given up
STUB_CHECK = (sys.executable, "-m", "tests.support.stub_cli", "check", "--no-cache")
ENV = os.environ | {"PYTHONPATH": str(REPO), "PYTHONIOENCODING": "utf-8"}


def job(model, root=REPO, **kwargs):
    made = contract(model=model, **kwargs)
    return Job(made, made.models[0], root)


class SweptProject:
    """A project, and ``archlint check`` on it."""

    def __init__(self, path):
        self.path = path
        (path / "pyproject.toml").write_text("")

    def write(self, contracts, more=""):
        """Write the rule file; ``contracts``: id to models."""
        lines = [f"  {id}: [{', '.join(models)}]" for id, models in contracts.items()]
        text = "\n".join(["archlint: 1", "contracts:", *lines, more])
        (self.path / "archlint.yaml").write_text(text)

    def start(self, *args):
        return subprocess.Popen(
            [*STUB_CHECK, *map(str, args)],
            cwd=self.path, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *args):
        process = self.start(*args)
        out, err = process.communicate(timeout=GUARD)
        return process.returncode, out, err


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]
