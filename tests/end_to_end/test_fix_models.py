"""Some models of benchmarks/fixes.py: each printed fix is applied as it is printed, and run."""

import re

import pytest

from benchmarks.fix_models import CASES
from benchmarks.fixes import run

BY_NAME = {case.name: case for case in CASES}
SOME = (  # of those that ``python benchmarks/fixes.py`` runs
    "latin-1", "another file", "pair of images", "class token, table without a batch", "U-Net",
    "batch_first of a GRU", "time of video",
)  # fmt: skip


def test_the_benchmark_has_models_enough():
    assert len(BY_NAME) == len(CASES) >= 60


@pytest.mark.parametrize("name", SOME)
def test_each_printed_fix_works_and_the_usual_one_comes_first(name, tmp_path, copy_server):
    case = BY_NAME[name]
    outcome = run(case, tmp_path, copy_server)
    assert outcome.problems == []
    assert outcome.fixes
    assert re.match(case.first, outcome.fixes[0].title)
    assert outcome.first, "it comes without a diff or code"
