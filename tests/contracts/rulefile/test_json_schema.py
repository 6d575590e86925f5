"""The JSON Schema of rule files accepts what the reader accepts."""

import json

import pytest

from archlint.contracts.rulefile.json_schema import DIALECT, document


@pytest.mark.parametrize("pack", [False, True])
def test_it_is_plain_json_schema(pack):
    schema = document(pack)
    text = json.dumps(schema)
    assert schema["$schema"] == DIALECT
    assert schema["title"] == ("archlint pack" if pack else "archlint rule file")
    assert "discriminator" not in text
    assert ('"pack"' in text) is True


def test_a_tensor_is_recognized_by_its_keys():
    defs = document()["$defs"]
    assert defs["Input"]["then"] == {"$ref": "#/$defs/TensorEntry"}
    assert "if" not in defs["Output"]
