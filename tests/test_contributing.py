"""The recipes of CONTRIBUTING.md, followed literally in a copy of the repository.

A block of code below "Create `FILE`:", "Append to `FILE`:" or "In `FILE`, below `LINE`:" is written
there; the commands of a ``console`` block are run and must succeed.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests import REPO

pytestmark = pytest.mark.slow

PAGE = (REPO / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"^## ((?:Add|Record).*)\n((?:.*\n)*?)(?=^## |\Z)", PAGE, re.MULTILINE)
STEP = re.compile(
    r"^(?:(?P<how>Create|Append to) `(?P<file>[^`]+)`"
    r"|In `(?P<edited>[^`]+)`, below `(?P<line>[^`]+)`):\n\n```\w+\n(?P<text>.*?)^```$"
    r"|^```console\n(?P<commands>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
COPIED = ("archlint", "pytest_archlint", "rules", "tests", "docs")


@pytest.fixture
def copy(tmp_path):
    """What the tests of a recipe need of the repository."""
    ignored = shutil.ignore_patterns("__pycache__", ".archlint_cache")
    for part in COPIED:
        shutil.copytree(REPO / part, tmp_path / part, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md"):
        shutil.copy(REPO / name, tmp_path)
    return tmp_path


def write(copy, step):
    file = copy / (step["file"] or step["edited"])
    if step["how"] == "Create":
        assert not file.exists()
        file.parent.mkdir(exist_ok=True)
        file.write_text(step["text"], encoding="utf-8")
        return
    text = file.read_text(encoding="utf-8")
    if step["how"] == "Append to":
        file.write_text(text + step["text"], encoding="utf-8")
        return
    before, line, after = text.partition(step["line"] + "\n")
    assert line, f"{step['edited']} has no line {step['line']!r}"
    file.write_text(before + line + step["text"] + after, encoding="utf-8")


def run(copy, command):
    path = os.pathsep.join([str(copy), str(copy / "rules")])
    env = os.environ | {"PYTHONPATH": path, "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    env.pop("ARCHLINT_RECORD", None)
    python = f"{sys.executable} -m pytest "
    done = subprocess.run(
        command.replace("pytest ", python, 1), shell=True, cwd=copy, env=env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


@pytest.mark.parametrize(("title", "text"), RECIPES, ids=[title for title, _ in RECIPES])
def test_a_recipe(title, text, copy):
    written = 0
    for step in STEP.finditer(text):
        if step["commands"] is None:
            write(copy, step)
            written += 1
            continue
        for command in step["commands"].splitlines():
            assert " passed" in run(copy, command.removeprefix("$ "))
    assert written >= 2
    for name in re.findall(r"`((?:archlint|tests|docs)/[\w./-]+)`", text):
        assert (copy / name).exists(), name


def test_there_are_three():
    assert len(RECIPES) == 3
    for _, text in RECIPES:
        assert text.count("```") // 2 == len(STEP.findall(text))
