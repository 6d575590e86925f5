"""The GitHub Action and the workflow: their commands run here, step by step."""

import os
import re
import subprocess
import sys

import pytest
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


def run_check(folder, program, paths="", arguments="", reports="out"):
    """Run the action's check with ``archlint`` as the shell script ``program``."""
    archlint = folder / "bin" / "archlint"
    archlint.parent.mkdir()
    archlint.write_text(f"#!/bin/sh\n{program}\n")
    archlint.chmod(0o755)
    (folder / "bin" / "python").symlink_to(sys.executable)
    check = step("Check contracts")
    assert set(re.findall(r"\$(?:\{)?([A-Z_]+)", check["run"])) - set(check["env"]) == {
        "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"
    }  # fmt: skip
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", check["run"]],
        cwd=folder, capture_output=True, text=True,
        env=os.environ | {
            "PATH": f"{archlint.parent}:{os.environ['PATH']}",
            "PATHS": paths, "ARGUMENTS": arguments, "REPORTS": str(folder / reports),
            "GITHUB_STEP_SUMMARY": str(folder / "summary"), "GITHUB_OUTPUT": str(folder / "o"),
        },
    )  # fmt: skip


def test_the_check_writes_reports_a_summary_and_its_exit_code(tmp_path):
    (tmp_path / "archlint.yaml").write_text(RULES)  # a mistake, which needs no torch
    program = f'exec {sys.executable} -m archlint "$@"'
    done = run_check(tmp_path, program, "archlint.yaml", "--strict", reports="out/my models")
    assert done.returncode == 2, done.stderr
    assert done.stdout.startswith("::error file=archlint.yaml,line=3")
    written = tmp_path / "out" / "my models"
    assert (tmp_path / "o").read_text() == f"sarif={written}/archlint.sarif\nexit-code=2\n"
    assert "archlint.yaml:3" in (tmp_path / "summary").read_text()
    assert {p.name for p in written.iterdir()} == {
        "archlint.sarif", "archlint.html", "archlint.md", "badge.json"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("paths", "arguments", "words"),
    [
        ("", "", []),
        ("contracts\n'other rules'\n", "--strict", ["contracts", "other rules", "--strict"]),
        ("[ab].yaml *.none", "", ["a.yaml", "b.yaml", "*.none"]),
        ("", "--select 'photo*' --select $(id)", ["--select", "photo*", "--select", "$(id)"]),
    ],
)
def test_the_inputs_are_split_as_words_and_are_no_code(tmp_path, paths, arguments, words):
    (tmp_path / "a.yaml").touch()
    (tmp_path / "b.yaml").touch()
    done = run_check(tmp_path, "printf '%s\\n' \"$@\"; exit 1", paths, arguments)
    assert done.stdout.splitlines()[: len(words) + 2] == ["check", *words, "--format"], done.stderr
    assert done.returncode == 1
    assert (tmp_path / "o").read_text() == "exit-code=1\n", "no report, so nothing to upload"


def test_uses_in_one_job_and_jobs_of_a_matrix_do_not_share_reports():
    for name, key in (
        ("Restore verdicts that are still valid", "key"),
        ("Keep the reports", "name"),
    ):
        assert {"github.job", "strategy.job-index"} <= expressions(step(name)["with"][key])
    assert "inputs.working-directory" in expressions(step("Check contracts")["env"]["REPORTS"])
    upload = step("Upload the report to code scanning")
    assert "inputs.working-directory" in expressions(upload["with"]["category"])
    assert "steps.check.outputs.sarif" in upload["if"]


def expressions(text):
    return set(re.findall(r"\$\{\{ ([\w.-]+) \}\}", text))


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
