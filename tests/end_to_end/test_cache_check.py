"""``archlint check`` with its cache: what is decided again, and what is not.

The verdicts are those of tests/support/stub_models.py: what a function of the project returns.
"""

import json
import os
import re
import subprocess
import sys
import textwrap
import time

import pytest

from tests import REPO

pytest_plugins = ["pytester"]
ENV = os.environ | {"PYTHONPATH": str(REPO), "PYTHONIOENCODING": "utf-8"}
CONTRACT = """
    input: N 3 H W
    accepts: any H, W >= 32
"""


class Project:
    """A project in a folder of its own."""

    def __init__(self, root):
        self.root = root
        self.write("pyproject.toml", "[project]\nname = 'acme'\n")

    def write(self, name, text):
        """A file of the project. It is older than a second, as files that people write are."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.times = getattr(self, "times", 1_700_000_000) + 10
        os.utime(path, (self.times, self.times))

    def rules(self, *targets, head=""):
        lines = [f"  m{i}: {target}" for i, target in enumerate(targets)]
        models = "\n".join(lines)
        self.write(
            "archlint.yaml",
            f"{head}archlint: 1\nmodels:\n{models}\n"
            f"contracts:\n  - id: a\n    models: ['m*']{CONTRACT}",
        )

    def run(self, *args, module="tests.support.stub_models", **kwargs):
        return subprocess.run(
            [sys.executable, "-m", module, "check", *args],
            cwd=self.root, env=ENV, capture_output=True, text=True, check=False, **kwargs,
        )  # fmt: skip

    def decided(self, *args):
        """The models that were decided in a run, not recalled; and all messages."""
        before = self.entries()
        result = self.run("--format", "json", *args)
        assert not result.stderr
        verdicts = json.loads(result.stdout)["verdicts"]
        after = self.entries()
        fresh = [v["model"] for v in verdicts if after.get(v["model"]) != before.get(v["model"])]
        return fresh, [v["message"] for v in verdicts]

    def entries(self):
        """For each model, its entry's file and when that was written."""
        found = {}
        for path in (self.root / ".archlint_cache" / "verdicts").glob("*.json"):
            model = json.loads(path.read_text())["entry"]["body"]["verdict"][3]
            found.setdefault(model, set()).add((path.name, path.stat().st_mtime_ns))
        return found


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def test_an_unchanged_project_is_not_decided_again(project):
    project.write("acme.py", "def f(): return 'proved well'")
    project.rules("acme:f")
    assert project.decided() == (["m0"], ["well"])
    assert project.decided() == ([], ["well"])


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_contract_the_model_and_the_settings_count(project):
    project.write("acme.py", "def f(word='one'): return 'proved ' + word")
    project.rules("acme:f")
    assert project.decided()[0] == ["m0"]
    assert project.decided("--samples", "3")[0] == ["m0"]
    assert project.decided("--samples", "3")[0] == []
    project.rules("{target: acme:f, args: [two]}")
    assert project.decided() == (["m0"], ["two"])
    text = (project.root / "archlint.yaml").read_text()
    project.write("archlint.yaml", text.replace("32", "64"))
    assert project.decided()[0] == ["m0"]
    project.write("pyproject.toml", "[project]\nname = 'acme'\nversion = '2'\n")
    assert project.decided()[0] == []
    project.write("pyproject.toml", "[project]\n[tool.archlint]\npaths = ['archlint.yaml']\n")
    assert project.decided()[0] == ["m0"]


def test_where_the_contract_stands_does_not_count_and_is_told_as_it_is_now(project):
    project.write("acme.py", "def f(): return 'broken badly'")
    project.rules("acme:f")
    first = project.run().stdout
    assert "archlint.yaml:5  BROKEN" in first
    project.rules("acme:f", head="# a comment\n\n")
    assert project.run("-v").stdout == (
        first.replace("yaml:5", "yaml:7").replace("1 broken", "1 broken   (1 cached)")
    )
    assert project.run().stdout == first.replace("yaml:5", "yaml:7")


def test_an_error_is_asked_again(project):
    project.write("acme.py", "def f(): return 'error badly'")
    project.rules("acme:f")
    assert project.decided() == ([], ["badly"])
    assert project.entries() == {}


def test_what_models_print_is_kept_too(project):
    project.write("acme.py", "def f():\n    print('hello')\n    return 'proved well'")
    project.rules("acme:f")
    first = project.run("-vv").stdout
    assert "hello" in first
    again = re.sub(r"\d+\.\d\d s\)", "cached)", first)
    assert project.run("-vv").stdout == again.replace("1 proved", "1 proved   (1 cached)")


def test_no_cache(project):
    project.write("acme.py", "def f(): return 'proved well'")
    project.rules("acme:f")
    assert project.decided("--no-cache")[1] == ["well"]
    assert not (project.root / ".archlint_cache").exists()
    project.run()
    entries = project.entries()
    project.write("acme.py", "def f(): return 'broken badly'")
    assert "1 broken" in project.run("--no-cache", "-v").stdout
    assert project.entries() == entries


def test_the_folder_is_no_matter_of_version_control(project):
    project.write("acme.py", "def f(): return 'proved well'")
    project.rules("acme:f")
    project.run()
    folder = project.root / ".archlint_cache"
    assert (folder / ".gitignore").read_text().endswith("*\n")
    assert (folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886")
    subprocess.run(["git", "init", "-q"], cwd=project.root, check=True)
    status = ["git", "status", "--porcelain", "--untracked-files=all"]
    told = subprocess.run(status, cwd=project.root, capture_output=True, text=True, check=True)
    assert ".archlint_cache" not in told.stdout


def test_a_project_that_cannot_be_written_to_is_decided_all_the_same(project):
    project.write("acme.py", "def f(): return 'proved well'")
    project.rules("acme:f")
    (project.root / ".archlint_cache").write_text("in the way")
    assert project.decided() == ([], ["well"])


def test_rule_files_with_mistakes_are_not_kept(project):
    project.write("acme.py", "def f(): return 'proved well'")
    project.rules("acme:f")
    project.run()
    text = (project.root / "archlint.yaml").read_text()
    project.write("archlint.yaml", text.replace(">= 32", ">="))
    assert project.run().returncode == project.run().returncode == 2
    project.write("archlint.yaml", text)
    assert project.decided() == ([], ["well"])


def test_two_runs_at_once(project):
    project.write("acme.py", "def f(): return 'proved well'")
    project.rules(*["acme:f"] * 4)
    command = [sys.executable, "-m", "tests.support.stub_models", "check", "--format", "json"]
    runs = [
        subprocess.Popen(
            command, cwd=project.root, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(3)
    ]
    for run in runs:
        out, err = run.communicate()
        assert (run.returncode, err) == (0, b"")
        assert [v["message"] for v in json.loads(out)["verdicts"]] == ["well"] * 4
    assert project.decided() == ([], ["well"] * 4)


XDIST = """
    import os, subprocess, sys
    import pytest

    @pytest.mark.parametrize("run", range(4))
    def test_check(run):
        command = [sys.executable, "-m", "tests.support.stub_models", "check", "-q"]
        env = os.environ | {"PYTHONPATH": os.environ["ONLY"]}
        told = subprocess.run(command, capture_output=True, text=True, env=env)
        assert (told.stdout.strip(), told.stderr, told.returncode) == ("2 proved", "", 0)
"""


@pytest.mark.slow
def test_two_xdist_workers(project, pytester, monkeypatch):
    monkeypatch.setenv("ONLY", str(REPO))  # pytester adds to PYTHONPATH, which counts
    for name in os.environ.keys() - ENV.keys():
        if name.startswith("TORCH"):  # counts, and torch sets it when another test compiles
            monkeypatch.delenv(name)
    shared = Project(pytester.path)
    shared.write("acme.py", "def f(): return 'proved well'")
    shared.rules("acme:f", "acme:f")
    pytester.makepyfile(textwrap.dedent(XDIST))
    result = pytester.runpytest_subprocess("-n", "2", "--no-archlint", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=4)
    assert shared.decided() == ([], ["well"] * 2)


def test_killed_while_it_decides(project):
    """What was decided until then is kept, the rest is decided by the next run."""
    project.write("acme.py", "def f(): return 'proved well'")
    project.write(
        "slow.py", "import os, time\n"
        "def f():\n"
        "    while not os.path.exists('go'):\n"
        "        open('waiting', 'w').close()\n"
        "        time.sleep(0.05)\n"
        "    return 'proved late'\n",
    )  # fmt: skip
    project.rules("acme:f", "slow:f")
    command = [sys.executable, "-m", "tests.support.stub_models", "check"]
    process = subprocess.Popen(
        command, cwd=project.root, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    end = time.monotonic() + 60
    while not (project.root / "waiting").exists() or not project.entries():
        assert time.monotonic() < end  # the two run beside each other
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert set(project.entries()) == {"m0"}
    (project.root / "go").touch()
    assert project.decided() == (["m1"], ["well", "late"])
    assert project.decided() == ([], ["well", "late"])


def test_info_and_clear(project):
    project.write("acme.py", "def f(): return 'proved well'")
    project.rules("acme:f")
    archlint = [sys.executable, "-m", "archlint", "cache"]

    def cache(command):
        told = subprocess.check_output([*archlint, command], cwd=project.root, env=ENV, text=True)
        return told.splitlines()

    folder = project.root / ".archlint_cache"
    assert cache("info") == [str(folder)]
    assert cache("clear") == [f"0 entries removed from {folder}"]
    project.run()
    assert [line.split()[:2] for line in cache("info")[1:]] == [["rules", "1"], ["verdicts", "1"]]
    assert cache("clear") == [f"2 entries removed from {folder}"]
    assert project.decided() == (["m0"], ["well"])


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
