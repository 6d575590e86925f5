"""Packs: how rule files use them, and what their parameters become."""

import subprocess
import sys
from pathlib import Path

import pytest

from archlint.contracts.rulefile import pack_location as locate
from archlint.contracts.rulefile.load import load
from archlint.contracts.settings import rule_files
from tests.support.pack_project import PACK, RULES, mistakes, pack_project


@pytest.fixture
def write(tmp_path, monkeypatch):
    return pack_project(tmp_path, monkeypatch)


@pytest.fixture
def install(write, tmp_path, monkeypatch):
    """Install a distribution that offers a folder of packs, as ``pip install`` would."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    locate._installed.cache_clear()

    def install(owner, module, packs):
        info = f"site/{owner}-1.dist-info"
        write(f"Metadata-Version: 2.1\nName: {owner}\nVersion: 1\n", f"{info}/METADATA")
        write(f"[archlint.packs]\n{owner} = {module}\n", f"{info}/entry_points.txt")
        folder = "site/" + module.replace(".", "/")
        write("raise RuntimeError('imported')\n", f"{folder.split('/')[0]}/../boom/__init__.py")
        for part in (Path(folder), *Path(folder).parents):
            if part.name not in ("site", ""):
                write("raise RuntimeError('imported')\n", f"{part}/__init__.py")
        for name, text in packs.items():
            write(text, f"{folder}/{name}")

    yield install
    locate._installed.cache_clear()


def test_parameters_are_filled_in(write):
    first, second = load(write(RULES)).contracts
    assert (first.id, first.pack) == ("any-size", "photo")
    assert [ref.name for ref in first.models] == ["good", "bad"]
    assert first.clause.text == "any H, W >= 32"
    assert first.output.text == "N 10"
    assert first.input.text == "N 3 H W"
    assert (first.where.file, first.where.line) == ("rules.yaml", 4)
    assert (second.id, second.clause.text) == ("tiny", "any H < 32//4")


def test_a_parameter_alone_is_the_value_itself(write):
    with_ = "{classes: 10, shape: {image: N 3 H W, mask: [N 1 H W, {shape: N, dtype: int64}]}}"
    contract = load(write(RULES.replace("{classes: 10}", with_))).contracts[0]
    assert contract.input["image"].text == "N 3 H W"
    assert [part.dtype for part in contract.input["mask"]] == ["float32", "int64"]


def test_braces_that_are_a_set_stay_one(write):
    text = PACK.replace("any H, W >= {min}", "any H in {{min}, 64} and W in { H }")
    write(text, "photo.yaml")
    assert load(write(RULES)).contracts[0].clause.text == "any H in {32, 64} and W in { H }"


def test_own_contracts_come_first(write):
    own = "contracts:\n  - {id: mine, models: good, input: N, accepts: any size}\n"
    assert [c.id for c in load(write(RULES + own)).contracts] == ["mine", "any-size", "tiny"]


def test_two_uses_of_a_pack(write):
    more = "  - {pack: ./photo.yaml, models: [good], as: big, with: {classes: 10, min: 64}}\n"
    found = load(write(RULES + more)).contracts
    assert [c.id for c in found] == ["any-size", "tiny", "big.any-size", "big.tiny"]
    assert found[2].clause.text == "any H, W >= 64"


def test_the_files_of_packs_are_known(write):
    write(PACK.replace("pack: photo", "pack: other") + "extends: ./photo.yaml\n", "other.yaml")
    rules = load(write(RULES.replace("./photo.yaml", "./other.yaml")))
    assert [p.name for p in rules.packs] == ["other.yaml", "photo.yaml"]


def test_extends(write):
    child = """\
archlint: 1
pack: strict
about: Photos, strictly.
extends: ./photo.yaml
parameters: {min: {about: the smallest side, default: 8}, side: {about: a side, default: 224}}
contracts:
  - {id: tiny, input: N 3 H W, rejects: "any H < {min}"}
  - {id: large, input: N 3 H W, accepts: "any H == {side} and W >= {min}"}
"""
    write(child, "packs/strict.yaml")
    write(PACK, "packs/photo.yaml")
    found = load(write(RULES.replace("./photo.yaml", "./packs/strict.yaml"))).contracts
    assert [(c.id, c.clause.text) for c in found] == [
        ("any-size", "any H, W >= 8"),
        ("tiny", "any H < 8"),
        ("large", "any H == 224 and W >= 8"),
    ]


def test_installed_packs_are_found_and_not_imported(write, install):
    install("acme", "acme_packs.vision", {"photo/pack.yaml": PACK})
    found = load(write(RULES.replace("./photo.yaml", "acme/photo"))).contracts
    assert {c.pack for c in found} == {"acme/photo"}
    assert "acme_packs" not in sys.modules


def test_a_folder_of_rule_files_may_have_packs_in_it(write):
    write(RULES, "contracts/rules.yaml")
    write(PACK, "contracts/photo.yaml")
    assert [f.name for f in rule_files(["contracts"])] == ["rules.yaml"]


def test_reading_needs_no_torch(write):
    write(RULES.replace("./photo.yaml", "archlint/any-size-classifier"))
    code = (
        "import sys; from archlint.contracts.rulefile.load import load; load('rules.yaml');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_name_of_an_installed_pack_is_that_of_its_file(write, install):
    install("acme", "acme_packs", {"image.yaml": PACK})
    assert mistakes(write(RULES.replace("./photo.yaml", "acme/image")))[1:] == [
        ("image.yaml", 2, 7, "found the name 'photo'", "'image', the name of the file")
    ]
