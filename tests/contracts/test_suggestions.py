"""Hints for misspelt names."""

import pytest

from archlint.contracts.suggestions import MAX_CANDIDATES, did_you_mean


@pytest.mark.parametrize(
    ("word", "candidates", "hint"),
    [
        ("ouput", ["input", "output"], "; did you mean 'output'?"),
        ("h", ["W", "H"], "; did you mean 'H'?"),
        ("n", ["nn", "N"], "; did you mean 'N'?"),
        ("zebra", ["input", "output"], ""),
        ("x", [], ""),
    ],
)
def test_the_most_similar_candidate(word, candidates, hint):
    assert did_you_mean(word, candidates) == hint


def test_too_many_candidates_give_no_hint():
    names = [f"name{i}" for i in range(MAX_CANDIDATES)]
    assert did_you_mean("name7", names)
    assert not did_you_mean("name7", [*names, "one more"])
