"""The cache on real models: what a run without news loads, and what is decided again."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cached_project import ENV, Project

HEAVY = ("torch", "z3", "numpy", "pydantic", "lark", "yaml")
# Runs the command line, then says which of the heavy modules were loaded, and how many processes
# were started.
WATCHED = f"""
import subprocess, sys
started = []
class Popen(subprocess.Popen):
    def __init__(self, *args, **kwargs):
        started.append(args)
        super().__init__(*args, **kwargs)
subprocess.Popen = Popen
from archlint.cli.app import main
try:
    main()
except SystemExit as e:
    loaded = [name for name in {HEAVY} if name in sys.modules]
    print(e.code, loaded, len(started), file=sys.stderr)
"""
NET = """
from torch import nn
from acme.layers import block

class {name}(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = block()
        self.head = nn.Linear({features}, 10)

    def forward(self, x):
        return self.head({end})
"""
RULES = """
archlint: 1
models:
  pooled: acme.pooled:Pooled
  flat: acme/flat.py:Flat
  again: {target: acme/flat.py:Flat, kwargs: {}}
contracts:
  - id: small
    models: [pooled, flat, again]
    input: N 3 H W
    accepts: any H, W >= 4
    output: N 10
"""


@pytest.fixture
def project(tmp_path):
    project = Project(tmp_path)
    project.write("acme/__init__.py", "")
    layers = "from torch import nn\ndef block(): return nn.Conv2d(3, 8, 3, padding=1)\n"
    project.write("acme/layers.py", layers)
    end = "self.body(x).mean((2, 3))"
    project.write("acme/pooled.py", NET.format(name="Pooled", features=8, end=end))
    flat = NET.replace("from acme.layers import block", "def block(): return nn.Identity()")
    project.write("acme/flat.py", flat.format(name="Flat", features=48, end="x.flatten(1)"))
    project.write("archlint.yaml", RULES)
    return project


def watched(project, before=""):
    return subprocess.run(
        [sys.executable, "-c", before + WATCHED, "check", "-v"],
        cwd=project.root, env=ENV, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_without_news_nothing_heavy_is_loaded_and_the_report_is_the_same(project):
    cold = watched(project)
    code, loaded = cold.stderr.split(" ", 1)
    assert code == "1"
    assert "'yaml'" in loaded  # so that this can be seen at all
    assert not loaded.endswith(" 0\n")
    assert "BROKEN" in cold.stdout
    warm = watched(project)
    assert warm.stderr == "1 [] 0\n"
    again = re.sub(r"\d+\.\d\d s\)", "cached)", cold.stdout)
    assert warm.stdout == again.replace("2 broken", "2 broken   (3 cached)")
    assert watched(project, "import z3, numpy\n").stderr == "1 ['z3', 'numpy'] 0\n"

    # A file of one model; its two targets are one module, which the worker loads once.
    project.write("acme/flat.py", (project.root / "acme/flat.py").read_text() + "\n")
    assert watched(project).stdout.endswith("(1 cached)\n")
    project.write("acme/layers.py", (project.root / "acme/layers.py").read_text() + "\n")
    assert watched(project).stdout.endswith("(2 cached)\n")
    rests = [
        list(json.loads(path.read_text())["entry"]["body"]["dependencies"]["files"])
        for path in (project.root / ".archlint_cache" / "verdicts").glob("*.json")
    ]
    here = os.path.realpath(project.root)
    inside = [[f for f in map(os.path.realpath, files) if f.startswith(here)] for files in rests]
    used = sorted(sorted(os.path.relpath(f, here) for f in files) for files in inside)
    flat, pooled = ["acme/flat.py"], ["acme/__init__.py", "acme/layers.py", "acme/pooled.py"]
    assert [u for u in used if u in (flat, pooled)] == used
    assert pooled in used
    assert flat in used
    assert Path(here, ".archlint_cache", ".gitignore").exists()
