"""The schema of packs."""

import pytest
from pydantic import ValidationError

from archlint.contracts.rulefile.pack_schema import ExampleEntry, PackEntry, ParameterEntry

PACK = {"archlint": 1, "pack": "p", "about": "x", "contracts": [{"id": "a"}]}


def test_a_pack_has_a_name_and_a_description():
    assert PackEntry.model_validate(PACK).examples == []
    for key in ("archlint", "pack", "about"):
        with pytest.raises(ValidationError, match=key):
            PackEntry.model_validate({k: v for k, v in PACK.items() if k != key})


@pytest.mark.parametrize("value", [True, 2, "1"])
def test_the_version_is_the_number_1(value):
    with pytest.raises(ValidationError):
        PackEntry.model_validate({**PACK, "archlint": value})


def test_types_of_parameters_and_sizes_of_examples():
    assert ParameterEntry.model_validate({"about": "x", "type": "shape"}).type == "shape"
    with pytest.raises(ValidationError):
        ParameterEntry.model_validate({"about": "x", "type": "int"})
    with pytest.raises(ValidationError):
        ExampleEntry.model_validate({"breaks": "m:f", "at": {"N": -1}})
