"""YAML with positions: lines and columns of values and keys, and limits on hostile files."""

import pytest

from archlint.contracts.rulefile.yaml_source import MAX_BYTES, parse, read
from archlint.errors import RuleFileError

TEXT = """\
a: 1
b:
  - x
  - {c: 'two words', off: off}
"""


def test_each_value_and_key_knows_its_place():
    source, mistakes = parse(TEXT, "f.yaml")
    assert not mistakes
    assert source.data == {"a": 1, "b": ["x", {"c": "two words", "off": False}]}
    assert source.values[("b", 0)] == (3, 5)
    assert source.values[("b", 1, "c")] == (4, 9)
    assert source.keys[("b", 1, "c")] == (4, 6)
    where = source.where(("b", 1, "c"), key=True)
    assert (where.file, where.line, where.column) == ("f.yaml", 4, 6)


def test_a_column_inside_a_quoted_text():
    source, _ = parse(TEXT, "f.yaml")
    mistake = source.mistake_in(("b", 1, "c"), "two words", 5, "found x", "y")
    assert (mistake.where.column, mistake.source) == (14, "  - {c: 'two words', off: off}")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1:30", "1:30"), ("0x10", 16), ("1_000", 1000), ("1.5", 1.5), ("yes", True),
        ("~", None), ("2026-12-31", "2026-12-31"), ("'1'", "1"),
    ],
)  # fmt: skip
def test_scalars(text, value):
    assert parse(f"a: {text}\n", "f")[0].data == {"a": value}


def test_mistakes_that_do_not_prevent_reading():
    source, mistakes = parse("a: 1\na: 2\nb: !x 3\n", "f")
    assert source.data == {"a": 1, "b": "3"}
    assert [(m.where.line, m.found) for m in mistakes] == [
        (3, "found the YAML tag '!x'"),
        (2, "found the key 'a' again; the first is on line 1"),
    ]


def test_files_that_cannot_be_read(tmp_path):
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (MAX_BYTES + 1))
    for path, found in (
        (tmp_path, "found a directory"),
        (tmp_path / "none.yaml", "this file does not exist"),
        (large, "found a file of more than 1 MB"),
    ):
        with pytest.raises(RuleFileError) as caught:
            read(path)
        assert [m.found for m in caught.value.mistakes] == [found]
