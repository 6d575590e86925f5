"""Verdicts and entries of the tests of the cache."""

from archlint.contracts.verdict import At, Proof, Samples, Verdict
from archlint.runner.cache import store
from tests import REPO

RULE_FILES = sorted(REPO.glob("examples/**/*.archlint.yaml")) + sorted(
    REPO.glob("tests/cases/*/rules.yaml")
)
BROKEN = Verdict(
    "broken", "any-photo", "m", "rules.yaml", 3, {"H": 1, "W": 2}, True,
    At("fc", "Linear", "m.py:3"), "a == b", "at fc", Proof(3, 4, True), Samples(8), 0.5,
    {"reason": "× and – and\nlines"},
)  # fmt: skip


def entry_file(root):
    (path,) = (root / store.NAME / "verdicts").iterdir()
    return path
