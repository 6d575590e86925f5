"""A project whose verdicts are cached.

The verdicts are those of tests/support/stub_models.py: what a function of the project returns.
"""

import json
import os
import subprocess
import sys

from tests import REPO

ENV = os.environ | {"PYTHONPATH": str(REPO), "PYTHONIOENCODING": "utf-8"}
CHECK = "tests.support.stub_models"
CONTRACT = """
    input: N 3 H W
    accepts: any H, W >= 32
"""


class Project:
    """A project in a folder of its own."""

    def __init__(self, root, warm_process=None):
        """``warm_process`` forks the processes of its commands, if there is one."""
        self.root = root
        self._warm_process = warm_process
        self.write("pyproject.toml", "[project]\nname = 'acme'\n")

    def write(self, name, text):
        """A file of the project. It is older than a second, as files that people write are."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.times = getattr(self, "times", 1_700_000_000) + 10
        os.utime(path, (self.times, self.times))

    def rules(self, *targets, head=""):
        lines = [f"  m{i}: {target}" for i, target in enumerate(targets)]
        models = "\n".join(lines)
        self.write(
            "archlint.yaml",
            f"{head}archlint: 1\nmodels:\n{models}\n"
            f"contracts:\n  - id: a\n    models: ['m*']{CONTRACT}",
        )

    def run(self, *args):
        start = [sys.executable, "-m", CHECK]
        if self._warm_process:
            start = self._warm_process.command(CHECK)
        return subprocess.run(
            [*start, "check", *args],
            cwd=self.root, env=ENV, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def decided(self, *args):
        """The models that were decided in a run, not recalled; and all messages."""
        before = self.entries()
        result = self.run("--format", "json", *args)
        assert not result.stderr
        verdicts = json.loads(result.stdout)["verdicts"]
        after = self.entries()
        fresh = [v["model"] for v in verdicts if after.get(v["model"]) != before.get(v["model"])]
        return fresh, [v["message"] for v in verdicts]

    def entries(self):
        """For each model, its entry's file and when that was written."""
        found = {}
        for path in (self.root / ".archlint_cache" / "verdicts").glob("*.json"):
            model = json.loads(path.read_text())["entry"]["body"]["verdict"][3]
            found.setdefault(model, set()).add((path.name, path.stat().st_mtime_ns))
        return found
