"""The plugin in a pytest process of its own: what is imported, workers, signals, other plugins."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from textwrap import dedent

import pytest

pytest_plugins = ["pytester"]

HEAVY = ("torch", "z3", "numpy", "sympy", "archlint", "pydantic", "lark", "yaml", "rich")

RULES = """\
archlint: 1
contracts:
  - id: any-batch
    models: nets:head
    input: N 8
    accepts: any N
    samples: 1
"""


@pytest.fixture
def project(pytester):
    pytester.makepyfile(
        nets=dedent("""
        from torch import nn
        import time

        def head():
            return nn.Linear(8, 2)

        class Hangs(nn.Module):
            def forward(self, x):
                print("hanging", flush=True)
                while True:
                    time.sleep(0.01)
    """)
    )
    return pytester


def run(pytester, *args, options=(), **environment):
    command = [sys.executable, *options, "-m", "pytest", "-p", "no:randomly", *args]
    return subprocess.run(
        command, cwd=pytester.path, capture_output=True, text=True, env=os.environ | environment
    )


# -- cost ------------------------------------------------------------------------------------


def heavy_imports(pytester, *args):
    """Which of the heavy packages a ``pytest --collect-only`` imports (-s: told on stderr)."""
    done = run(pytester, "--collect-only", "-q", "-s", *args, options=("-X", "importtime"))
    modules = re.findall(r"^import time:.*\|\s+(\S+)$", done.stderr, re.MULTILINE)
    assert "pytest_archlint.options" in modules, done.stdout
    return {name.partition(".")[0] for name in modules} & set(HEAVY)


def test_an_unused_plugin_imports_nothing_heavy(pytester):
    pytester.makepyfile("def test_it(): pass")
    (pytester.path / "compose.yaml").write_text("services: {}\n")
    assert heavy_imports(pytester) == set()


def test_the_test_above_can_fail(pytester):
    pytester.makepyfile(torch="", conftest="import torch", z3="", test_it="import z3")
    assert heavy_imports(pytester) == {"torch", "z3"}


@pytest.mark.slow
def test_collecting_a_rule_file_reads_yaml_only(project):
    (project.path / "archlint.yaml").write_text(RULES)
    found = heavy_imports(project)
    assert "yaml" in found
    assert not found & {"torch", "z3", "numpy", "sympy", "rich"}


# -- company ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_beside_xdist_cov_randomly_timeout_and_hypothesis(project):
    for plugin in ("xdist", "pytest_cov", "pytest_timeout"):
        pytest.importorskip(plugin)
    (project.path / "a.archlint.yaml").write_text(RULES)
    (project.path / "b.archlint.yaml").write_text(RULES.replace("N 8", "N F"))
    project.makepyfile(
        dedent("""
        import nets
        import pytest
        from hypothesis import given, settings, strategies

        @given(strategies.integers())
        @settings(max_examples=3)
        def test_number(n): pass

        def test_fixture(archlint):
            archlint.check(nets.head(), "N 8", accepts="any N", samples=1)
    """)
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n2",
        "--cov=nets",
        "--cov-report=term",
        "--timeout=300",
    ]
    command += ["--archlint-json=v.json", "--junitxml=j.xml"]
    done = subprocess.run(
        command,
        cwd=project.path,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert "1 failed, 3 passed" in done.stdout, done.stdout
    assert "2 proved, 1 broken" in done.stdout
    assert re.search(r"^nets\.py +\d+ ", done.stdout, re.MULTILINE)
    assert '"broken": 1' in (project.path / "v.json").read_text()
    assert 'name="counterexample"' in (project.path / "j.xml").read_text()


@pytest.mark.slow
def test_a_selection_error_under_xdist_is_told(project):
    pytest.importorskip("xdist")
    (project.path / "archlint.yaml").write_text(RULES)
    done = run(project, "-n1", "--archlint-select=nothing")
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "no contract matches 'nothing'; there are any-batch" in done.stdout


@pytest.mark.slow
def test_without_the_plugin_rule_files_are_nothing(project):
    (project.path / "archlint.yaml").write_text(RULES)
    done = run(project, "-p", "no:archlint")
    assert done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "archlint: rule files" not in done.stdout


BROKEN = RULES.replace("N 8", "N 9").replace("any-batch", "wrong-width")
ENDS = RULES.replace("nets:head", "nets:Ends").replace("any-batch", "ends")


@pytest.mark.slow
def test_beside_pytest_forked(project):
    """Each contract has a process of its own; one that ends it harms no other."""
    pytest.importorskip("pytest_forked")
    nets = project.path / "nets.py"
    ends = "\nimport os\nclass Ends(nn.Module):\n    def forward(self, x):\n        os._exit(9)\n"
    nets.write_text(nets.read_text() + ends)
    project.makepyfile("def test_plain(): pass")
    if "1 passed" not in run(project, "--forked", "-k", "plain", "-p", "no:archlint").stdout:
        pytest.skip("this pytest-forked does not work with this pytest")
    for name, text in (("a", RULES), ("b", BROKEN), ("c", ENDS), ("d", RULES)):
        (project.path / f"{name}.archlint.yaml").write_text(text)
    done = run(project, "--forked", "--archlint-json=v.json")
    assert "2 failed, 3 passed" in done.stdout, done.stdout
    assert "running the test EXITED with status 9" in done.stdout
    assert "wrong-width" in done.stdout
    words = [v["verdict"] for v in json.loads((project.path / "v.json").read_text())["verdicts"]]
    assert words == ["proved", "broken", "proved"]


@pytest.mark.slow
def test_beside_rerunfailures(project):
    """A broken contract stays broken, and has one verdict however often it runs."""
    pytest.importorskip("pytest_rerunfailures")
    (project.path / "a.archlint.yaml").write_text(RULES)
    (project.path / "b.archlint.yaml").write_text(BROKEN)
    done = run(project, "--reruns=2", "--archlint-json=v.json")
    assert "1 failed, 1 passed, 2 rerun" in done.stdout, done.stdout
    words = [v["verdict"] for v in json.loads((project.path / "v.json").read_text())["verdicts"]]
    assert words == ["proved", "broken"]
    assert "1 proved, 1 broken" in done.stdout


# -- signals ---------------------------------------------------------------------------------


@pytest.mark.slow
def test_ctrl_c_stops_cleanly(project):
    (project.path / "a.archlint.yaml").write_text(RULES)
    (project.path / "b.archlint.yaml").write_text(RULES.replace("nets:head", "nets:Hangs"))
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pytest", "-p", "no:randomly", "-v"],
        cwd=project.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "a.archlint.yaml" in line:
            time.sleep(2)
            process.send_signal(signal.SIGINT)
            break
    output = "".join(lines) + process.communicate(timeout=60)[0]
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    assert "KeyboardInterrupt" in output
    assert "1 proved" in output
