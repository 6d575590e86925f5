"""Shards: together all jobs, and the same ones wherever the project lies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlint.runner.shard import Shard, ShardError, spread
from tests.support.sweeps import job


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0/4", "shards of 4 are 1/4 to 4/4, found 0/4"),
        ("5/4", "shards of 4 are 1/4 to 4/4, found 5/4"),
        ("1/0", "there must be at least 1 shard, found 1/0"),
        ("2", "expected K/N, as in 2/4, found '2'"),
        ("-1/4", "expected K/N, as in 2/4, found '-1/4'"),
        ("1/4/4", "expected K/N, as in 2/4, found '1/4/4'"),
        ("٣/4", "expected K/N, as in 2/4, found '٣/4'"),
    ],
)
def test_a_shard_that_is_none(text, message):
    with pytest.raises(ShardError) as e:
        Shard.of(text)
    assert str(e.value) == message


names = st.lists(st.text(max_size=5), max_size=40)


@pytest.mark.slow
@given(names, st.integers(1, 9))
def test_every_name_has_one_place_and_the_places_are_even(names, count):
    places = spread(names, count)
    assert len(places) == len(names)
    assert set(places) <= set(range(count))
    full = [places.count(place) for place in range(count)]
    assert max(full) - min(full) <= 1


@given(st.lists(st.text(max_size=5), max_size=30, unique=True), st.integers(1, 9), st.randoms())
def test_the_order_of_the_names_means_nothing(names, count, random):
    placed = dict(zip(names, spread(names, count), strict=True))
    shuffled = random.sample(names, len(names))
    assert dict(zip(shuffled, spread(shuffled, count), strict=True)) == placed


@given(st.lists(st.sampled_from(["proved", "broken", "slow"]), max_size=20), st.integers(1, 5))
def test_the_shards_together_are_all_jobs(models, count):
    jobs = [job(m, id=f"c{i}") for i, m in enumerate(models)]
    parts = [Shard(k, count).part(jobs) for k in range(1, count + 1)]
    assert sorted(j.contract.id for part in parts for j in part) == sorted(
        j.contract.id for j in jobs
    )
    for part in parts:
        assert part == [j for j in jobs if j in part]


def test_a_new_contract_moves_few_others():
    names = [f"contract-{i}" for i in range(200)]
    before = spread(names, 4)
    moved = [
        sum(a != b for a, b in zip(before, spread([*names, f"new-{k}"], 4), strict=False))
        for k in range(20)
    ]
    assert sum(moved) / len(moved) < 0.05 * len(names)  # in turns it would be 3 of 4


def test_a_shard_is_the_same_wherever_the_project_lies(tmp_path):
    parts = []
    for place in ("here", "there"):
        root = tmp_path / place
        root.mkdir()
        jobs = [job("proved", root, id=f"c{i}", file=str(root / "rules.yaml")) for i in range(20)]
        parts.append([j.contract.id for j in Shard(1, 3).part(jobs)])
    assert parts[0] == parts[1]
