"""``archlint check`` with its cache: what is checked again, and what is not."""

import json
import os
import re
import subprocess
import sys
import textwrap
import time

import pytest

from tests import REPO
from tests.support.cached_project import ENV, Project

pytest_plugins = ["pytester"]


@pytest.fixture
def project(tmp_path, warm_process):
    return Project(tmp_path, warm_process)


def test_an_unchanged_project_is_not_decided_again(project):
    project.write("acme.py", "def f(): return 'proved well'")
    project.rules("acme:f")
    assert project.decided() == (["m0"], ["well"])
    assert project.decided() == ([], ["well"])


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
        env = os.environ | {"PYTHONPATH": os.environ["ONLY"], "PYTHONIOENCODING": "utf-8"}
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
