"""Functions whose code is replaced for a while."""

from __future__ import annotations

import pytest

from archlint.tracing.python.rewritten_functions import code_replaced, contains, functions_with


def one():
    return 1


def two():
    return 2


def outer():
    def inner():
        return 3

    return inner


def test_the_code_is_replaced_inside_only():
    code = one.__code__
    with code_replaced([(one, two.__code__)], {"__helper__": "value"}):
        assert one() == 2
        assert globals()["__helper__"] == "value"
    assert one() == 1
    assert one.__code__ is code
    assert "__helper__" not in globals()


def test_it_is_restored_after_an_exception():
    with (
        pytest.raises(RuntimeError),
        code_replaced([(one, two.__code__)], {"__helper__": "value"}),
    ):
        raise RuntimeError
    assert one() == 1
    assert "__helper__" not in globals()


def test_functions_are_found_by_code_that_they_define():
    inner = outer().__code__
    assert contains(outer.__code__, inner)
    assert not contains(one.__code__, inner)
    assert outer in functions_with(inner)
    assert functions_with(one.__code__) == [one]
