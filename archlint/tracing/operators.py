"""What the tracer asks of an operator at each of its calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from archlint.ops.registry import INPLACE, Rule, rule_for
from archlint.ops.traits import Function, View, inplace_flag, traits_of
from archlint.ops.values.grid_calls import has_grids
from archlint.runtime.code_owner import Owner, owner_of
from archlint.tracing.converted_numbers import converts_numbers
from archlint.tracing.tensors.counted_ones import counts_ones
from archlint.tracing.tensors.same_elements import compares_elements

PRODUCTS = frozenset(
    (
        torch.mm, torch.mv, torch.matmul, torch.spmm, torch.sparse.mm, torch.Tensor.mm,
        torch.Tensor.mv, torch.Tensor.matmul, torch.Tensor.__matmul__,
    )
)  # fmt: skip
"""Operators that multiply a sparse matrix with a dense one as if both were dense."""


@dataclass(frozen=True)
class Operator:
    """An operator with its ``rule``, if it has one.

    ``product``: whether it is one of :data:`PRODUCTS`. ``in_place``: whether it is the
    in-place form of another. ``flag``: the position of its argument ``inplace``. ``writes``:
    whether it may write to arguments. ``has_facts``: whether its result may be an argument itself,
    or may have elements that :mod:`.tensors.counted_ones` or :mod:`.tensors.same_elements` knows.
    ``remembered``: whether the rule depends on its arguments and its path alone, as
    :mod:`archlint.ops.rule_answers` wants it; those of plugins may not.
    ``reads_operands``: whether more is learned of each result from what the rule was given;
    ``follows_values``: whether it is where values of an operand are known. ``owns``: whether a
    result has memory of its own where the call is not in place.
    ``converts_numbers``: as :mod:`.converted_numbers` checks it. ``reads_weights``: as the trait.
    """

    rule: Rule | None
    product: bool
    in_place: bool
    flag: int | None
    writes: bool
    has_facts: bool
    remembered: bool
    reads_operands: bool
    follows_values: bool
    owns: bool
    converts_numbers: bool
    reads_weights: bool

    @staticmethod
    def of(function: Function) -> Operator:
        """What is stated for a function."""
        traits = traits_of(function)
        rule = rule_for(function)
        flag = inplace_flag(function)
        facts = counts_ones(function) or compares_elements(function) or traits.itself is not None
        facts = facts or function is torch.Tensor.__eq__
        in_place = function in INPLACE or function is torch.Tensor.__setitem__
        new = traits.view is View.NEVER and traits.writes == ()
        return Operator(
            rule,
            function in PRODUCTS,
            function in INPLACE,
            flag,
            traits.writes != (),
            facts,
            _is_archlints(rule) and not (traits.reads_settings or traits.reads_weights),
            in_place or facts,
            traits.elementwise or has_grids(function),
            new or (traits.elementwise and traits.allocates),
            converts_numbers(function),
            traits.reads_weights,
        )

    def is_in_place(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
        """Whether a call with these arguments writes to its first one and returns it."""
        flag = self.flag
        if flag is None:
            return self.in_place
        return bool(args[flag] if flag < len(args) else kwargs.get("inplace"))


class Operators(dict[Function, Operator]):
    """The operators that were called, each looked up once."""

    def __missing__(self, function: Function) -> Operator:
        found = self[function] = Operator.of(function)
        return found


def _is_archlints(rule: Rule | None) -> bool:
    code = getattr(rule, "__code__", None)
    return code is not None and owner_of(code.co_filename) is Owner.ARCHLINT
