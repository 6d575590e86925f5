"""Files that ``archlint init`` looks for models in, and how their models are named."""

import textwrap
from pathlib import Path

import pytest

from archlint.project.discover.python_files import located
from tests.support.init_projects import NET, ready, start_project


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Writes the files of a project and returns the models found in it."""
    return start_project(tmp_path, monkeypatch)


def test_tests_hidden_folders_and_environments_are_passed_over(project):
    skipped = (
        "tests/models.py", ".hidden/models.py", "venv/lib/models.py", "test_models.py",
        "models_test.py", "conftest.py", "build/models.py", "acme.egg-info/models.py",
    )  # fmt: skip
    files = dict.fromkeys((*skipped, "acme/models.py"), NET) | {"venv/pyvenv.cfg": ""}
    found = project(files)
    assert (ready(found), found.files) == (["acme/models.py:Net"], 1)


def test_a_file_is_asked_for_by_name(project):
    found = project({"tests/models.py": NET, "other.py": NET}, "tests/models.py")
    assert ready(found) == ["tests/models.py:Net"]


@pytest.mark.parametrize(
    ("file", "packages", "target"),
    [
        ("models.py", [], "../models.py:Net"),
        ("scripts/models.py", [], "../scripts/models.py:Net"),
        ("acme/models.py", ["acme"], "acme.models:Net"),
        ("acme/__init__.py", ["acme"], "acme:Net"),
        ("acme/deep/models.py", ["acme", "acme/deep"], "acme.deep.models:Net"),
        ("src/acme/models.py", ["src/acme"], "src.acme.models:Net"),
        ("some-src/acme/models.py", ["some-src/acme"], "../some-src/acme/models.py:Net"),
    ],
)
def test_targets(project, file, packages, target):
    found = project({f"{p}/__init__.py": "" for p in packages} | {file: NET})
    assert [m.target(Path.cwd() / "contracts") for m in found.buildable] == [target]


@pytest.mark.parametrize(
    ("file", "line", "target"),
    [
        ("acme/nets/models.py", "from .base import Net", "acme.nets.models:Net"),
        ("acme/nets/models.py", "    from ..base import Net", "acme.nets.models:Net"),
        ("acme/nets/models.py", "from base import Net", "../acme/nets/models.py:Net"),
        ("some-acme/models.py", "from .base import Net", "../some-acme/models.py:Net"),
        ("models.py", "from .base import Net", "../models.py:Net"),
    ],
)
def test_a_file_with_relative_imports_is_a_module_without_an_init(project, file, line, target):
    project({file: f"try:\n    pass\n{line}\n"})
    located_file = located(Path(file).resolve(), Path.cwd())
    assert located_file.target("Net", Path.cwd() / "contracts") == target


def test_a_package_of_a_src_folder_that_is_installed_has_its_own_name(project, monkeypatch):
    project({"src/acmesrc/__init__.py": "", "src/acmesrc/models.py": NET})
    monkeypatch.syspath_prepend("src")
    file = located(Path("src/acmesrc/models.py").resolve(), Path.cwd())
    assert file.target("Net", Path.cwd()) == "acmesrc.models:Net"


def test_a_file_that_cannot_be_parsed_is_told(project):
    found = project({"bad.py": "class X(:", "good.py": NET, "coding.py": "# coding: none such\n"})
    assert ready(found) == ["good.py:Net"]
    told = {file.path.name: why for file, why in found.unread.items()}
    assert told.keys() == {"bad.py", "coding.py"}
    assert told["bad.py"].startswith("invalid syntax")


def test_no_code_runs(project):
    found = project({"models.py": "raise SystemExit('it ran')\n" + textwrap.dedent(NET)})
    assert ready(found) == ["models.py:Net"]
