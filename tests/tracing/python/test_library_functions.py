"""Functions of libraries with a shape rule: they reach the tracer, and are restored."""

from __future__ import annotations

import sys
import types

import pytest

from archlint.ops.registry import NAMED
from archlint.symbolic import symbol
from archlint.symbolic.intervals import Box
from archlint.tracing.path import TracedPath
from archlint.tracing.python.library_functions import library_functions_traced, own_body
from archlint.tracing.symint.python_types import sym_int

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


def test_an_order_of_products_does_not_depend_on_symbolic_sizes(monkeypatch):
    calls = []
    parser = types.SimpleNamespace(
        parse_einsum_input=lambda operands, shapes: ("ab,bc,cd", "ad", operands[1:])
    )
    module = types.SimpleNamespace(parser=parser, contract_path=lambda *a, **k: calls.append(a))
    monkeypatch.setitem(sys.modules, "opt_einsum.contract", module)
    before = module.contract_path
    size = sym_int(symbol("N"), TracedPath({"N": 3}, Box({"N": (1, None)})))
    plain = [types.SimpleNamespace(shape=(3, 3))] * 3
    symbolic = [types.SimpleNamespace(shape=(size, 3)), *plain[1:]]
    with library_functions_traced():
        module.contract_path("ab,bc,cd->ad", *plain, einsum_call=True)
        assert len(calls) == 1
        operands, steps = module.contract_path("ab,bc,cd->ad", *symbolic, einsum_call=True)
    assert len(calls) == 1
    assert module.contract_path is before
    assert list(operands) == symbolic
    assert steps == [((2, 1, 0), frozenset(), "cd,bc,ab->ad", ("ad",), False)]


def test_they_are_restored_after_an_error():
    before = functions()
    with pytest.raises(KeyError), library_functions_traced():
        raise KeyError
    assert functions() == before
