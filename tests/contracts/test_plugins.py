"""Plugins of a project: loaded once, their hooks called, their faults reported as theirs."""

import sys

import pytest

from archlint.contracts import plugins
from archlint.contracts.plugins import PluginError


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with one plugin, in a process that has loaded none."""
    monkeypatch.setattr(plugins, "_managers", [])
    monkeypatch.setattr(plugins, "_points", lambda group, path: ())
    monkeypatch.chdir(tmp_path)
    name = f"plugin_of_{tmp_path.name}".replace("-", "_").replace("[", "_").replace("]", "_")

    def write(body):
        (tmp_path / "pyproject.toml").write_text(
            f'[tool.archlint]\nplugins = ["{name}"]\nlocators = ["acme"]\n'
        )
        (tmp_path / f"{name}.py").write_text("from archlint.hooks import hookimpl\n" + body)
        return tmp_path

    yield write
    sys.modules.pop(name, None)


def test_prefixes_are_known_without_an_import(project):
    assert plugins.prefixes(project("raise RuntimeError('imported')")) == ("acme",)


def test_a_project_without_plugins_has_none(project, tmp_path):
    assert plugins.checks() == {}
    assert plugins.reporters() == {}
    with pytest.raises(PluginError, match="acme:net: no plugin provides this target"):
        plugins.locate("acme", "net", tmp_path)


def test_a_target_is_what_the_first_hook_returns(project):
    root = project("@hookimpl\ndef archlint_locate(name): return name.upper() or None\n")
    assert plugins.locate("acme", "net", root) == "NET"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("1 / 0", "could not be imported: ZeroDivisionError"),
        ("@hookimpl\ndef archlint_chekcs(): return {}", "is not valid: .*archlint_chekcs"),
        ("@hookimpl\ndef archlint_checks(): return 3", "returned 3; expected a mapping"),
        ("@hookimpl\ndef archlint_checks(): return {'x': print}", "'x' is not a valid name of a"),
        ("@hookimpl\ndef archlint_checks(): return {'a.x': 3}", "a.x is 3; expected a function"),
        ("@hookimpl\ndef archlint_checks(): raise KeyError('k')", "raised KeyError: 'k'"),
        ("@hookimpl\ndef archlint_checks(): raise SystemExit(1)", "raised SystemExit: 1"),
    ],
)
def test_faults_of_a_plugin(project, body, message):
    project(body)
    with pytest.raises(PluginError, match=message):
        plugins.checks()
