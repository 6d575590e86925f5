"""Budgets as text, and amounts of memory."""

import pytest

from archlint.contracts.cost_budget import CostBudget, budgets_text, parse_bytes


def test_the_text_is_the_authors():
    flops = CostBudget("flops", 10**9, True, None, "<= 1e9")
    memory = CostBudget("activations", 1 << 20, True, (("N", 1),), "<= 1 MiB at N=1")
    assert budgets_text((flops, memory)) == "flops: <= 1e9, activations: <= 1 MiB at N=1"


@pytest.mark.parametrize(
    ("text", "count"),
    [("24GiB", 24 << 30), ("1.5 KB", 1500), ("512 MB", 512 * 10**6), ("7", 7), (" 2B ", 2)],
)
def test_bytes(text, count):
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "GiB", "-1 GiB", "24 gib", "24 GiBit", "1e3", "24 G"])
def test_what_is_no_amount(text):
    with pytest.raises(ValueError, match="expected bytes such as 24GiB or 512 MB"):
        parse_bytes(text)
