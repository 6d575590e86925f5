"""Where packs are: paths, installed packages, and names that lead to none."""

import pytest

from archlint.contracts.rulefile.pack_location import (
    PackNotFoundError,
    files_in,
    installed,
    locate_pack,
)


def test_a_path_is_relative_to_the_rule_file(tmp_path):
    (tmp_path / "packs").mkdir()
    for name in ("photo.yaml", "packs/pack.yaml"):
        (tmp_path / name).touch()
    assert locate_pack("./photo.yaml", tmp_path) == ("", tmp_path / "photo.yaml")
    assert locate_pack("photo.yaml", tmp_path) == ("", tmp_path / "photo.yaml")
    assert locate_pack("./packs", tmp_path) == ("", tmp_path / "packs" / "pack.yaml")
    assert locate_pack("../photo.yaml", tmp_path / "packs")[1] == tmp_path / "photo.yaml"


def test_an_installed_pack(tmp_path):
    name, path = locate_pack("archlint/sequence", tmp_path)
    assert (name, path.name, path.parent.name) == ("archlint/sequence", "pack.yaml", "sequence")
    assert "sequence" in files_in(installed()["archlint"])


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("photo", "found the pack 'photo'"),
        ("./photo.yaml", "the file .*photo.yaml does not exist"),
        ("acme/x", "no package provides packs of 'acme'"),
        ("archlint/sequenc", "'archlint' does not provide; did you mean 'sequence'"),
    ],
)
def test_names_that_lead_to_no_pack(tmp_path, word, found):
    with pytest.raises(PackNotFoundError, match=found) as caught:
        locate_pack(word, tmp_path)
    assert caught.value.expected


def test_files_in_folders_of_which_the_first_wins(tmp_path):
    for name in ("a/x.yaml", "a/y/pack.yaml", "b/x.yaml", "b/z.yml", "b/n.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = files_in((tmp_path / "a", tmp_path / "b"))
    assert {name: path.parent.name for name, path in found.items()} == {
        "x": "a",
        "y": "y",
        "z": "b",
    }
