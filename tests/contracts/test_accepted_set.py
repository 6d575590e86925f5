"""Accepted sets as text: what is written parses to the same set."""

import pytest

from archlint.contracts.accepted_set import AcceptedSet, Refusal, input_as_yaml, region, shown
from archlint.contracts.contract import TensorInput
from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.phrase_parser import parse_clause
from archlint.contracts.rulefile.shape_reader import read_input
from archlint.contracts.rulefile.yaml_source import parse
from archlint.errors import PhraseError
from archlint.symbolic import symbol
from archlint.symbolic.formula import holds

N, H = symbol("N"), symbol("H")
PINNED = AcceptedSet("m", "eval", TensorInput((N, H)), "H == 8", exact=True)
PARTLY = AcceptedSet(
    "m", "eval", TensorInput((N, H)), "H >= 32", exact=False,
    refusals=(Refusal("H < 4", "head", "linear", "needs H >= 4"), Refusal("", "", "cat", "raises")),
)  # fmt: skip


@pytest.mark.parametrize(
    ("accepts", "exact", "clause"),
    [
        ("H == 8", True, ("accepts", "only H == 8")),
        ("H == 8", False, ("accepts", "any H == 8")),
        ("any size", True, ("accepts", "any size")),
        ("no size", True, ("rejects", "any size")),
        ("no size", False, ("accepts", "")),
    ],
)
def test_the_clause_parses(accepts, exact, clause):
    found = AcceptedSet("m", "eval", TensorInput((N, H)), accepts, exact).clause
    assert found == clause
    if clause[1]:
        parse_clause(clause[1], clause[0])


def test_what_is_refused():
    assert not holds(PINNED.refused(), {"N": 1, "H": 8})
    assert holds(PINNED.refused(), {"N": 1, "H": 9})
    assert holds(PARTLY.refused(), {"N": 1, "H": 3})
    assert not holds(PARTLY.refused(), {"N": 1, "H": 9})


def test_the_layer_that_refuses():
    assert PARTLY.refusal_of({"N": 1, "H": 3}).at == "head"
    assert PARTLY.refusal_of({"N": 1, "H": 4}) is None
    assert [str(r) for r in PARTLY.refusals] == ["head (linear) needs H >= 4", "cat raises"]


def test_regions():
    assert region("any size") is True
    assert region("no size") is False
    with pytest.raises(PhraseError):
        region("H >= 3 or ...")


def test_an_input_as_yaml():
    ids = TensorInput((N, H), "int64", 100)
    data = input_as_yaml({"image": TensorInput((N, 3, H - 2)), "ids": [ids]})
    assert data == {"image": "N 3 H-2", "ids": [{"shape": "N H", "dtype": "int64", "below": 100}]}
    assert shown(data) == "{image: N 3 H-2, ids: [{shape: N H, dtype: int64, below: 100}]}"


def test_a_list_of_tensors_of_one_dimension_is_not_written_as_one_shape():
    for input in ([TensorInput((N,)), TensorInput((3,))], [TensorInput((N, H)), TensorInput((N,))]):
        collector = MistakeCollector(*parse("input: 1", "f"))
        again = read_input(collector, (), input_as_yaml(input), set())
        assert [t.dims for t in again] == [t.dims for t in input]
