"""What a name in code stands for: nothing is run, so that a property or a call stays unknown."""

from __future__ import annotations

import ast
import math
import sys

import pytest

from archlint.tracing.exception_handling.meanings import UNKNOWN, named


class Held:
    kind = KeyError

    def method(self):
        return self

    @property
    def made(self):
        raise AssertionError("nothing is run")


HELD = Held()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("HELD", HELD),
        ("HELD.kind", KeyError),
        ("HELD.method", HELD.method),
        ("HELD.made", UNKNOWN),
        ("HELD.method()", UNKNOWN),
        ("HELD.missing", UNKNOWN),
        ("math.pi", math.pi),
        ("ValueError", ValueError),
        ("here", 3),
        ("not_yet", UNKNOWN),
        ("nowhere", UNKNOWN),
    ],
)
def test_a_name_is_looked_up_in_its_frame(text, value):
    here = 3
    found = named(ast.parse(text, mode="eval").body, sys._getframe())
    assert found == value
    not_yet = here
    assert not_yet == 3
