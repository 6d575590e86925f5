"""What ``archlint check`` checks: selected contracts, rule files in their places, mistakes."""

import json

import pytest

from archlint.contracts.rulefile import load as rulefile
from tests.support.cli_project import check_in_process, ids, project_in, write_several


@pytest.fixture
def project(tmp_path, monkeypatch):
    return project_in(tmp_path, monkeypatch)


@pytest.fixture
def check(project, monkeypatch):
    return check_in_process(monkeypatch)


@pytest.fixture
def several(project):
    write_several(project)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--select", "grid"], ["grid/slow"]),
        (["--select", "photo-*", "--model", "proved"], ["photo-any/proved", "photo-big/proved"]),
        (["--select", "grid", "--select", "*-big"], ["photo-big/proved", "grid/slow"]),
        (["--model", "s*"], ["photo-any/samples", "grid/slow"]),
    ],
)
def test_selection(several, check, options, expected):
    assert ["/".join(pair) for pair in ids(check("--format=json", *options))] == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--select", "gird"], "no contract matches 'gird'; did you mean 'grid'?"),
        (["--select", "grid", "--select", "zzz"], "there are grid, photo-any, photo-big"),
        (["--select", "photo"], "did you mean '*photo*', which matches photo-any, photo-big?"),
        (["--select", "photo-a"], "no contract matches 'photo-a'; did you mean 'photo-any'?"),
        (["--model", "prooved"], "no model matches 'prooved'; did you mean 'proved'?"),
        (["--select", "grid", "--model", "proved"], "no model matches 'proved'; there are slow"),
    ],
)
def test_a_pattern_that_matches_nothing_is_an_error(several, check, options, message):
    result = check(*options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


# Mistakes in rule files


def test_all_mistakes_are_told_and_the_other_files_decided(project, check):
    project("contracts/a.yaml", text="archlint: 1\nmodel: x\ncontract: y\n")
    project("contracts/b.yaml", contracts={"b": ["proved"]})
    result = check()
    assert result.exit_code == 2
    assert "contracts/a.yaml:2:1: unknown key 'model'" in result.stderr
    assert "contracts/a.yaml:2:1: unknown key 'contract'" in result.stderr
    assert "proved  b · proved" in result.stdout

    document = json.loads(check("--format=json").stdout)
    assert [e["found"] for e in document["errors"]] == [
        "unknown key 'model'",
        "unknown key 'contract'",
    ]
    assert document["summary"]["proved"] == 1


def test_only_mistakes(project, check):
    project(text="archlint: 1\nmodel: x\n")
    result = check("--select", "any")
    assert result.exit_code == 2
    assert "unknown key 'model'" in result.stderr


def test_a_file_that_cannot_be_read(project, check, monkeypatch):
    project(contracts={"a": ["proved"]})

    def load(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(rulefile, "load", load)
    result = check()
    assert result.exit_code == 2
    assert "archlint.yaml:1:1: cannot be read: Permission denied" in result.stderr


# Where rule files are found


def test_nothing_to_check(project, check):
    result = check()
    assert result.exit_code == 2
    assert "no rule file found in" in result.stderr


def test_a_file_without_models(project, check):
    project(contracts={"a": []})
    result = check()
    assert result.exit_code == 2
    assert "archlint.yaml: no contract with a model; archlint init writes" in result.stderr


def test_a_python_file_is_no_rule_file(project, check):
    project("net.py", text="class Net: pass\n")
    result = check("net.py")
    assert result.exit_code == 2
    assert "net.py is a Python file; expected a rule file, which archlint init" in result.stderr


def test_default_places(project, check):
    project("archlint.yaml", contracts={"a": ["proved"]})
    project("vision.archlint.yaml", contracts={"b": ["proved"]})
    project("contracts/deep/c.yml", contracts={"c": ["proved"]})
    project("other/d.yaml", contracts={"d": ["proved"]})
    assert [c for c, _ in ids(check("--format=json"))] == ["a", "c", "b"]


def test_configured_places_from_below_the_root(project, check, monkeypatch):
    project("pyproject.toml", text='[tool.archlint]\npaths = ["rules"]\n')
    project("rules/a.yaml", contracts={"a": ["proved"]})
    project("archlint.yaml", contracts={"b": ["proved"]})
    project("src/empty.txt", text="-")
    assert ids(check("--format=json")) == [("a", "proved")]
    monkeypatch.chdir("src")
    assert ids(check("--format=json")) == [("a", "proved")]


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[tool.archlint]\npath = []\n", "unknown key 'path' in [tool.archlint]; did you mean"),
        ("[tool.archlint]\npaths = 3\n", "must be a list of strings"),
        ("[tool]\narchlint = 3\n", "[tool.archlint] must be a table"),
        ("[tool.archlint\n", "pyproject.toml: "),
        ('[tool.archlint]\npaths = ["gone"]\n', "gone: no such file or folder"),
    ],
)
def test_bad_settings(project, check, toml, message):
    project("pyproject.toml", text=toml)
    result = check()
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_folder_means_the_rule_files_in_it(project, check):
    project("all/x/a.yaml", contracts={"a": ["proved"]})
    project("all/b.yml", contracts={"b": ["proved"]})
    project("all/quoted.yaml", text='# a comment\n"archlint": 1\ncontracts: {q: [proved]}\n')
    project("all/other.yaml", text="key: {archlint: 1}\n")
    project("all/.hidden/c.yaml", contracts={"c": ["proved"]})
    project("all/venv/pyvenv.cfg", text="-")
    project("all/venv/d.yaml", contracts={"d": ["proved"]})
    assert [c for c, _ in ids(check("all", "--format=json"))] == ["b", "q", "a"]


def test_a_file_named_twice_is_read_once(project, check):
    project("all/a.yaml", contracts={"a": ["proved"]})
    assert len(ids(check("all/a.yaml", "all", "--format=json"))) == 1


def test_a_path_that_is_not_there(project, check):
    project("rules.yaml", contracts={"a": ["proved"]})
    result = check("rulse.yaml")
    assert result.exit_code == 2
    assert "rulse.yaml: no such file or folder; did you mean 'rules.yaml'?" in result.stderr


def test_an_empty_folder(project, check):
    project("docs/readme.txt", text="-")
    result = check("docs")
    assert result.exit_code == 2
    assert "docs: no rule file" in result.stderr
