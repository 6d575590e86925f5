"""The GitHub Action and the workflow: their commands run here, step by step."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml

from tests import REPO

ACTION = yaml.safe_load((REPO / "action.yml").read_text())
WORKFLOW = yaml.safe_load((REPO / ".github/workflows/ci.yml").read_text())
RULES = """\
archlint: 1
contracts:
  - {id: a, models: net.py:Net, input: N 3 H W, accepts: any H > = 4}
"""


def step(name):
    return next(s for s in ACTION["runs"]["steps"] if s["name"] == name)


def test_the_check_writes_reports_a_summary_and_its_exit_code(tmp_path):
    (tmp_path / "archlint.yaml").write_text(RULES)  # a mistake, which needs no torch
    program = tmp_path / "bin" / "archlint"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m archlint "$@"\n')
    program.chmod(0o755)
    check = step("Check contracts")
    assert set(re.findall(r"\$(?:\{)?([A-Z_]+)", check["run"])) - set(check["env"]) == {
        "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"
    }  # fmt: skip
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", check["run"]],
        cwd=tmp_path, capture_output=True, text=True,
        env=os.environ | {
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "PATHS": "archlint.yaml", "ARGUMENTS": "--strict", "REPORTS": str(tmp_path / "out"),
            "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), "GITHUB_OUTPUT": str(tmp_path / "o"),
        },
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert done.stdout.startswith("::error file=archlint.yaml,line=3")
    assert (tmp_path / "o").read_text() == "exit-code=2\n"
    assert "archlint.yaml:3" in (tmp_path / "summary").read_text()
    written = {p.name for p in Path(tmp_path, "out").iterdir()}
    assert written == {"archlint.sarif", "archlint.html", "archlint.md", "badge.json"}


def test_what_the_steps_use_exists():
    for name in re.findall(r"inputs\.([\w-]+)", (REPO / "action.yml").read_text()):
        assert name in ACTION["inputs"], name
    ids = {s.get("id") for s in ACTION["runs"]["steps"]}
    assert set(re.findall(r"steps\.(\w+)", (REPO / "action.yml").read_text())) <= ids


def test_the_workflow_runs_every_supported_python():
    text = (REPO / "pyproject.toml").read_text()
    supported = re.findall(r"Programming Language :: Python :: (3\.\d+)", text)
    assert WORKFLOW["jobs"]["tests"]["strategy"]["matrix"]["python"] == supported
    runs = [s.get("run", "") for job in WORKFLOW["jobs"].values() for s in job["steps"]]
    assert {"pytest", "mypy", "lint-imports"} <= set(runs)
    assert any(s.get("uses") == "./" for s in WORKFLOW["jobs"]["action"]["steps"])
