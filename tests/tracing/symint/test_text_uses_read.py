"""Texts of sizes that are raised, printed or warned, and read by the model's own code."""

from __future__ import annotations

import contextlib
import io
import sys
import traceback
import warnings

import pytest
import torch
from torch import nn

import archlint


def check(x):
    if x.shape[1] % 3:
        raise ValueError(f"size {x.shape[1]}")


def length_of_the_error(x):
    try:
        check(x)
    except ValueError as e:
        return len(str(e))
    return 1


def part_of_the_error(x):
    try:
        assert x.shape[1] % 2, f"odd {x.shape[1]}"
    except AssertionError as e:
        return 2 if "1" in e.args[0] else 3
    return 1


def the_cause(x):
    try:
        try:
            check(x)
        except ValueError as e:
            raise RuntimeError from e
    except RuntimeError as e:
        return len(repr(e.__cause__))
    return 1


def formatted(x):
    try:
        check(x)
    except ValueError:
        return 2 if "size 4" in traceback.format_exc() else 3
    return 1


def the_one_that_is_handled(x):
    try:
        check(x)
    except ValueError:
        return len(str(sys.exc_info()[1]))
    return 1


def printed_to_a_text(x):
    text = io.StringIO()
    print(x.shape[1], file=text)
    return len(text.getvalue())


def printed(x):
    with contextlib.redirect_stdout(io.StringIO()) as text:
        print("n", x.shape[1])
    return len(text.getvalue())


def warned(x):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.warn(f"{x.shape[1]}", stacklevel=1)
    return len(str(caught[0].message))


def of_a_tensor(x):
    return len(repr(x)) % 5 + 1


def in_the_text_of_a_tensor(x):
    return 2 if "[" in f"{x[0, 0]}" else 1


OF_TENSORS = (of_a_tensor, in_the_text_of_a_tensor)
READ = (
    *OF_TENSORS,
    *(length_of_the_error, part_of_the_error, the_cause, formatted, the_one_that_is_handled),
    *(printed_to_a_text, printed, warned),
)


def model(function):
    class Reads(nn.Module):
        def forward(self, x):
            return torch.zeros(function(x))

    return Reads()


@pytest.mark.parametrize("function", READ, ids=lambda f: f.__name__)
def test_a_text_that_is_read(function):
    contract = {"input": "N T", "accepts": "any N >= 1 and 1 <= T <= 24", "samples": 0}
    for output in range(1, 20):
        at = [function(torch.zeros(2, t)) for t in range(1, 25)]
        verdict = archlint.check(model(function), output=str(output), **contract)
        right = all(n == output for n in at)
        assert verdict.word == "proved" if right and function not in OF_TENSORS else True
        assert right or verdict.word != "proved"
        if verdict.word == "broken":
            break


def raised_again(x):
    try:
        check(x)
    except ValueError as e:
        raise RuntimeError(f"refused: {e}") from e
    return 1


def shown(x):
    try:
        check(x)
    except ValueError as e:
        print(e)
        return 2
    return 1


def tensor_shown(x):
    print(f"got {x}", x)
    if x.shape[1] > 4:
        raise ValueError(f"too long: {x}")
    return 1


@pytest.mark.parametrize("function", [raised_again, shown, tensor_shown], ids=lambda f: f.__name__)
def test_a_text_that_only_people_read_costs_nothing(function):
    assert archlint.infer(model(function), "N T").exact
