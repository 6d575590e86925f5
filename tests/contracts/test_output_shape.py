"""Nested output shapes: as YAML data and back, compared, and at concrete sizes."""

import pytest

from archlint.contracts.contract import ANY_SIZE
from archlint.contracts.output_match import NamedFields
from archlint.contracts.output_shape import at, covers, equal, fits, mapped, parse, words
from archlint.symbolic import ceildiv, symbol
from archlint.symbolic.formula import holds

N, H = symbol("N"), symbol("H")
NESTED = {"maps": [(N, 8, ceildiv(H, 4)), (N, 8, H // 8)], "logits": (N, 10)}


def test_what_is_written_reads_as_the_same_shape():
    data = words(NESTED)
    assert data == {"maps": ["N 8 ceil(H/4)", "N 8 H//8"], "logits": "N 10"}
    assert equal(parse(data), NESTED) is True


@pytest.mark.parametrize("shape", [(), None, "int", [(N,), None], {1: (N,)}, [], {}])
def test_shapes_that_a_rule_file_cannot_state(shape):
    assert words(shape) is None


def test_equal_is_a_condition_on_sizes():
    same = equal((N, H), (N, 2 * N))
    assert holds(same, {"N": 3, "H": 6})
    assert not holds(same, {"N": 3, "H": 7})
    assert equal((N,), (N, H)) is False
    assert equal([(N,)], {"a": (N,)}) is False
    assert equal({"a": (N,), "b": (N,)}, {"b": (N,), "a": (N,)}) is False


def test_a_wildcard_covers_any_size_but_equals_only_itself():
    assert covers((N, ANY_SIZE), (N, H)) is True
    assert covers((N, H), (N, ANY_SIZE)) is False
    assert equal((N, ANY_SIZE), (N, H)) is False
    assert equal((N, ANY_SIZE), (N, ANY_SIZE)) is True


def test_at_concrete_sizes():
    shape = at(NESTED, {"N": 2, "H": 33})
    assert shape == {"maps": [(2, 8, 9), (2, 8, 4)], "logits": (2, 10)}
    assert fits(shape, {"maps": [(2, 8, 9), (2, 8, 4)], "logits": (2, 10)})
    assert not fits(shape, {"maps": [(2, 8, 9), (2, 8, 5)], "logits": (2, 10)})
    assert fits([(2, ANY_SIZE), None], [(2, 7), None])
    assert not fits([(2, ANY_SIZE)], [(2, 7, 1)])


def test_a_named_tuple_keeps_its_names():
    changed = mapped(NamedFields([(N,)], ("scores",)), lambda dims: (*dims, 1))
    assert (changed, changed.names) == ([(N, 1)], ("scores",))


def test_a_named_tuple_is_written_by_its_names():
    shape = NamedFields([(N, 4), NamedFields([(N,)], ("scores",))], ("boxes", "rest"))
    assert words(shape) == {"boxes": "N 4", "rest": {"scores": "N"}}
