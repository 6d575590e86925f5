"""YAML with positions: lines and columns of values and keys, and limits on hostile files."""

import os

import pytest

from archlint.contracts.rulefile.yaml_source import MAX_BYTES, parse, read
from archlint.errors import RuleFileError
from archlint.runner.cache.dependencies import digest_of

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


def test_files_that_are_not_regular(tmp_path):
    """Reading one might never end."""
    pipe, loop, device = tmp_path / "pipe.yaml", tmp_path / "loop.yaml", tmp_path / "zero.yaml"
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    device.symlink_to("/dev/zero")
    for path, found in (
        (pipe, "this is not a regular file"),
        (loop, "this file cannot be read: Too many levels of symbolic links"),
        (device, "this is not a regular file"),
    ):
        with pytest.raises(RuleFileError) as caught:
            read(path)
        assert [m.found for m in caught.value.mistakes] == [found]
        assert digest_of(str(path)) == "absent"


@pytest.mark.parametrize("storm", ["[N _" + "[" * 1000, "[N _" + "{" * 1000, "['a' " + "[" * 5000])
def test_brackets_beside_a_scalar(storm):
    with pytest.raises(RuleFileError) as caught:
        parse(f"archlint: 1\ncontracts: {storm}", "a.yaml")
    assert len(caught.value.mistakes) == 1


@pytest.mark.parametrize(
    "character", ["\\e", "\\a", "\\b", "\\0", "\\r", "\\x9b", "\\u202e", "\\u2066", "\\u2028"]
)
def test_control_characters_in_values(character):
    source, mistakes = parse(f'why: "a{character}[31mb"\n"k{character}": 1', "a.yaml")
    assert [m.found[:27] for m in mistakes] == ["found the control character"] * 2
    assert source.data == {"why": "a[31mb"}


def test_characters_that_reverse_the_text_of_a_file(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("# \u202e\narchlint: 1\n", encoding="utf-8")
    with pytest.raises(RuleFileError, match="found the control character"):
        read(path)


@pytest.mark.parametrize(
    "before", ["", "a: 1\n" * 999, "# " + "-" * 9_000 + "\n", "a: '[[[[\n  x'\n"]
)
@pytest.mark.parametrize("storm", ["[", "{a: ", "[{a: "])
def test_a_storm_of_brackets_is_told_at_the_first_that_is_too_deep(before, storm):
    with pytest.raises(RuleFileError) as raised:
        parse(f"{before}b: {storm * 5_000}", "f.yaml")
    mistake = raised.value.mistakes[-1]
    assert mistake.found == "found a value nested 33 deep or deeper"
    openings = [i for i, letter in enumerate(storm * 32) if letter in "[{"]
    # The mapping of the file is the first level, so the 32nd bracket is one too many.
    column = len("b: ") + openings[31] + 1
    assert (mistake.where.line, mistake.where.column) == (before.count("\n") + 1, column)
