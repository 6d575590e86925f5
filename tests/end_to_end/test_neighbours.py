"""No order of contracts, number of processes, selection or load changes a verdict."""

import random

import pytest

from tests.support import neighbours


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "options", "loops"),
    [(2, ["--jobs=1", "--select=*e*"], 0), (3, ["--jobs=2"], 3)],
)
def test_shuffled_contracts_beside_hostile_neighbours(tmp_path, seed, options, loops):
    """A part of the contracts; ``python -m tests.support.neighbours 20 1`` takes all 40."""
    neighbours.write(tmp_path, random.Random(seed), count=10)
    with neighbours.busy(loops):
        assert neighbours.differences(tmp_path, *options, seed=seed) == []
