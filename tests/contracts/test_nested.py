"""Parts, copies and text of nested inputs and outputs."""

from archlint.contracts.contract import TensorInput
from archlint.contracts.nested import flow_text, input_tensors, leaves, map_leaves
from archlint.contracts.output_match import NamedFields

NESTED = {"a": [(1, 2), None], "b": {"c": (3,)}, "d": []}


def test_leaves():
    assert list(leaves(NESTED)) == [("a.0", (1, 2)), ("a.1", None), ("b.c", (3,))]
    assert list(leaves((4, 5))) == [("", (4, 5))]


def test_tensors_of_an_input():
    one, other = TensorInput((1, 3)), TensorInput((2,))
    assert input_tensors(one) == [one]
    assert input_tensors({"x": [one, other], "y": one}) == [one, other, one]


def test_copies():
    assert map_leaves(NESTED, str) == {"a": ["(1, 2)", "None"], "b": {"c": "(3,)"}, "d": []}
    fields = map_leaves([NamedFields([1, 2], ("low", "high"))], lambda n: n + 1)
    assert fields == [[2, 3]]
    assert fields[0].names == ("low", "high")


def test_text():
    assert flow_text(NESTED, repr) == "{a: [(1, 2), None], b: {c: (3,)}, d: []}"
