"""The source distribution and the wheel: what is in them, and that the wheel finds its packs.

``.ci/run`` also installs the wheel in an environment of its own and runs a check from it.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from tests import REPO

pytestmark = pytest.mark.slow

PARTS = ("archlint", "pytest_archlint", "rules", "docs", "examples", "tests", "benchmarks", ".ci")
BUILD = "from setuptools import build_meta as b; b.build_sdist({0!r}); b.build_wheel({0!r})"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with both, built from a copy of the checkout."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("built")
    ignored = shutil.ignore_patterns("__pycache__", ".archlint_cache")
    for part in PARTS:
        shutil.copytree(REPO / part, source / part, ignore=ignored)
    for file in REPO.iterdir():
        if file.is_file() and file.name != ".git":
            shutil.copy(file, source)
    command = [sys.executable, "-c", BUILD.format(str(built))]
    subprocess.run(command, check=True, cwd=source, capture_output=True)
    shutil.rmtree(source)
    return built


@pytest.fixture(scope="module")
def wheel(built):
    (wheel,) = built.glob("*.whl")
    return wheel


def ours(*folders):
    files = [f for folder in folders for f in (REPO / folder).rglob("*") if f.is_file()]
    hidden = {"__pycache__", ".archlint_cache"}
    return {f.relative_to(REPO).as_posix() for f in files if not hidden & set(f.parts)}


def test_the_source_distribution_has_all_that_its_tests_need(built):
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    files = ours(*PARTS)
    assert len(files) > 500
    assert not files - names
    top = "LICENSE README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md CITATION.cff mkdocs.yml"
    assert not set(top.split()) - names


def test_the_wheel_has_the_code_and_its_metadata(wheel):
    with zipfile.ZipFile(wheel) as zip:
        names = set(zip.namelist())
        (metadata,) = (n for n in names if n.endswith(".dist-info/METADATA"))
        head = message_from_bytes(zip.read(metadata))
    packages = {"archlint", "archlint_rules", "pytest_archlint", metadata.partition("/")[0]}
    assert {name.partition("/")[0] for name in names} == packages
    assert {"archlint/py.typed", "pytest_archlint/py.typed"} <= names
    assert not ours("archlint", "pytest_archlint") - names
    assert head["License-Expression"] == "MIT"
    assert head["Description-Content-Type"] == "text/markdown"


def test_the_wheel_has_the_packs_with_their_models(wheel, tmp_path):
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--target", str(site), str(wheel)], check=True, cwd=tmp_path)
    env = os.environ | {"PYTHONPATH": str(site)}
    code = "from archlint.cli.app import main; main()"
    listed = subprocess.run(
        [sys.executable, "-c", code, "rules", "list"],
        env=env, cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    packs = sorted(p.parent.name for p in (REPO / "rules").glob("*/*/pack.yaml"))
    assert packs
    for name in packs:
        folder = Path("site", "archlint_rules", name)
        assert f"  {folder / 'pack.yaml'}\n" in listed
        assert (tmp_path / folder / "models.py").is_file()
