"""The structure of a contract: its checks, what must stand beside it, and its text."""

import pytest

from archlint.contracts.rulefile.mistake_collector import MistakeCollector
from archlint.contracts.rulefile.structure_reader import (
    check_structure,
    read_structure,
    structure_as_yaml,
)
from archlint.contracts.rulefile.yaml_source import parse


def test_checks_set_to_false_are_left_out():
    assert read_structure({"batch_preserved": False, "forbids": "LSTM"}) == {"forbids": "LSTM"}
    assert read_structure(None) == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("structure: {forbids: LSTM}", []),
        ("input: N\nstructure: {batch_preserved: true}", []),
        ("input: N\nstructure: {batch_preserved: false}", ["found a structure without checks"]),
        (
            "structure: {total_stride: 2}",
            ["the key 'input' is missing, which total_stride requires"],
        ),
        ("structure: {acme.: 1}\ninput: N", ["found the name 'acme.'"]),
        ("input: N\nrejects: any N\nstructure: {forbids: x}", ["found structure beside rejects"]),
        ("structure: {forbids: x}\noutput: N", ["found an output without an input"]),
        ("accepts: any N", ["the key 'input' is missing"]),
    ],
)
def test_keys_beside_a_structure(text, found):
    collector = MistakeCollector(*parse(text, "f"))
    check_structure(collector, (), collector.source.data)
    assert [m.found for m in collector.mistakes] == found


def test_as_yaml_on_one_line():
    checks = {"batch_preserved": True, "total_stride": [8, 16], "parameters": {"trainable": True}}
    text = "batch_preserved, total_stride: [8, 16], parameters: {trainable: true}"
    assert structure_as_yaml(checks) == text
