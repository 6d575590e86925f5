"""Traits of operators: looked up by function, with the careful answer as the default."""

from __future__ import annotations

import re

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import archlint
from archlint.ops.registry import INPLACE, RULES, shape_rule
from archlint.ops.traits import (
    FIRST,
    Bounds,
    Unchecked,
    View,
    declare_traits,
    selected,
    separated,
    traits_of,
)

LIBRARY = torch.library.Library("traits_test", "DEF")
LIBRARY.define("head(Tensor(a) x) -> Tensor(a)")
LIBRARY.define("add(Tensor x, Tensor y) -> Tensor")
LIBRARY.define("put(Tensor x, *, Tensor(b!) into) -> ()")
LIBRARY.define("pick(Tensor x, Tensor at) -> Tensor")
LIBRARY.impl("head", lambda x: x[:, :2], "CompositeExplicitAutograd")
LIBRARY.impl("add", lambda x, y: x + y, "CompositeExplicitAutograd")
LIBRARY.impl("pick", lambda x, at: x[:, at], "CompositeExplicitAutograd")
OPS = torch.ops.traits_test


@pytest.fixture(scope="module", autouse=True)
def rules():
    @shape_rule(OPS.head, OPS.head.default)
    def head(path, x):
        return x.like((x.dims[0], 2, *x.dims[2:]))

    @shape_rule(OPS.add, OPS.add.default)
    def add(path, x, y):
        return x.like(x.dims)

    yield
    for function in (OPS.head, OPS.head.default, OPS.add, OPS.add.default):
        del RULES[function]


def test_a_schema_says_what_is_a_view_and_what_is_written():
    for head in (OPS.head, OPS.head.default):
        assert traits_of(head).view is View.UNKNOWN
        assert traits_of(head).view_of == ((0, "x"),)
        assert traits_of(head).writes == ()
    assert traits_of(OPS.put).writes == ((-1, "into"),)
    assert traits_of(OPS.put).view is View.NEVER
    assert traits_of(OPS.add).view is View.NEVER
    assert traits_of(torch.ops.aten.relu_.default).writes == ((0, "self"),)
    assert traits_of(torch.ops.aten.bernoulli).random


def test_an_operator_shares_nothing_with_another_of_its_name():
    assert traits_of(torch.add).may_read_target
    assert traits_of(torch.add).bounds is Bounds.PAIRS
    assert not traits_of(OPS.add).may_read_target
    assert traits_of(OPS.add).bounds is Bounds.UNKNOWN
    assert len(traits_of(OPS.add).raises) > 1


def test_an_unknown_function_gets_the_careful_answer():
    def anything(x):
        return x

    traits = traits_of(anything)
    assert traits.view is View.UNKNOWN
    assert traits.view_of is None
    assert traits.writes is None
    assert traits.unchecked is Unchecked.UNKNOWN
    assert not traits.elementwise


def test_every_operator_in_place_writes_its_first_argument():
    for function in INPLACE:
        assert traits_of(function).writes == FIRST, function
    for function in (Tensor.__iadd__, Tensor.__setitem__, Tensor.index_put_, Tensor.squeeze_):
        assert traits_of(function).writes == FIRST, function
    for function in (torch.add, Tensor.__add__, Tensor.__getitem__, F.unfold):
        assert traits_of(function).writes == (), function


X = torch.arange(24.0).reshape(4, 6)
VIEWS = {
    Tensor.view: (X, 24),
    Tensor.detach: (X,),
    Tensor.transpose: (X, 0, 1),
    Tensor.expand: (X[:, :1], 4, 5),
    Tensor.chunk: (X, 2),
    Tensor.narrow: (X, 0, 1, 2),
    Tensor.select: (X, 0, 1),
    Tensor.__getitem__: (X, 1),
    Tensor.diagonal: (X,),
    Tensor.unfold: (X, 0, 2, 1),
    Tensor.T.__get__: (X,),
    Tensor.as_strided: (X, (2, 2), (1, 1)),
    torch.meshgrid: (X[0], X[0]),
    torch.functional.einsum: ("ij->ji", X),
    F.dropout: (X, 0.0, False),
}


@pytest.mark.parametrize("function", VIEWS, ids=lambda f: getattr(f, "__name__", "?"))
def test_what_shares_memory_is_known_as_a_view(function):
    kwargs = {"indexing": "ij"} if function is torch.meshgrid else {}
    result = function(*VIEWS[function], **kwargs)
    first = result[0] if isinstance(result, (tuple, list)) else result
    assert first.untyped_storage().data_ptr() == X.untyped_storage().data_ptr()
    assert traits_of(function).view is not View.NEVER


def test_no_rule_calls_a_result_new_that_shares_memory():
    """Every operator with a rule that can be called with one tensor."""
    tried = 0
    for function in RULES:
        x = torch.ones(2, 3, 4, 4)
        try:
            result = function(x)
        except Exception:
            continue
        tried += 1
        results = result if isinstance(result, (tuple, list)) else [result]
        shares = any(
            isinstance(r, Tensor) and r.untyped_storage().data_ptr() == x.data_ptr()
            for r in results
        )
        traits = traits_of(function)
        assert not shares or traits.view is not View.NEVER or traits.writes, function
    assert tried > 200


def test_arguments_are_separated_by_position_or_name():
    assert separated(((0, "x"), (-1, "into")), (1, 2), {"into": 3, "other": 4}) == ([1, 3], [2, 4])
    assert separated(((1, "y"),), (1,), {"y": 2}) == ([2], [1])
    assert selected(((1, "y"), (0, "x"), (-1, "into")), (1, 2), {"into": 3, "x": 4}) == [2, 1, 3]


def test_wrong_traits_are_errors():
    with pytest.raises(TypeError, match=r"found the traits \['vew'\]; expected some of"):
        shape_rule(OPS.pick, vew=View.SAME)(lambda path, x, at: x)
    del RULES[OPS.pick]
    with pytest.raises(ValueError, match="has the traits"):
        declare_traits(torch.matmul, raises=(ValueError,))


class AddsHead(nn.Module):
    def forward(self, x):
        x = x.clone()
        x[:, 1:3].add_(OPS.head(x))
        return x


class AddsApart(nn.Module):
    def forward(self, x):
        x = x.clone()
        x[:, 1:3].add_(OPS.add(x, x)[:, :2])
        return x


def test_a_view_of_a_plugins_operator_is_no_other_memory():
    model = AddsHead()
    for width in (3, 7):
        with pytest.raises(RuntimeError, match="written-to tensor"):
            model(torch.ones(1, 4, width, width))
    assert archlint.check(model, input="1 4 H W", accepts="any H, W >= 3").word != "proved"
    found = archlint.infer(model, "1 4 H W")
    assert not found.exact
    assert "may overlap in part" in str(found.reasons)
    assert archlint.check(AddsApart(), input="1 4 H W", accepts="any H, W >= 3").word == "proved"


class Picks(nn.Module):
    def forward(self, x):
        return OPS.pick(x, torch.tensor([0, 4]))


def test_indices_of_an_operator_without_a_rule_are_not_checked():
    found = archlint.infer(Picks(), "N C")
    assert not found.exact


INDEXED = re.compile(r"gather|scatter|index_|_put|embedding|nll_loss|ctc_loss|segment")
READS_NO_INDEX = {
    "_use_cudnn_ctc_loss",
    "_use_miopen_ctc_loss",
    "batch_norm_gather_stats",
    "batch_norm_gather_stats_with_counts",
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "masked_scatter",
    "poisson_nll_loss",
}


def test_operators_that_read_indices_do_not_check_them():
    """Of torch's functions, by their names, of which older versions have fewer."""
    functions = {n: f for n in dir(torch) if callable(f := getattr(torch, n)) and INDEXED.search(n)}
    assert {"_cudnn_ctc_loss", "index_add", "masked_scatter", "poisson_nll_loss"} <= set(functions)
    unstated = {n for n, f in functions.items() if traits_of(f).unchecked is Unchecked.NOTHING}
    assert unstated == READS_NO_INDEX & set(functions)
