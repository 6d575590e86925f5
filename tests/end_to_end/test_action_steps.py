"""The steps of the GitHub Action in their order, with stand-ins for the actions that they use."""

import shlex

import pytest

from tests import REPO
from tests.support.composite_action import Runner

NET = """from torch import nn

def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
"""
RULES = """archlint: 1
contracts:
  - {id: small, models: net.py:net, input: N 3 H W, accepts: "any H, W >= 3", samples: 1}
"""


@pytest.fixture
def runner(tmp_path, warm_process):
    path = tmp_path / "bin"
    path.mkdir()
    pip = f'echo "$@" >> {shlex.quote(str(tmp_path / "pip"))}; [ "$1" = -c ] && exec python3 "$@"'
    commands = {
        "archlint": f'exec {shlex.join(warm_process.command("archlint"))} "$@"',
        "python": pip,
    }
    for name, program in commands.items():
        (path / name).write_text(f"#!/bin/sh\n{program}\ntrue\n")
        (path / name).chmod(0o755)
    return Runner(tmp_path, path)


def project(folder, at="."):
    (folder / at).mkdir(parents=True, exist_ok=True)
    (folder / ".git").mkdir(exist_ok=True)
    (folder / at / "net.py").write_text(NET)
    (folder / at / "small.archlint.yaml").write_text(RULES)
    return folder


def test_three_runs_and_a_job_of_a_matrix(runner, tmp_path):
    code, printed = runner.run(project(tmp_path / "one"), "a1")
    assert code == "0", printed
    assert runner.ran == [
        "Install archlint", "Restore verdicts that are still valid", "Check contracts",
        "Store verdicts, also if a contract is broken", "Keep the reports",
    ]  # fmt: skip
    assert (tmp_path / "pip").read_text().splitlines()[0] == f"-m pip install {REPO}"
    assert [*runner.caches] == ["archlint-Linux-check-0-.-a1"]
    assert "cached" not in printed

    # A later commit, of which a clone has no cache, breaks the contract in another folder.
    clone = project(project(tmp_path / "two"), "my models")
    rules = clone / "my models" / "small.archlint.yaml"
    rules.write_text(RULES.replace(">= 3", ">= 2"))
    options = {"package": "none", "upload_sarif": "true", "working_directory": "my models"}
    code, printed = runner.run(clone, "b2", **options)
    assert code == "1", printed
    assert "Install archlint" not in runner.ran
    assert "::error file=my models/small.archlint.yaml" in printed
    assert [*runner.caches][1:] == ["archlint-Linux-check-0-my models-b2"]
    (report,) = runner.sarif["archlint/my models"]["runs"]
    assert [r["level"] for r in report["results"]] == ["error"]
    assert {"my models/archlint.html", "my models/badge.json"} <= runner.artifacts[
        "archlint-check-0"
    ]

    # A job of a matrix takes the verdicts of another; the commit that was checked stores no more.
    code, printed = runner.run(project(tmp_path / "three"), "a1", index=1, package="none")
    assert code == "0"
    assert (tmp_path / "three" / ".archlint_cache").is_dir()
    assert [*runner.artifacts] == ["archlint-check-0", "archlint-check-1"]
    before = [*runner.caches]
    runner.run(project(tmp_path / "one"), "a1", package="none")
    assert [*runner.caches] == before
    assert "Store verdicts, also if a contract is broken" not in runner.ran


def test_nothing_is_uploaded_where_nothing_ran(runner, tmp_path):
    (tmp_path / "empty").mkdir()
    code, printed = runner.run(tmp_path / "empty", "a1", package="torch-archlint==0.1.0",
                               upload_sarif="true")  # fmt: skip
    assert (code, runner.sarif, runner.artifacts) == ("2", {}, {}), printed
    assert (tmp_path / "pip").read_text().splitlines()[0] == "-m pip install torch-archlint==0.1.0"
    assert "Upload the report to code scanning" not in runner.ran
