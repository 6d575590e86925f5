"""How many elements masks keep: one number for one mask, until masks change."""

import itertools

import pytest
import torch

from archlint.ops.registry import TensorSpec
from archlint.symbolic import symbol
from archlint.tracing.mask_counts import MaskCounts


@pytest.fixture
def masks():
    return [TensorSpec((symbol("N"),), torch.bool) for _ in range(3)]


def make(numbers=itertools.count(1)):  # noqa: B008  (one for all tests: each number is new)
    return next(numbers)


def test_one_mask_has_one_number_until_masks_change(masks):
    counts = MaskCounts()
    one, other, _ = masks
    first = counts.of(one, make)
    assert counts.of(one, make) == first
    assert counts.of(other, make) != first
    counts.forget()
    assert counts.of(one, make) != first


def test_united_masks_have_one_number_until_masks_change(masks):
    counts = MaskCounts()
    one, other, third = masks
    counts.unite(other, one)
    counts.unite(third, one)
    assert counts.of(other, make) == counts.of(one, make) == counts.of(third, make)
    counts.forget()
    assert len({counts.of(m, make) for m in masks}) == 3


def test_no_number_is_kept_where_writes_are_not_seen_or_for_other_dtypes(masks):
    counts = MaskCounts()
    numbers = TensorSpec((symbol("N"),), torch.float32)
    assert counts.of(numbers, make) != counts.of(numbers, make)
    counts.followed = False
    assert counts.of(masks[0], make) != counts.of(masks[0], make)
