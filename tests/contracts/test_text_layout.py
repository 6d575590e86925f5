from archlint.contracts.text_layout import columns, counted, counts_text, labelled


def test_a_number_with_its_noun():
    assert [counted(n, "path") for n in (0, 1, 2, 1024)] == [
        "0 paths", "1 path", "2 paths", "1,024 paths"
    ]  # fmt: skip


def test_counts_leave_out_what_there_is_none_of():
    assert counts_text({"new": 2, "removed": 0, "changed": 1}) == "2 new, 1 changed"
    assert counts_text({"new": 0}) == ""


def test_further_lines_of_a_text_are_aligned():
    assert labelled({"fix": "one\ntwo", "why": "", "note": "three"}, 6) == [
        "  fix   one",
        "        two",
        "  note  three",
    ]


def test_a_table_with_numbers_and_a_wide_cell():
    table = [("name", "size"), ("a", "10"), ("a very wide name", "7")]
    assert columns(table, [False, True], widest=6) == [
        "name  size",
        "a       10",
        "a very wide name     7",
    ]
    assert columns([("a", ""), ("bcd", "")]) == ["a", "bcd"]
