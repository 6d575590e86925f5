"""Packs as they are read: what is inherited, the examples, and missing values."""

from pathlib import Path

import pytest

from archlint.contracts.rulefile.pack_reader import defaults, read_pack
from archlint.errors import RuleFileError

BASE = """\
archlint: 1
pack: base
about: x
parameters: {n: {about: a number, default: 3}, k: {about: another}}
contracts:
  - {id: one, input: N, accepts: any size}
  - {id: two, input: N, accepts: any size}
examples:
  - {keeps: "m.py:Good", with: {k: 1}}
  - {breaks: "m.py:Bad", with: {k: 2}, contract: two, at: {N: 1}, layer: head}
"""
CHILD = """\
archlint: 1
pack: child
about: y
extends: ./base.yaml
parameters: {k: {about: another, default: 5}}
contracts: [{id: two, input: N, accepts: any N}]
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "child.yaml").write_text(CHILD)
    return tmp_path


def test_examples(folder):
    good, bad = read_pack("./base.yaml", folder).examples
    assert (good.passes, good.ref.target, good.values) == (True, "m.py:Good", {"k": 1})
    assert (bad.passes, bad.contract, bad.at, bad.layer) == (False, "two", {"N": 1}, "head")


def test_a_pack_inherits_what_it_does_not_replace(folder):
    pack = read_pack("./child.yaml", folder)
    assert (pack.name, pack.extends, pack.own) == ("child", "base", ("two",))
    assert list(pack.templates) == ["one", "two"]
    assert Path(pack.templates["one"].source.file).name == "base.yaml"
    assert Path(pack.templates["two"].source.file).name == "child.yaml"
    assert [f.name for f in pack.files] == ["child.yaml", "base.yaml"]
    assert defaults(pack) == {"n": 3, "k": 5}


def test_mistakes_of_the_pack_come_before_those_of_its_parent(folder):
    (folder / "base.yaml").write_text(BASE.replace("about: x\n", ""))
    (folder / "child.yaml").write_text(CHILD.replace("about: y\n", ""))
    with pytest.raises(RuleFileError) as caught:
        read_pack("./child.yaml", folder)
    files = [Path(m.where.file).name for m in caught.value.mistakes]
    assert files == ["child.yaml", "base.yaml"]


@pytest.mark.parametrize("type_", ["[[1]]", "{a: 1}", "1", "null", "[]"])
def test_a_type_that_is_no_text(folder, type_):
    (folder / "base.yaml").write_text(BASE.replace("k: {about", f"k: {{type: {type_}, about"))
    with pytest.raises(RuleFileError) as caught:
        read_pack("./base.yaml", folder)
    assert [(m.where.line, m.where.column) for m in caught.value.mistakes] == [(4, 58)]
