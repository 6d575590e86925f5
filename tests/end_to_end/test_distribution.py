"""What is installed is what was written: the wheel has the packs, and finds them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import REPO

PARTS = ("archlint", "pytest_archlint", "rules")


@pytest.mark.slow
def test_the_wheel_has_the_packs_with_their_models(tmp_path):
    source, site = tmp_path / "source", tmp_path / "site"
    for part in PARTS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPO / part, source / part, ignore=ignored)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(REPO / name, source)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--target", str(site), str(source)], check=True, cwd=tmp_path)
    shutil.rmtree(source)
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
