"""The whole tool, by folder: what ``archlint check`` prints for each of ``tests/cases``.

A case is ``cases/<name>/{rules.yaml, model.py, expected.txt}``; the expected text ends with the
exit code. ``pytest tests/end_to_end/test_cases.py --record`` records it. A recorded text may be
wrong: before you commit it, read the difference, and for each verdict that changed

- ``broken``: compute the sizes by hand at the counterexample, and at one size smaller in each
  direction, where the contract must hold. The run must give the error, or the output, that those
  sizes give. ``needs`` must be false there, and ``because`` must be the path that the model takes.
- ``proved``: give the reason why every size of the region is accepted. ``only`` has two sides.
- ``tested``: what was not proved must be what the sizes alone do not determine.
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
def reports(request):
    """What the command prints for each selected case, with its exit code; one worker runs all."""
    selected = [
        item.callspec.params["name"]
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec")
    ]
    with pytest.MonkeyPatch.context() as here:
        here.chdir(CASES)
        jobs, mistakes = load_jobs(selected)
        verdicts = run_jobs(jobs, 1, progress=False)
    assert not mistakes
    return {name: _report([v for v in verdicts if Path(v.file).parent.name == name])
            for name in selected}  # fmt: skip


def _report(verdicts):
    report = f"{text.render(verdicts)}exit code {exit_code(verdicts)}\n"
    for pattern, word in VARYING:
        report = pattern.sub(word, report)
    return report


@pytest.mark.parametrize("name", NAMES)
def test_case(name, reports, request):
    expected = CASES / name / "expected.txt"
    if request.config.getoption("--record"):
        expected.write_text(reports[name], encoding="utf-8")
    assert reports[name] == expected.read_text(encoding="utf-8")
