"""Functions of libraries with a shape rule: they reach the tracer, and are restored."""

from __future__ import annotations

import sys

import pytest

from archlint.ops.registry import NAMED
from archlint.tracing.python.library_functions import library_functions_traced, own_body

pytest.importorskip("torchvision")


def functions():
    """The functions that are replaced, by their full names."""
    found = {}
    for name in NAMED:
        home, _, function = name.rpartition(":")
        module = sys.modules.get(home.rstrip(":"))
        if hasattr(module, function):
            found[name] = getattr(module, function)
    return found


def test_they_are_replaced_inside_the_block_only():
    before = functions()
    assert before
    with library_functions_traced():
        inside = functions()
        assert all(own_body(inside[name]) is before[name] for name in before)
    assert functions() == before
    assert not any(own_body(function) for function in before.values())


def test_they_are_restored_after_an_error():
    before = functions()
    with pytest.raises(KeyError), library_functions_traced():
        raise KeyError
    assert functions() == before
