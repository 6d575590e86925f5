"""Rule files are found, and settings are read or refused."""

from pathlib import Path

import pytest

from archlint.contracts import settings
from archlint.contracts.settings import SettingsError, rule_files

RULES = "archlint: 1\ncontracts: []\n"
PACK = "archlint: 1\npack: p\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(name, text=RULES):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_the_root_is_the_nearest_pyproject(write, tmp_path):
    write("pyproject.toml", "")
    write("a/pyproject.toml", "")
    write("a/b/x.yaml")
    assert settings.project_root(tmp_path / "a" / "b") == tmp_path / "a"
    assert settings.project_root(tmp_path) == tmp_path


def test_the_root_of_the_folder_contracts_is_its_project(write, tmp_path):
    write("contracts/models.archlint.yaml")
    assert settings.project_root(tmp_path / "contracts") == tmp_path
    write("contracts/net.py", "")  # a project of that name
    assert settings.project_root(tmp_path / "contracts") == tmp_path / "contracts"
    write("pyproject.toml", "")
    assert settings.project_root(tmp_path / "contracts") == tmp_path


def test_the_project_of_the_working_directory_is_that_of_its_place(tmp_path, monkeypatch):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a" / "b")
    monkeypatch.chdir(tmp_path / "link")
    assert settings.current_project() == settings.project_root(Path("."))
    (tmp_path / "a" / "pyproject.toml").touch()
    assert settings.current_project() == settings.project_root(Path(".")) == tmp_path / "a"


def test_a_folder_stands_for_the_rule_files_in_it(write):
    for name in ("c/a.yaml", "c/sub/b.yml", "c/.hidden/x.yaml", "c/venv/x.yaml", "c/n.txt"):
        write(name)
    write("c/venv/pyvenv.cfg", "")
    write("c/other.yaml", "key: 1\n")
    write("c/pack.yaml", PACK)
    assert [str(f) for f in rule_files(["c"])] == ["c/a.yaml", "c/sub/b.yml"]
    assert "c/pack.yaml" in [str(f) for f in rule_files(["c"], packs=True)]
    assert [str(f) for f in rule_files(["c/a.yaml", "c", "./c/a.yaml"])][:1] == ["c/a.yaml"]
    assert settings.is_pack(Path("c/pack.yaml"))
    assert not settings.is_pack(Path("c/a.yaml"))


def test_default_places_and_configured_paths(write):
    with pytest.raises(SettingsError, match="no rule file found in"):
        rule_files([])
    write("contracts/a.yaml")
    write("x.archlint.yaml")
    assert {str(f) for f in rule_files([])} == {"contracts/a.yaml", "x.archlint.yaml"}
    write("pyproject.toml", '[tool.archlint]\npaths = ["contracts"]\n')
    assert [str(f) for f in rule_files([])] == ["contracts/a.yaml"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("empty", r"empty: no rule file in this folder \(a YAML file with the key archlint\)"),
        ("rulse.yaml", r"rulse.yaml: no such file or folder; did you mean 'rules.yaml'\?"),
    ],
)
def test_paths_without_rule_files(write, path, message):
    write("rules.yaml")
    Path("empty").mkdir()
    with pytest.raises(SettingsError, match=message):
        rule_files([path])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.archlint]\npath = []", r"unknown key 'path' .*; did you mean 'paths'\?"),
        ("[tool.archlint]\npaths = 'x'", "paths in .* must be a list of strings"),
        ("[tool]\narchlint = 3", "must be a table"),
        ("[tool.archlint]\nunneeded_waivers = 'no'", "expected one of error, warning, off"),
        ("[tool", "pyproject.toml: "),
    ],
)
def test_invalid_settings(write, text, message):
    pyproject = write("pyproject.toml", text)
    with pytest.raises(SettingsError, match=message):
        (settings.configured_paths(pyproject), settings.unneeded_waivers(pyproject))


def test_settings_and_their_defaults(write):
    assert settings.unneeded_waivers(Path("pyproject.toml")) == "error"
    text = '[tool.archlint]\nunneeded_waivers = "off"\nplugins = ["a"]\nlocators = ["b"]'
    pyproject = write("pyproject.toml", text)
    assert settings.unneeded_waivers(pyproject) == "off"
    assert settings.configured_plugins(pyproject) == ["a"]
    assert settings.configured_prefixes(pyproject) == ["b"]
