"""Projects in which ``archlint init`` looks for models."""

import textwrap
from pathlib import Path

from click.testing import CliRunner

from archlint.cli import app as cli
from archlint.project.discover.candidates import discover
from tests.support import in_process

NET = """
    from torch import nn

    class Net(nn.Module):
        def forward(self, x):
            return x
"""


def start_project(root, monkeypatch):
    """Make ``root`` the current project.

    The result is a function that writes files to it and returns what ``discover`` finds in it.
    """
    monkeypatch.chdir(root)
    Path("pyproject.toml").touch()

    def write(files, place="."):
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text))
        return discover(root / place, root)

    return write


def targets(models):
    return [m.target(Path.cwd()) for m in models]


def ready(found):
    return targets(found.ready((), ()))


def init_in_process(monkeypatch):
    """``archlint init``, as a function of its arguments; models are built in this process."""
    monkeypatch.setattr("archlint.runner.pool.run", in_process.run)
    return lambda *args: CliRunner().invoke(cli.cli, ["init", *map(str, args)])
