"""What the tracer asks of an operator at each of its calls."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from archlint.ops.registry import RULES
from archlint.tracing.operators import Operator


def test_an_operator_is_what_its_rule_and_traits_say():
    conv = Operator.of(F.conv2d)
    assert conv.rule is RULES[F.conv2d]
    assert conv.remembered
    assert not any(
        (conv.writes, conv.in_place, conv.has_facts, conv.reads_operands, conv.follows_values)
    )
    assert Operator.of(torch.matmul).product
    assert Operator.of(torch.Tensor.add_).in_place
    assert Operator.of(torch.Tensor.contiguous).has_facts


def test_a_flag_makes_a_call_write_in_place():
    relu = Operator.of(F.relu)
    assert relu.is_in_place((1, True), {})
    assert relu.is_in_place((1,), {"inplace": True})
    assert not relu.is_in_place((1,), {})
    assert not relu.is_in_place((1, False), {})
    assert Operator.of(torch.Tensor.relu_).is_in_place((1,), {})


def test_rules_that_may_have_other_inputs_are_not_remembered(monkeypatch):
    assert not Operator.of(torch.functional.einsum).remembered  # opt_einsum's switch
    monkeypatch.setitem(RULES, torch.Tensor.sin, lambda path, input: input)
    assert not Operator.of(torch.Tensor.sin).remembered
    assert not Operator.of(torch.Tensor.is_shared).remembered  # no rule
