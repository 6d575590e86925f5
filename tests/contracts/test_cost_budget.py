"""Budgets as text."""

from archlint.contracts.cost_budget import CostBudget, budgets_text


def test_the_text_is_the_authors():
    flops = CostBudget("flops", 10**9, True, None, "<= 1e9")
    memory = CostBudget("activations", 1 << 20, True, (("N", 1),), "<= 1 MiB at N=1")
    assert budgets_text((flops, memory)) == "flops: <= 1e9, activations: <= 1 MiB at N=1"
