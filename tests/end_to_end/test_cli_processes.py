"""``archlint`` in processes of its own: signals, pipes, encodings and what is imported."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archlint.contracts import settings
from archlint.contracts.verdict import Verdict
from archlint.runner import joblib_backends as backends
from tests import REPO
from tests.support.cli_project import check_in_process, project_in, start


@pytest.fixture
def project(tmp_path, monkeypatch):
    return project_in(tmp_path, monkeypatch)


@pytest.fixture
def check(project, monkeypatch):
    return check_in_process(monkeypatch)


def test_a_process_and_its_exit_code(project):
    project(contracts={"a": ["proved", "crashes", "hang", "exits", "broken"]}, more="seconds: 0.3")
    process = start("check", "-j2", "--format=json")
    stdout, stderr = process.communicate(timeout=120)
    assert stderr == ""
    assert process.returncode == 2
    words = [v["verdict"] for v in json.loads(stdout)["verdicts"]]
    assert words == ["proved", "error", "error", "error", "broken"]


@pytest.mark.parametrize(
    ("stop", "code"),
    [
        (signal.SIGINT, 130),
        (signal.SIGTERM, 143),
        (signal.SIGHUP, 129),
        (signal.SIGKILL, -9),
    ],
)
def test_a_stopped_run_leaves_nothing_behind(project, tmp_path, stop, code):
    project(contracts={"a": ["marks"]})
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = start("check", env={"TMPDIR": str(scratch)})
    mark = next(iter(await_files(tmp_path, "started")))
    process.send_signal(stop)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert stdout == ""
    words = "interrupted: 0 of 1 contract was checked; all workers were stopped\n"
    assert stderr == (words if code > 0 else "")
    assert not list(scratch.iterdir())
    await_end(int(mark.read_text()))


@pytest.mark.parametrize(("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_run_reports_what_was_checked(project, tmp_path, stop, code):
    project(contracts={"a": ["proved", "broken", "marks"]})
    formats = ("jsonl", "json", "junit", "sarif", "html")
    process = start("check", "-j1", *(f"--output={f}=out/run.{f}" for f in formats))
    await_files(tmp_path, "started")
    process.send_signal(stop)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert "BROKEN" in stdout
    assert "1 proved" in stdout
    assert stderr == "interrupted: 2 of 3 contracts were checked; all workers were stopped\n"
    written = {f: (tmp_path / "out" / f"run.{f}").read_text() for f in formats}
    lines = written["jsonl"].splitlines()
    assert [json.loads(line)["verdict"] for line in lines] == ["proved", "broken"]
    verdicts = json.loads(written["json"])["verdicts"]
    assert [v["verdict"] for v in verdicts] == ["proved", "broken", "error"]
    # No reader of these files takes the run for a complete one.
    for format_ in formats[1:]:
        assert "2 of 3 contracts were checked" in written[format_], format_


def test_verdicts_are_printed_as_they_come_and_in_order(project, tmp_path):
    project(contracts={"a": ["broken", "proved", "gate", "tested"], "b": ["proved", "marks"]})
    process = start("check", "-j2")
    await_files(tmp_path, "started")  # all but the one at the gate are checked
    first = "".join(process.stdout.readline() for _ in range(4))
    assert re.findall(r"\w+  (\w · \w+)", first) == ["a · broken", "a · proved"]
    (tmp_path / "gate").touch()
    rest = "".join(process.stdout.readline() for _ in range(6))
    assert re.findall(r"\w+  (\w · \w+)", rest) == ["a · gate", "a · tested", "b · proved"]
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=60)
    assert stdout == "\n3 proved, 1 tested, 1 broken\n"


def test_a_backend_that_fails_leaves_the_report_of_what_was_checked(project, check, monkeypatch):
    def fails(jobs, *_args, **_kwargs):
        yield 0, Verdict("proved", jobs[0].contract.id, jobs[0].ref.name)
        raise backends.BackendError("loky failed: a worker process was killed")

    project(contracts={"a": ["proved", "tested"]})
    monkeypatch.setattr(backends, "run", fails)
    result = check("--no-cache", "--output", "json=run.json")
    assert result.exit_code == 2
    assert "loky failed" in result.stderr
    assert "1 proved" in result.stdout
    assert "1 of 2 contracts were checked" in Path("run.json").read_text()


def await_files(folder, name):
    deadline = time.monotonic() + 60
    while not (found := [f for f in folder.rglob(name) if f.read_text()]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def await_end(pid):
    deadline = time.monotonic() + 20
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.05)


def test_a_reader_that_leaves_early_changes_no_verdict(project):
    project(contracts={f"c{i}": ["broken"] for i in range(3)})
    read, write = os.pipe()
    os.close(read)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.stub_cli", "check"],
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(REPO)},
    )
    os.close(write)
    _, stderr = process.communicate(timeout=60)
    assert stderr == ""
    assert process.returncode == 1


def test_a_poor_encoding_is_no_crash(project):
    project(contracts={"a": ["proved"]})
    process = start("check", env={"PYTHONIOENCODING": "iso8859-5"})
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "a \\xb7 proved" in stdout


@pytest.mark.parametrize("args", [["--version"], ["--help"], ["check", "--help"]])
def test_light_commands_import_nothing_heavy(args):
    code = (
        "import sys, atexit, archlint.cli.app\n"
        "heavy = {'torch', 'z3', 'yaml', 'lark', 'pydantic', 'rich'}\n"
        "atexit.register(lambda: print('heavy:', sorted(heavy & sys.modules.keys())))\n"
        f"sys.argv[1:] = {args}\n"
        "archlint.cli.app.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=REPO
    )
    assert done.returncode == 0
    assert done.stdout.endswith("heavy: []\n")


def test_python_dash_m():
    done = subprocess.run(
        [sys.executable, "-m", "archlint", "--version"],
        capture_output=True, text=True, timeout=60, cwd=REPO,
    )  # fmt: skip
    assert done.stdout == f"archlint {settings.version()}\n"
    assert done.returncode == 0


@pytest.mark.parametrize("args", [["chekc"], ["check", "--jobs", "0"], ["check", "--format", "x"]])
def test_wrong_usage(args):
    process = start(*args)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "Usage: archlint" in stderr


@pytest.mark.parametrize("args", [["--version"], ["chekc"], ["rules", "validate", "gone.yaml"]])
def test_a_fork_of_the_warm_process_does_what_a_new_process_does(args, warm_process, tmp_path):
    new, fork = (
        subprocess.run([*start, *args], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        for start in ((sys.executable, "-m", "archlint"), warm_process.command("archlint"))
    )
    assert (fork.returncode, fork.stdout, fork.stderr) == (new.returncode, new.stdout, new.stderr)
    assert new.stdout + new.stderr
