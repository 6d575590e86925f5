"""An edit changes its span and no other byte, and its diff applies with ``git apply``."""

import ast
import errno
import subprocess
from pathlib import Path

import pytest

from archlint.explanation.fixes.edit import Edit, SourceText, write_all
from archlint.explanation.fixes.source_edits import rule_file_edit

CONTENTS = {
    "plain": b"a = 1\nold = f(b)\nc = 3\n",
    "CRLF": b"a = 1\r\nold = f(b)\r\nc = 3\r\n",
    "no final newline": b"a = 1\nold = f(b)",
    "form feed": b"a = 1\n\x0c\nold = f(b)\nc = '\x0c'\n",
    "latin-1": b"# coding: latin-1\na = '\xe9\xe9'; old = f(b)\nc = '\xfc'\n",
    "BOM": b"\xef\xbb\xbfa = 1\nold = f(b)\n",
    "wide characters": "a = 'äöü→'; old = f(b)\n".encode(),
    "tabs": b"if 1:\n\told = f(b)\n\tc = 3\n",
    "other separators": "a = '\u2028 \u0085'\nold = f(b)\n".encode(),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_bytes_outside_of_the_span_stay_and_the_diff_applies(tmp_path, name):
    file = tmp_path / "my model.py"
    file.write_bytes(CONTENTS[name])
    source = SourceText(file)
    (call,) = (n for n in ast.walk(ast.parse(source.text)) if isinstance(n, ast.Call))
    start = source.offset(call.lineno, call.col_offset)
    edit = source.edited([(start, source.offset(call.end_lineno, call.end_col_offset), "g(b)")])
    assert edit.after == CONTENTS[name].replace(b"f(b)", b"g(b)")
    diff = edit.diff().replace(str(file).lstrip("/"), file.name)
    patch = diff.encode("utf-8", "surrogateescape")
    ran = subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=patch, capture_output=True)
    assert ran.returncode == 0, ran.stderr
    assert file.read_bytes() == edit.after


def test_a_full_disk_leaves_all_files_as_they_were(tmp_path, monkeypatch):
    model, rules = tmp_path / "model.py", tmp_path / "archlint.yaml"
    model.write_bytes(b"a = 1")
    rules.write_bytes(b"b: 1")

    def write(path, data):
        with path.open("wb") as file:  # is empty from here on
            if data == b"b: 2":
                raise OSError(errno.ENOSPC, "No space left on device")
            file.write(data)

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(OSError, match="No space"):
        write_all([Edit(model, b"a = 1", b"a = 2"), Edit(rules, b"b: 1", b"b: 2")])
    assert (model.read_bytes(), rules.read_bytes()) == (b"a = 1", b"b: 1")


def test_an_edit_stays_inside_of_the_project(tmp_path):
    root = tmp_path / "project"
    inside, outside = root / "a.py", tmp_path / "b.py"
    installed = root / "lib" / "site-packages" / "c.py"
    system = root / "lib" / "dist-packages" / "d.py"
    for file in (inside, outside, installed, system):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    (root / "link.py").symlink_to(outside)
    files = (inside, outside, installed, system, root / "link.py")
    assert [Edit(f, b"", b"x").inside(root) for f in files] == [True, False, False, False, False]


RULES = """\
archlint: 1
models:
  net: nets.py:Net
contracts:
  - id: it
    why: |
      accepts: any H >= 1
    models: [net]
    input: N H
    accepts: any H >= 1
      and H % 2 == 0  # why
  - {id: other, models: [net], input: N H, accepts: "any H >= 1"}
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_value_of_a_key_in_a_rule_file(tmp_path, newline):
    file = tmp_path / "archlint.yaml"
    text = RULES.replace("\n", newline)
    file.write_bytes(text.encode())
    whole = f"any H >= 1{newline}      and H % 2 == 0"
    after = rule_file_edit(file, 5, "accepts", "any H >= 4").after.decode()
    assert after == text.replace(whole, "any H >= 4")
    after = rule_file_edit(file, 12, "accepts", "any H, W in 2..4").after.decode()
    assert after == text.replace('"any H >= 1"', '"any H, W in 2..4"')
    assert rule_file_edit(file, 5, "rejects", "any H >= 4") is None
