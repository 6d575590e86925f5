"""The whole tool, by folder: what ``archlint check`` says about each of ``tests/cases``.

A case is ``cases/<name>/{rules.yaml, model.py, expected.txt}``; the expected text ends with the
exit code. ``pytest tests/test_cases.py --record`` writes what is said now. Recorded is not true:
before keeping it, read the difference, and for each verdict that changed

- ``broken``: work the sizes out by hand at the counterexample, and at one size smaller in each
  direction, which must keep the promise. The confirmation must be the error, or the output, that
  those sizes give. ``needs`` must be false there, ``because`` must be the way the model takes.
- ``proved``: name the reason that no size escapes. A wrong ``only`` has two sides to try.
- ``tested``: what was not proved must be what nobody could know from the sizes alone.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

CASES = sorted(p.parent for p in Path(__file__).parent.glob("cases/*/rules.yaml"))
TIMES = (
    (re.compile(r"\d+\.\d\d s\)"), "TIME)"),
    (re.compile(r"addmm: mat1"), "mat1"),  # the operator is not named in older versions of PyTorch
)


@pytest.mark.parametrize("folder", CASES, ids=lambda p: p.name)
def test_case(folder, request):
    said = check(folder)
    expected = folder / "expected.txt"
    if request.config.getoption("--record"):
        expected.write_text(said, encoding="utf-8")
    assert said == expected.read_text(encoding="utf-8")


def check(folder):
    """What the command prints in this folder, and its exit code, without times."""
    command = [sys.executable, "-m", "archlint", "check", "rules.yaml", "--color", "never"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    text = f"{done.stdout}{done.stderr}exit code {done.returncode}\n"
    for pattern, word in TIMES:
        text = pattern.sub(word, text)
    return text
