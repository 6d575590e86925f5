"""Input and output shapes: what they become, and sizes that the input does not have."""

import pytest

from archlint.contracts.contract import ANY_SIZE, TensorInput, TensorOutput
from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.shape_reader import check_symbols, read_input, read_output
from archlint.contracts.rulefile.yaml_source import parse
from archlint.symbolic import symbol

N, T = symbol("N"), symbol("T")


def collector_of(text):
    return MistakeCollector(*parse(text, "f"))


def test_an_input_and_its_names():
    collector = collector_of("input: {x: [N 3, 4], ids: {shape: N T, dtype: int64, below: V}}")
    symbols = set()
    found = read_input(collector, ("input",), collector.source.data["input"], symbols)
    assert found == {
        "x": [TensorInput((N, 3), text="N 3"), TensorInput((4,), text="4")],
        "ids": TensorInput((N, T), "int64", symbol("V"), "N T"),
    }
    assert symbols == {"N", "T"}


@pytest.mark.parametrize(
    ("value", "dims"),
    [
        ("[N, 3, T]", (N, 3, T)),
        ("['N', T-1]", (N, T - 1)),
        ("[N]", (N,)),
        ("[1, 3, 32]", (1, 3, 32)),
    ],
)
def test_a_list_of_sizes_is_one_shape(value, dims):
    for text, dtype in ((value, "float32"), (f"{{shape: {value}, dtype: int64}}", "int64")):
        collector = collector_of(f"input: {text}")
        found = read_input(collector, ("input",), collector.source.data["input"], set())
        assert (found.dims, found.dtype) == (dims, dtype)


def test_a_list_of_shapes_is_a_list_of_tensors():
    for text in ("[N 3, T]", "[{shape: N}, {shape: T}]", "[[N, 3], [T]]"):
        collector = collector_of(f"input: {text}")
        found = read_input(collector, ("input",), collector.source.data["input"], set())
        assert [t.dims for t in found][1] == (T,)


@pytest.mark.parametrize(("text", "column"), [("N T int64", 12), ("int64 N T", 8)])
def test_a_dtype_is_no_size(text, column):
    collector = collector_of(f"input: {text}")
    assert read_input(collector, ("input",), collector.source.data["input"], set()) is None
    (mistake,) = collector.mistakes
    assert mistake.where.column == column
    assert mistake.expected == "{shape: N T, dtype: int64}"


def test_a_mistake_in_a_list_of_sizes_has_its_column():
    collector = collector_of("input: [N, 3, H//]")
    assert read_input(collector, ("input",), collector.source.data["input"], set()) is None
    assert [m.where.column for m in collector.mistakes] == [18]


@pytest.mark.parametrize("value", ["N 3,", "[N, '']", "{a: N -1}", "[]", "{}"])
def test_an_input_with_a_mistake_is_none(value):
    collector = collector_of(f"input: {value}")
    assert read_input(collector, ("input",), collector.source.data["input"], set()) is None


def test_a_bound_needs_an_integer_dtype():
    collector = collector_of("input: {shape: N, below: 3}")
    read_input(collector, ("input",), collector.source.data["input"], set())
    assert [m.found for m in collector.mistakes] == ["found 'below' for a float32 tensor"]


def test_an_output_may_have_wildcards():
    collector = collector_of("output: {a: N _, b: [3]}")
    found = read_output(collector, ("output",), collector.source.data["output"])
    assert found == {"a": TensorOutput((N, ANY_SIZE), "N _"), "b": [TensorOutput((3,), "3")]}


def test_sizes_that_the_input_does_not_have():
    collector = collector_of("accepts: any n >= 1\noutput: N K\ninput: N")
    check_symbols(collector, (), collector.source.data, {"N"})
    assert [(m.where.line, m.where.column, m.found) for m in collector.mistakes] == [
        (1, 14, "found 'n', which is not a size of the input; did you mean 'N'?"),
        (2, 11, "found 'K', which is not a size of the input"),
    ]
