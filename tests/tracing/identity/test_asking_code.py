"""Which code asks whether two objects are one, and what becomes of it."""

from __future__ import annotations

import ast

import pytest

from archlint.tracing.identity.asking_code import Asking, asks_identity
from archlint.tracing.keys.watched_code import Unfit


def asking():
    yield lambda a, b: a is b
    yield lambda a, b: a is not b
    yield lambda a: (a > 3) is True
    yield lambda a, b: [c for c in a if c is b]
    yield lambda a, b: lambda: a is b
    yield lambda a: id(a)
    yield lambda module, a, b: module.is_(a, b)


def not_asking():
    yield lambda a: a is None
    yield lambda a: a is not None
    yield lambda a, b: a == b or a in b
    yield lambda a: a is ...


@pytest.mark.parametrize("function", list(asking()))
def test_code_that_asks(function):
    assert asks_identity(function)


@pytest.mark.parametrize("function", list(not_asking()))
def test_code_that_does_not(function):
    assert not asks_identity(function)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a is b", "__archlint_identity__.same(a, b)"),
        ("f(a) is not True", "not __archlint_identity__.same(f(a), True)"),
        ("a is None", "a is None"),
        ("None is not a", "None is not a"),
        ("a is b is not None", "__archlint_identity__.same(a, b) and b is not None"),
        ("a < b is c", "a < b and __archlint_identity__.same(b, c)"),
        ("map(id, a)", "map(__archlint_identity__.function(id), a)"),
        ("o.is_not(a, b)", "__archlint_identity__.function(o.is_not)(a, b)"),
        ("a == b", "a == b"),
    ],
)
def test_what_becomes_of_it(before, after):
    assert ast.unparse(Asking().visit(ast.parse(before))) == after


def test_an_operand_of_two_comparisons_is_computed_once():
    with pytest.raises(Unfit):
        Asking().visit(ast.parse("a is f() is b"))
