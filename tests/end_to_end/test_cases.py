"""The whole tool, by folder: what ``archlint check`` says about each of ``tests/cases``.

A case is ``cases/<name>/{rules.yaml, model.py, expected.txt}``; the expected text ends with the
exit code. ``pytest tests/end_to_end/test_cases.py --record`` records it. Recorded is not true:
before keeping it, read the difference, and for each verdict that changed

- ``broken``: work the sizes out by hand at the counterexample, and at one size smaller in each
  direction, which must keep the promise. The confirmation must be the error, or the output, that
  those sizes give. ``needs`` must be false there, ``because`` must be the way the model takes.
- ``proved``: name the reason that no size escapes. A wrong ``only`` has two sides to try.
- ``tested``: what was not proved must be what nobody could know from the sizes alone.
"""

import re
from pathlib import Path

import pytest

from archlint.cli.run_jobs import run_jobs
from archlint.cli.select_jobs import load_jobs
from archlint.contracts.verdict import exit_code
from archlint.report import text_report as text
from tests import REPO

CASES = REPO / "tests" / "cases"
NAMES = sorted(p.parent.name for p in CASES.glob("*/rules.yaml"))
VARYING = (
    (re.compile(r"\d+\.\d\d s\)"), "TIME)"),
    (re.compile(r"addmm: mat1"), "mat1"),  # older versions of PyTorch do not name the operator
)


@pytest.fixture(scope="module")
def said():
    """For each case what the command prints, and its exit code. One worker decides them all."""
    with pytest.MonkeyPatch.context() as here:
        here.chdir(CASES)
        jobs, mistakes = load_jobs(NAMES, (), (), None)
        verdicts = run_jobs(jobs, 1, progress=False)
    assert not mistakes
    return {name: _report([v for v in verdicts if Path(v.file).parent.name == name])
            for name in NAMES}  # fmt: skip


def _report(verdicts):
    report = f"{text.render(verdicts)}exit code {exit_code(verdicts)}\n"
    for pattern, word in VARYING:
        report = pattern.sub(word, report)
    return report


@pytest.mark.parametrize("name", NAMES)
def test_case(name, said, request):
    expected = CASES / name / "expected.txt"
    if request.config.getoption("--record"):
        expected.write_text(said[name], encoding="utf-8")
    assert said[name] == expected.read_text(encoding="utf-8")
