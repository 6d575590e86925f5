"""The schema of inputs: a tensor entry and a mapping of arguments are told apart by their keys."""

import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from archlint.contracts.rulefile.tensor_schema import DTYPES, Input, Output, is_tensor_entry, kind


def test_dtypes_are_those_of_torch():
    assert all(isinstance(getattr(torch, name), torch.dtype) for name in DTYPES)


@pytest.mark.parametrize(
    ("value", "tensor"),
    [
        ({"shape": "N 3"}, True),
        ({"dtype": "int64"}, True),
        ({"shape": {"shape": "N"}}, False),
        ({"image": "N 3"}, False),
        ({}, False),
        ("N 3", False),
    ],
)
def test_which_mappings_are_one_tensor(value, tensor):
    assert is_tensor_entry(value) is tensor


def test_kinds():
    values = ("x", 3, [], {}, True, None, 1.5)
    kinds = ["<text>", "<number>", "<list>", "<mapping>", None, None, None]
    assert list(map(kind, values)) == kinds


@pytest.mark.parametrize(
    "value", ["", [], {}, None, 1.5, True, {"a": [None]}, {"shape": "N", "x": 1}]
)
def test_what_is_no_input(value):
    with pytest.raises(ValidationError):
        TypeAdapter(Input).validate_python(value)


def test_outputs_have_no_tensor_entries():
    TypeAdapter(Output).validate_python({"shape": "N 3", "parts": [3, "N"]})
