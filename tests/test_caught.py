"""Models that go on after an operator has refused: such sizes are accepted, as running shows."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from archlint.given import contract_of
from archlint.model.resolve import from_instance
from archlint.pipeline import decide_source
from archlint.trace.caught import is_caught


class Model(nn.Module):
    def __init__(self, forward):
        super().__init__()
        self.run = forward

    def forward(self, x):
        return self.run(x)


def decided(forward, **words):
    contract = contract_of(input="1 4 H W", **words)
    return decide_source(contract, from_instance(Model(forward)), samples=0)


def by_threes(x):
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    except RuntimeError:
        return x.mean((2, 3), keepdim=True)


def the_largest_window(x):
    for size in (7, 3, 1):
        try:
            return F.avg_pool2d(x, size)
        except Exception:
            continue
    return None


def after_a_helper(x):
    def product(x):
        return x @ x

    try:
        y = product(x)
    except (ValueError, RuntimeError):
        y = x
    return y


@pytest.mark.parametrize("forward", [by_threes, the_largest_window, after_a_helper])
def test_what_is_caught_refuses_nothing(forward):
    assert decided(forward, accepts="any size").word == "proved"
    for sizes in [(1, 1), (6, 4), (5, 5), (2, 9)]:
        forward(torch.zeros(1, 4, *sizes))


def test_the_two_ways_have_their_own_outputs():
    verdict = decided(by_threes, accepts="any size", output="1 4 1 1")
    assert verdict.counterexample == {"H": 3, "W": 1}
    assert by_threes(torch.zeros(1, 4, 3, 1)).shape == (1, 4, 1, 3, 1)
    assert decided(by_threes, accepts="any H % 3 != 0", output="1 4 1 1").word == "proved"


def again(x):
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    except RuntimeError:
        raise


def other_words(x):
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    except RuntimeError as e:
        raise ValueError("no threes") from e


def not_this_kind(x):
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    except (KeyError, TypeError):
        return x


def in_the_end(x):
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    finally:
        x = None


@pytest.mark.parametrize("forward", [again, other_words, not_this_kind, in_the_end])
def test_what_is_raised_in_the_end_is_refused(forward):
    assert decided(forward, accepts="only H % 3 == 0").word == "proved"
    with pytest.raises((RuntimeError, ValueError)):
        forward(torch.zeros(1, 4, 5, 5))


def the_fifth_row(x):
    try:
        return x[:, :, 4]
    except IndexError:
        return x[:, :, 0]


def test_nothing_is_said_where_the_kind_of_the_error_decides():
    verdict = decided(the_fifth_row, accepts="any size")
    assert verdict.word == "error"
    assert "an operator refuses in a `try` that catches some kinds of errors" in verdict.message
    assert decided(the_fifth_row, accepts="any H >= 5").word == "proved"


def test_only_what_the_caller_calls_counts():
    def caller(asked):
        return asked()

    def guarded():
        try:
            return is_caught(caller.__code__)
        except RuntimeError:
            return None

    assert caller(guarded) is True
    try:
        found = caller(lambda: is_caught(caller.__code__))
    except RuntimeError:
        found = None
    assert found is False
    assert is_caught(None) is False
