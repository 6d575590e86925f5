"""What cached verdicts depend on: imported modules, files, folders, packs and plugins."""

import importlib.util
import os
import py_compile
from pathlib import Path

import pytest

from tests.support.cached_project import Project


@pytest.fixture
def project(tmp_path, warm_process):
    return Project(tmp_path, warm_process)


def test_a_changed_file_is_decided_again_for_the_models_that_import_it(project):
    project.write("acme/__init__.py", "")
    project.write("acme/layers.py", "WORD = 'one'")
    project.write("acme/a.py", "from acme.layers import WORD\ndef f(): return 'proved ' + WORD")
    project.write("acme/b.py", "def f(): return 'proved alone'")
    project.write("acme/c.py", "from .a import f as g\ndef f(): return g() + '!'")
    project.rules("acme.a:f", "acme.b:f", "acme.c:f")
    assert project.decided() == (["m0", "m1", "m2"], ["one", "alone", "one!"])
    project.write("acme/layers.py", "WORD = 'two'")
    assert project.decided() == (["m0", "m2"], ["two", "alone", "two!"])
    project.write("acme/b.py", "def f(): return 'proved anew'")
    assert project.decided() == (["m1"], ["two", "anew", "two!"])
    project.write("acme/unused.py", "")
    assert project.decided() == ([], ["two", "anew", "two!"])
    project.write("acme/__init__.py", "# all of them")
    assert project.decided()[0] == ["m0", "m1", "m2"]


@pytest.mark.parametrize("body", [
    "from acme.layers import WORD\n    return 'proved ' + WORD",
    "import importlib\n    return 'proved ' + importlib.import_module('acme.layers').WORD",
    "import importlib\n    return 'proved ' + importlib.import_module('.layers', 'acme').WORD",
    "from acme import layers as found\n    return 'proved ' + found.WORD",
    "from . import layers\n    return 'proved ' + layers.WORD",
    "from .layers import *\n    return 'proved ' + WORD",
])  # fmt: skip
def test_what_a_function_imports_counts_for_every_model_that_runs_it(project, body):
    """The worker has the module already when the second model asks for it."""
    star = "import *" in body
    text = body.replace("    ", "") if star else f"def f():\n    {body}"
    project.write("acme/__init__.py", "")
    project.write("acme/layers.py", "WORD = 'one'")
    for name in ("a", "b"):
        lines = "from .layers import *\ndef f(): return 'proved ' + WORD" if star else text
        project.write(f"acme/{name}.py", lines)
    project.rules("acme.a:f", "acme.b:f")
    assert project.decided() == (["m0", "m1"], ["one", "one"])
    assert project.decided() == ([], ["one", "one"])
    project.write("acme/layers.py", "WORD = 'two'")
    assert project.decided() == (["m0", "m1"], ["two", "two"])


def test_what_one_model_made_a_shared_module_import_counts_for_the_next(project):
    """The registry holds what only the first call imported."""
    project.write("acme/__init__.py", "")
    project.write("acme/layers.py", "WORD = 'one'")
    project.write(
        "acme/registry.py",
        "KNOWN = []\n"
        "def get():\n"
        "    if not KNOWN:\n"
        "        from acme import layers\n"
        "        KNOWN.append(layers.WORD)\n"
        "    return KNOWN[0]\n",
    )
    for name in ("a", "b"):
        text = "from acme import registry\ndef f(): return 'proved ' + registry.get()"
        project.write(f"acme/{name}.py", text)
    project.rules("acme.a:f", "acme.b:f")
    assert project.decided() == (["m0", "m1"], ["one", "one"])
    project.write("acme/layers.py", "WORD = 'two'")
    assert project.decided() == (["m0", "m1"], ["two", "two"])


def test_a_file_that_is_read_counts(project):
    project.write("words.txt", "one")
    project.write("acme.py", "def f(): return 'proved ' + open('words.txt').read()")
    project.write("other.py", "def f(): return 'proved well'")
    project.rules("acme:f", "other:f")
    assert project.decided() == (["m0", "m1"], ["one", "well"])
    project.write("words.txt", "two")
    assert project.decided() == (["m0"], ["two", "well"])
    (project.root / "words.txt").unlink()
    assert project.run().returncode == 2
    project.write("words.txt", "two")
    assert project.decided()[1] == ["two", "well"]


def test_a_file_that_was_not_there_counts(project):
    project.write(
        "acme.py",
        "def f():\n"
        "    try:\n"
        "        return 'proved ' + open('local.txt').read()\n"
        "    except FileNotFoundError:\n"
        "        return 'proved without'\n",
    )
    project.rules("acme:f")
    assert project.decided() == (["m0"], ["without"])
    assert project.decided() == ([], ["without"])
    project.write("local.txt", "with")
    assert project.decided() == (["m0"], ["with"])


def test_a_module_that_was_not_there_counts(project):
    project.write("acme/__init__.py", "")
    project.write(
        "acme/a.py",
        "try:\n"
        "    from acme import fast as layers\n"
        "except ImportError:\n"
        "    from acme import slow as layers\n"
        "try:\n"
        "    import acme_extras\n"
        "except ImportError:\n"
        "    acme_extras = None\n"
        "def f(): return f'proved {layers.WORD} {acme_extras is not None}'\n",
    )
    project.write("acme/slow.py", "WORD = 'slow'")
    project.rules("acme.a:f")
    assert project.decided() == (["m0"], ["slow False"])
    assert project.decided() == ([], ["slow False"])
    project.write("acme/fast.py", "WORD = 'fast'")
    assert project.decided() == (["m0"], ["fast False"])
    project.write("acme_extras.py", "")
    assert project.decided() == (["m0"], ["fast True"])


def test_a_module_that_comes_to_hide_an_installed_one_counts(project):
    project.write("acme.py", "import click\ndef f(): return f'proved {hasattr(click, \"mine\")}'")
    project.write("b.py", "def f(): return 'proved well'")
    project.rules("acme:f")
    assert project.decided() == (["m0"], ["False"])
    project.write("unrelated_name.py", "")
    assert project.decided() == ([], ["False"])
    project.write("sqlite3.py", "mine = 1")  # of the standard library, not asked for yet
    assert project.decided()[0] == ["m0"]


def test_a_listed_folder_counts(project):
    project.write("parts/one.txt", "")
    project.write("acme.py", "import os\ndef f(): return 'proved ' + ' '.join(os.listdir('parts'))")
    project.rules("acme:f")
    assert project.decided() == (["m0"], ["one.txt"])
    assert project.decided() == ([], ["one.txt"])
    project.write("parts/two.txt", "")
    assert project.decided()[0] == ["m0"]


def test_a_file_that_changes_while_it_is_used_is_not_relied_on(project):
    project.write(
        "acme.py",
        "def f():\n"
        "    with open('count.txt', 'r+') as file:\n"
        "        seen = file.read()\n"
        "        file.write('x')\n"
        "    return 'proved ' + seen + open('count.txt').read()\n",
    )
    project.write("count.txt", "")
    project.rules("acme:f")
    assert project.decided()[1] == ["x"]
    assert project.entries() == {}


@pytest.mark.parametrize("at", [86_400, 1_700_000_000, 4_000_000_000], ids=["old", "same", "new"])
def test_a_clock_that_is_wrong_hides_no_change(project, at):
    """Neither of a model nor of a rule file; the sizes stay the same, and there is byte code."""
    project.write("acme.py", "WORD = 'one'\ndef f(): return 'proved ' + WORD")
    project.rules("acme:f")
    for name in ("acme.py", "archlint.yaml"):
        os.utime(project.root / name, (1_700_000_000,) * 2)
    cache = Path(importlib.util.cache_from_source(str(project.root / "acme.py")))
    py_compile.compile(str(project.root / "acme.py"))
    os.utime(cache, (1_700_000_000,) * 2)
    assert project.decided() == (["m0"], ["one"])
    assert project.decided() == ([], ["one"])
    (project.root / "acme.py").write_text("WORD = 'two'\ndef f(): return 'proved ' + WORD")
    os.utime(project.root / "acme.py", (at, at))
    project.decided()
    cache.unlink()  # which Python itself believes where the time and size are those of the source
    assert project.decided()[1] == ["two"]
    rules = project.root / "archlint.yaml"
    rules.write_text(rules.read_text().replace("id: a", "id: b"))
    os.utime(rules, (at, at))
    assert "b · m0" in project.run("-v").stdout


def test_a_changed_plugin_counts_for_every_model(project):
    """It may have rules for the operators of any; the worker loads it for its first job."""
    project.write("pyproject.toml", "[project]\n[tool.archlint]\nplugins = ['team.plugin']\n")
    project.write("team/__init__.py", "")
    project.write("team/rules.py", "")
    project.write("team/plugin.py", "import team.rules")
    project.write("a.py", "def f(): return 'proved well'")
    project.write("b.py", "def f(): return 'proved well'")
    project.rules("a:f", "b:f")
    assert project.decided()[0] == ["m0", "m1"]
    assert project.decided()[0] == []
    project.write("team/rules.py", "# another")
    assert project.decided()[0] == ["m0", "m1"]


def test_a_changed_pack_counts(project):
    pack = """
archlint: 1
pack: photo
about: Photos.
parameters: {min: {default: 32, about: The smallest side.}}
contracts:
  - {id: size, input: N 3 H W, accepts: "any H, W >= {min}"}
"""
    project.write("acme.py", "def f(): return 'proved well'")
    project.write("photo.yaml", pack)
    project.write("archlint.yaml", "archlint: 1\nuse: [{pack: ./photo.yaml, models: 'acme:f'}]\n")
    assert project.decided() == (["acme:f"], ["well"])
    assert project.decided() == ([], ["well"])
    project.write("photo.yaml", pack.replace("32", "64"))
    assert project.decided() == (["acme:f"], ["well"])
