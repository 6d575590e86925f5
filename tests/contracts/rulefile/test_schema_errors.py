"""Errors of pydantic become mistakes with a place and plain text."""

import pytest

from archlint.contracts.rulefile.schema_errors import describe, is_pack, structure_mistakes
from archlint.contracts.rulefile.yaml_source import parse


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"), (True, "true"), (False, "false"), (3, "the number 3"),
        ("x", "the text 'x'"), ("y" * 50, f"the text '{'y' * 37}...'"), ([], "an empty list"),
        ({}, "an empty mapping"), ([1], "a list"), ({"a": 1}, "a mapping"),
    ],
)  # fmt: skip
def test_how_a_value_is_described(value, text):
    assert describe(value) == text


def test_all_mistakes_with_their_places():
    source, _ = parse(
        "archlint: 1\ncontracts:\n  - id: 3\n    models: x\n    budget: {paths: 0, tiem: 1}\n", "f"
    )
    found = [(m.where.line, m.where.column, m.found, m.expected)
             for m in structure_mistakes(source)]  # fmt: skip
    assert found == [
        (3, 9, "found the number 3", "text, in quotes"),
        (5, 21, "found the number 0", "at least 1"),
        (5, 24, "found the unknown key 'tiem'", "one of paths, seconds, memory"),
    ]


def test_packs_are_recognized_by_their_key():
    assert is_pack(parse("pack: x\n", "f")[0])
    assert not is_pack(parse("archlint: 1\n", "f")[0])
    assert not is_pack(parse("- pack\n", "f")[0])
