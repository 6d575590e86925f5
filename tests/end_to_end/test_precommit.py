"""The hooks of .pre-commit-hooks.yaml, run by the real pre-commit in a throw-away repository."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import REPO

SHIPPED = (
    "archlint",
    "pytest_archlint",
    "rules",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    ".pre-commit-hooks.yaml",
)
RULES = """\
archlint: 1
contracts:
  - id: small
    models: net.py:Net
    input: N 3 H W
    accepts: any H, W >= 4
"""
NET = """\
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 10)

    def forward(self, x):
        return self.head(x.mean((2, 3)))
"""


def git(folder, *args):
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *who, *args], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def committed(folder):
    """A git repository of all that is in the folder; the name of its commit."""
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--no-verify", "-m", "all")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def place(tmp_path_factory, warm_process):
    """A place with two repositories: archlint as it is now, and a team's; pre-commit's home."""
    place = tmp_path_factory.mktemp("precommit")
    for name in SHIPPED:
        there = place / "archlint" / name
        if (REPO / name).is_dir():
            shutil.copytree(REPO / name, there, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            there.parent.mkdir(exist_ok=True)
            shutil.copy(REPO / name, there)
    rev = committed(place / "archlint")
    team = place / "team"
    team.mkdir()
    hooks = [{"id": "archlint-rules"}, {"id": "archlint"}]
    config = {"repos": [{"repo": str(place / "archlint"), "rev": rev, "hooks": hooks}]}
    (team / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    (team / "archlint.yaml").write_text(RULES)
    (team / "net.py").write_text(NET)
    (team / ".gitignore").write_text("__pycache__/\n")
    committed(team)
    program = place / "bin" / "archlint"  # of the project's environment
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.join(warm_process.command("archlint"))} "$@"\n')
    program.chmod(0o755)
    return place


def pre_commit(place, *args):
    """Run pre-commit in the team's repository: its exit code, and what it said."""
    bin_ = place / "bin"
    path = os.pathsep.join([str(bin_), str(Path(sys.executable).parent), os.environ["PATH"]])
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "PYTHON"))}
    env |= {"PATH": path, "PRE_COMMIT_HOME": str(place / "home"), "PRE_COMMIT_COLOR": "never"}
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", *args],
        cwd=place / "team", env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


def hooks():
    manifest = yaml.safe_load((REPO / ".pre-commit-hooks.yaml").read_text())
    return {hook["id"]: hook for hook in manifest}


def test_pre_commit_accepts_the_file():
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-manifest", ".pre-commit-hooks.yaml"],
        cwd=REPO, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(hooks()) == {"archlint", "archlint-rules"}
    assert not any(hook["pass_filenames"] for hook in hooks().values())


@pytest.mark.slow
def test_a_change_is_held_to_the_contracts(place):
    team = place / "team"
    code, said = pre_commit(place, "run", "--all-files")
    assert code == 0, said
    assert said.count("Passed") == 2
    environments = [*(place / "home").glob("repo*/py_env*/lib/python*/site-packages")]
    assert len(environments) == 1  # one hook brings its own, the other uses the project's
    assert (environments[0] / "pydantic").exists()
    assert not (environments[0] / "torch").exists()

    (team / "archlint.yaml").write_text(RULES.replace(">= 4", "> = 4"))
    git(team, "add", "-A")
    code, said = pre_commit(place, "run", "archlint-rules")
    assert code == 1
    assert "archlint.yaml:6:23: found '> ='; did you mean '>='?" in said

    (team / "archlint.yaml").write_text(RULES)
    (team / "net.py").write_text(NET.replace("x.mean((2, 3))", "x.flatten(1)"))
    git(team, "add", "-A")
    code, said = pre_commit(place, "run")
    assert code == 1
    assert "archlint rules" in said
    assert "archlint.yaml:3  BROKEN  small · net.py:Net" in said
    assert "at         head  Linear(3, 10)     net.py:9" in said

    (team / "net.py").write_text(NET)
    (team / "README").write_text("nothing to do with models")
    git(team, "add", "-A")
    code, said = pre_commit(place, "run")
    assert code == 0
    assert said.count("Skipped") == 2


def test_rules_are_read_and_the_lack_of_torch_is_told(tmp_path):
    """As in the environment of the hook archlint-rules."""
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('no torch', name='torch')")
    (tmp_path / "archlint.yaml").write_text(RULES)
    (tmp_path / "net.py").write_text(NET)
    hidden = (
        "import sys, importlib.util\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda n, *a: None if n == 'torch' else real(n, *a)\n"
        "from archlint.cli.app import main\nmain()"
    )

    def run(*args):
        return subprocess.run(
            [sys.executable, "-c", hidden, *args],
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(REPO)}, capture_output=True,
            text=True, check=False,
        )  # fmt: skip

    assert run("rules", "validate").returncode == 0
    for args in (["check"], ["explain", "net.py:Net"]):
        told = run(*args)
        assert told.returncode == 2
        assert "which is not installed here" in told.stderr
        assert 'pip install "torch-archlint[torch]"' in told.stderr
        assert "Traceback" not in told.stderr


def test_the_page_of_the_docs_tells_of_these_hooks():
    text = (REPO / "docs" / "pre-commit.md").read_text()
    shown = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])
    ids = [hook["id"] for hook in shown["repos"][0]["hooks"]]
    assert sorted(ids) == sorted(hooks())
    for hook in hooks().values():
        assert f"| `{hook['id']}` | `{hook['entry']}`" in text
