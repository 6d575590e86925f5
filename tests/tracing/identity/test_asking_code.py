"""Which code asks whether two objects are one, and what becomes of it."""

from __future__ import annotations

import ast
import builtins
from operator import is_ as alike

import pytest
import torch

from archlint.tracing.identity.asking_code import Asking, asking_names, text_asks
from archlint.tracing.keys.watched_code import Unfit

kind = type
SEVEN = 7


def never_passed(a, *, __mark=len.__class__, __text="mark"):
    return a is __mark


def passed(a, *, mark=dict):
    return a is mark


def bound_again(a, *, __mark=dict):
    __mark = a
    return a is __mark


def with_a_value(a, *, __mark=(1, 2)):
    return a is __mark


def asking():
    yield from (passed, bound_again, with_a_value)
    yield lambda a, b: a is b
    yield lambda a, b: a is not b
    yield lambda a: (a > 3) is True
    yield lambda a, b: [c for c in a if c is b]
    yield lambda a, b: lambda: a is b
    yield lambda a: id(a)
    yield lambda module, a, b: module.is_(a, b)
    yield lambda a: type(a)
    yield lambda a: kind(a)
    yield lambda a: a is SEVEN
    yield lambda a: a is missing  # noqa: F821
    yield lambda a, b: alike(a, b)
    yield lambda a, of=type: of(a)
    yield lambda a, *, of=id: of(a)
    yield lambda a: builtins.type(a)
    yield lambda a: __builtins__["type"](a)
    yield lambda a: isinstance(a, torch.SymInt)
    yield lambda a: eval("a is 3")
    yield closing_over(type)
    yield importing
    yield with_none_or_one
    yield with_a_parameter
    yield with_many
    yield lambda a: a.__class__ is int  # of which another may stand for it in this module


def closing_over(of):
    return lambda a: of(a)


def with_none(a):
    other = more = None
    return a is other, a is more


def with_none_or_one(a, b=None):
    other = None
    if a:
        other = 1
    return a is other


def with_a_parameter(a, b=None):
    if a:
        b = None
    return a is b


def with_many(a, *b):
    if a:
        b = None
    return a is b


def importing(a):
    from builtins import type as of

    return of(a)


def not_asking():
    yield never_passed
    yield lambda a: a is None
    yield lambda a: a is not None
    yield lambda a, b: a == b or a in b
    yield lambda a: a is ...
    yield lambda a: a.type(torch.double)
    yield lambda a: a.id
    yield lambda a: isinstance(a, int)
    yield lambda type, a: type(a)
    yield lambda a: a.__class__ is str
    yield lambda a: a is closing_over
    yield with_none


@pytest.mark.parametrize("function", list(asking()))
def test_code_that_asks(function):
    assert asking_names(function) is not None


@pytest.mark.parametrize("function", list(not_asking()))
def test_code_that_does_not(function):
    assert asking_names(function) is None


def test_a_name_that_is_replaced_otherwise_does_not_count():
    assert asking_names(lambda a: type(a), shadowed=True) is None
    assert asking_names(lambda a: kind(a), shadowed=True) == {"kind"}


NAMES = frozenset(("id", "is_not", "type", "isinstance", "kind", "eval"))


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
        ("hasattr(a, 'b')", "hasattr(a, 'b')"),
        ("type(a)", "__archlint_identity__.function(type)(a)"),
        ("kind(a)", "__archlint_identity__.function(kind)(a)"),
        ("builtins.type(a)", "__archlint_identity__.function(builtins.type)(a)"),
        ("type.mro(a)", "type.mro(a)"),
        ("eval('a', b)", "eval(__archlint_identity__.text('a'), b)"),
        ("class A(type):\n    pass", "class A(type):\n    pass"),
        ("class A:\n    b = type", "class A:\n    b = __archlint_identity__.function(type)"),
    ],
)
def test_what_becomes_of_it(before, after):
    assert ast.unparse(Asking(NAMES).visit(ast.parse(before))) == after


@pytest.mark.parametrize(
    "code",
    [
        "a is f() is b",  # an operand of two comparisons is computed once
        "__builtins__['type'](a)",
        "map(eval, a)",
        "eval(*a)",
        "from operator import is_ as same",
        "match a:\n    case torch.SymInt():\n        pass",
    ],
)
def test_code_that_is_not_followed(code):
    with pytest.raises(Unfit):
        Asking(NAMES | {"__builtins__"}).visit(ast.parse(code))


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("a is b", True),
        ("a is None", False),
        ("type(a)", True),
        ("[(lambda: id(b)) for b in a]", True),
        ("getattr(a, b)(c)", True),
        ("eval(a)", True),
        ("isinstance(a, int)", False),
        ("a + b.shape[0]", False),
    ],
)
def test_texts(text, asks):
    assert text_asks(compile(text, "<text>", "exec")) is asks
