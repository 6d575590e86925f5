"""Parameters of packs: their types, their values, and texts with values filled in."""

import pytest

from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.pack_parameters import (
    MAX_TEXT,
    Parameter,
    bind,
    fill,
    read_parameters,
)
from archlint.contracts.rulefile.yaml_source import parse

KINDS = {kind: Parameter(kind, "", kind) for kind in ("number", "text", "shape")}


@pytest.mark.parametrize(
    ("entry", "kind", "required"),
    [
        ("{about: x}", "number", True),
        ("{about: x, default: 3}", "number", False),
        ("{about: x, default: N 3}", "text", False),
        ("{about: x, default: [N, 3]}", "shape", False),
        ("{about: x, default: 3, type: text}", "text", False),
    ],
)
def test_the_type_is_that_of_the_default(entry, kind, required):
    collector = MistakeCollector(*parse(f"parameters: {{p: {entry}}}", "f"))
    parameter = read_parameters(collector, collector.source.data["parameters"])["p"]
    assert (parameter.kind, parameter.required) == (kind, required)
    assert not collector.mistakes


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        ("number", "3", True), ("number", "-1", False), ("number", "true", False),
        ("number", "x", False), ("text", "x", True), ("text", "3", True), ("text", "''", False),
        ("text", "x" * (MAX_TEXT + 1), False), ("text", "[x]", False), ("shape", "[N 3]", True),
        ("shape", "[]", False), ("shape", "{a: N}", True), ("other", "3", False),
    ],
)  # fmt: skip
def test_values_that_fit(kind, value, fits):
    collector = MistakeCollector(*parse(f"with: {{{kind}: {value}}}", "f"))
    bound = bind(collector, ("with",), collector.source.data["with"], KINDS)
    assert (bool(bound), bool(collector.mistakes)) == (fits, not fits)


def test_placeholders_are_replaced_by_values():
    source, _ = parse('c: [{in: "{shape}", out: "N {n}", k: "{n}", set: "H in { n }"}]', "f")
    filled = fill(source, ("c", 0), {"shape": ["N 3", 4], "n": 7})
    entry = filled.source.data["c"][0]
    assert entry == {"in": ["N 3", 4], "out": "N 7", "k": 7, "set": "H in { n }"}
    names = [names for _, names in filled.texts.values()]
    assert names == [("shape",), ("n",), ("n",)]
    assert source.data["c"][0]["k"] == "{n}"
