"""Without PyTorch the Python API and pytest show the message of the command line, once."""

import subprocess
import sys

import pytest

from archlint.errors import NEEDS_TORCH

NAMES = """
import sys
sys.modules["torch"] = None
import archlint
for call in (lambda: archlint.check("a:b", "N"), lambda: archlint.infer, lambda: archlint.explain):
    try:
        call()
    except archlint.ArchlintError as e:
        print(type(e).__name__, isinstance(e, ImportError), e)
"""
RULES = """
archlint: 1
contracts:
  - {id: a, models: ["no.module:f", "no.module:g"], input: N 3 H W, accepts: "any H, W >= 4"}
"""
PYTEST = """
import importlib.util, sys
import pytest
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "torch" else find_spec(name, *rest)
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "archlint.yaml"]))
"""


def run(code, folder):
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_python_api(tmp_path):
    assert run(NAMES, tmp_path).stdout == f"TorchMissing True {NEEDS_TORCH}\n" * 3


def test_pytest(tmp_path):
    (tmp_path / "archlint.yaml").write_text(RULES)
    result = run(PYTEST, tmp_path)
    assert result.returncode == pytest.ExitCode.TESTS_FAILED
    assert result.stdout.count("archlint needs PyTorch, which is not installed here") <= 2
    assert "1 failed, 1 skipped" in result.stdout
    assert "Traceback" not in result.stdout + result.stderr
