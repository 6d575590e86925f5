"""Each printed fix for a model with a head for one size is applied as it is printed, and run.

The other half of the models is in ``test_fixes_of_models.py``.
"""

import re

import pytest

from tests.support.fix_models import all_models, sample
from tests.support.fix_models.harness import check

pytestmark = pytest.mark.slow

STYLES = {  # how often the sample has a style of source at least
    "CRLF": (4, lambda case: "\r\n" in case.text()),
    "tabs": (3, lambda case: case.tabs),
    "other than ASCII": (2, lambda case: not case.text().isascii()),
    "not UTF-8, or with a mark": (3, lambda case: case.encoding != "utf-8"),
    "several files": (4, lambda case: case.files),
    "several classes": (8, lambda case: len(re.findall(r"(?m)^class ", case.text())) > 1),
    "several contracts": (4, lambda case: case.others),
    "several inputs": (5, lambda case: "{" in case.input),
    "loop": (3, lambda case: re.search(r"(?m)^ +for ", case.text())),
    "comprehension": (2, lambda case: re.search(r"[(\[].* for \w+ in", case.text())),
    "factory": (4, lambda case: case.target.islower()),
    "inheritance": (4, lambda case: re.search(r"class \w+\((?!nn\.Module)\w+", case.text())),
    "decorator": (2, lambda case: re.search(r"(?m)^ *@", case.text())),
    "lambda": (3, lambda case: "lambda" in case.text()),
}


def test_the_sample_has_every_style_of_source():
    names = sample.HEADS | sample.OTHERS
    chosen = [case for case in all_models.CASES if case.name in names]
    assert len({case.name for case in all_models.CASES}) == len(all_models.CASES)
    assert len(chosen) == len(names) >= 60
    counts = {name: sum(bool(has(c)) for c in chosen) for name, (_, has) in STYLES.items()}
    assert {n: k for n, k in counts.items() if k < STYLES[n][0]} == {}


@pytest.mark.parametrize("case", sample.params(all_models.ALL_HEADS, sample.HEADS))
def test_each_printed_fix_works_and_the_usual_one_comes_first(case, tmp_path, copy_server):
    check(case, tmp_path, copy_server)
