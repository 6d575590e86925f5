"""The public door for plugins."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest

from archlint import extend
from archlint.contracts import plugins
from archlint.contracts.plugins import PluginError
from tests import REPO


def test_every_name_is_there():
    for name in extend.__all__:
        assert getattr(extend, name) is not None
    assert set(extend.__all__) <= set(dir(extend))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = extend.nothing


def test_importing_it_imports_no_torch():
    code = (
        "import sys; from archlint.extend import hookimpl, TargetError; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_examples_and_their_page_import_from_it_only():
    texts = [p.read_text(encoding="utf-8") for p in REPO.glob("examples/plugins/*/*.py")]
    page = (REPO / "docs" / "extending.md").read_text(encoding="utf-8")
    texts += re.findall(r"```python\n(.*?)```", page, flags=re.S)
    modules = {
        node.module
        for text in texts
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "archlint"
    }
    assert modules == {"archlint.extend"}


@pytest.mark.parametrize("module", ["archlint.formula", "archlint.structure.violation"])
def test_a_plugin_that_imports_an_old_path_is_told_the_new_one(tmp_path, module):
    name = "old_" + module.replace(".", "_")
    (tmp_path / f"{name}.py").write_text(f"import {module}\n", encoding="utf-8")
    table = f'[tool.archlint]\nplugins = ["{name}"]\n'
    (tmp_path / "pyproject.toml").write_text(table, encoding="utf-8")
    with pytest.raises(PluginError, match=r"plugins import from archlint\.extend"):
        list(plugins._call_hooks("archlint_checks", tmp_path))
