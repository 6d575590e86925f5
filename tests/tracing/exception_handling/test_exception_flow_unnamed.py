"""Code that learns what an error is without naming it where an operator raised: nothing is said."""

from __future__ import annotations

import sys
import traceback

import pytest
import torch

from tests.support.refusing_models import decided


def by_the_class_that_is_handled(x):
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    except Exception:
        if sys.exc_info()[0] is RuntimeError:
            return x
        return x.sum()


def by_the_text_that_is_handled(x):
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    except Exception:
        return x if "shape" in traceback.format_exc() else x.sum()


def by_the_text_of_another(x):
    try:
        try:
            return x.view(1, 4, -1, 3, x.shape[3])
        except RuntimeError as e:
            raise ValueError(str(e)) from None
    except ValueError as e:
        return x if "shape" in str(e) else x.sum()


def by_the_cause_of_another(x):
    try:
        try:
            return x.view(1, 4, -1, 3, x.shape[3])
        except RuntimeError as e:
            raise ValueError("no threes") from e
    except ValueError as e:
        return x if type(e.__cause__) is RuntimeError else x.sum()


def by_a_table_of_kinds(x):
    answers = {KeyError: x.sum(), RuntimeError: x}
    try:
        return x.view(1, 4, -1, 3, x.shape[3])
    except tuple(answers) as e:
        return answers[type(e)]


@pytest.mark.parametrize(
    "forward",
    [
        by_the_class_that_is_handled,
        by_the_text_that_is_handled,
        by_the_text_of_another,
        by_the_cause_of_another,
        by_a_table_of_kinds,
    ],
)
def test_an_error_is_read_without_naming_it(forward):
    assert decided(forward, accepts="any size", output="1 4 H W").word == "error"
    assert decided(forward, accepts="any H % 3 == 0").word == "proved"
    assert forward(torch.zeros(1, 4, 5, 5)).shape == (1, 4, 5, 5)
