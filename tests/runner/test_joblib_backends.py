"""Sweeps through joblib's engines: the same verdicts, and errors that name the engine."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from archlint.contracts.verdict import Verdict
from archlint.runner import joblib_backends as backends
from archlint.runner import pool
from archlint.runner.backend import Backend, BackendError
from tests.support.stub_cli import CHECK
from tests.support.sweeps import ENV, GUARD, SweptProject, job, lines


@pytest.fixture
def project(tmp_path):
    return SweptProject(tmp_path)


def answers(jobs, backend, count=2):
    found = list(backends.run(jobs, count, Backend.of(backend), check=CHECK, grace=1.0))
    assert sorted(i for i, _ in found) == list(range(len(jobs)))
    return [replace(v, seconds=0) for _, v in sorted(found, key=lambda answer: answer[0])]


@pytest.mark.parametrize(
    ("name", "missing"), [("loky", "joblib"), ("dask", "distributed"), ("ray", "ray")]
)
def test_a_backend_that_is_not_installed(name, missing, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    if missing != "joblib":
        monkeypatch.setitem(sys.modules, "joblib", json)  # whether it is there is not the question
    with pytest.raises(BackendError) as e:
        backends.run([job("proved")], 1, Backend(name))
    assert str(e.value) == (
        f"the backend {name} needs {missing}, which is not installed: "
        f'pip install "torch-archlint[{name}]"'
    )


# The same verdicts, whoever decides

MIXED = [
    *(job(m) for m in ("proved", "exits", "crashes", "broken", "prints", "slow", "raises")),
    job("hang", seconds=0.3),
    job("proved", id="last"),
]


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2])
def test_loky_decides_as_the_local_pool_does(count):
    local = [v for _, v in sorted(pool.run(MIXED, 2, check=CHECK, grace=1.0), key=lambda a: a[0])]
    assert answers(MIXED, "loky", count) == [replace(v, seconds=0) for v in local]


def failing(jobs, count, backend, task):
    """A backend that fails after its first verdict."""
    yield 1, Verdict("proved", model=jobs[1].ref.name)
    raise BackendError("loky failed: TerminatedWorkerError: a process was killed")


def test_a_backend_that_fails_on_this_machine_costs_no_verdict(monkeypatch):
    monkeypatch.setattr(backends, "_through_joblib", failing)
    jobs = [job("proved"), job("tested"), job("broken")]
    with pytest.warns(RuntimeWarning, match="was killed; 2 contracts are checked without it"):
        found = dict(backends.run(jobs, 2, Backend("loky"), check=CHECK))
    assert [found[i].word for i in range(3)] == ["proved", "proved", "broken"]


@pytest.mark.slow
def test_dask_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert [v.word for v in answers([job("proved"), job("tested")], "dask", 2)] == [
        "proved",
        "tested",
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_that_fails_is_an_error(monkeypatch):
    monkeypatch.setattr(backends, "_through_joblib", failing)
    with pytest.raises(BackendError, match="was killed"):
        list(backends.run([job("proved")] * 2, 2, Backend("dask", "tcp://far:8786"), check=CHECK))


@pytest.fixture
def cluster(tmp_path):
    """A dask scheduler and two worker processes on loopback: its address, the processes."""
    running = []

    def start(module, *args):
        command = [sys.executable, "-m", f"distributed.cli.dask_{module}", *args]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(command, cwd=tmp_path, env=ENV, **quiet)
        running.append(process)
        return process

    file = tmp_path / "scheduler.json"
    start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
          "--scheduler-file", file)  # fmt: skip
    begun = time.monotonic()
    while not file.exists():
        assert time.monotonic() < begun + GUARD
        time.sleep(0.05)
    workers = [
        start("worker", "--scheduler-file", file, "--nthreads", "1", "--no-nanny", "--no-dashboard",
              "--host", "127.0.0.1", "--name", f"worker-{k}")
        for k in range(2)
    ]  # fmt: skip
    address = json.loads(file.read_text())["address"]
    code = "import sys, distributed as d; d.Client(sys.argv[1], timeout=120).wait_for_workers(2)"
    subprocess.run([sys.executable, "-c", code, address], env=ENV, check=True, timeout=GUARD)
    try:
        yield address, workers
    finally:
        for process in running:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_a_dask_worker_is_killed_in_mid_sweep_and_nothing_is_lost(project, cluster):
    address, workers = cluster
    contracts = {f"c{i:02}": ["slow", "broken", "exits"] for i in range(6)}
    # The sweep cannot end before the gate is open.
    project.write({"a": ["gate"], **contracts}, f"seconds: {GUARD}")
    gate = project.path / "gate"
    gate.touch()
    _, local, _ = project.run("--format", "jsonl", "--jobs", 2)
    gate.unlink()
    file = project.path / "sweep.jsonl"
    sweep = project.start("--backend", f"dask:{address}", "--output", f"jsonl={file}")
    begun = time.monotonic()
    while not (file.exists() and len(file.read_bytes().splitlines()) >= 4):
        assert sweep.poll() is None, sweep.communicate()
        assert time.monotonic() < begun + GUARD
        time.sleep(0.02)
    workers[0].kill()
    assert workers[0].wait(GUARD) == -signal.SIGKILL
    gate.touch()
    sweep.communicate(timeout=GUARD)
    assert sweep.returncode == 2  # the contract whose model exits is an error in both
    assert [judged(v) for v in lines(file)] == [judged(json.loads(t)) for t in local.splitlines()]


def judged(verdict):
    return {k: verdict[k] for k in ("contract", "model", "verdict", "file", "line", "message")}


@pytest.mark.slow
def test_no_scheduler_answers(project, monkeypatch):
    monkeypatch.setattr(backends, "CONNECT", 1)
    with pytest.raises(BackendError, match="cannot connect to a dask scheduler at tcp://127"):
        list(backends.run([job("proved")], 1, Backend.of("dask:tcp://127.0.0.1:9"), check=CHECK))


@pytest.mark.parametrize("end", ["normal", "raised", "killed"])
def test_the_folder_of_a_start_is_removed_however_the_process_ends(end, tmp_path):
    lines = (
        "import os, sys",
        "from archlint.runner.joblib_backends import _folder_for_now",
        "with _folder_for_now() as folder:",
        "    open(os.path.join(folder, 'lock'), 'w').close()",
        {"normal": "    pass", "raised": "    1 / 0", "killed": "    os.kill(os.getpid(), 9)"}[end],
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == {"normal": 0, "raised": 1, "killed": -9}[end], done.stderr
    for _ in range(200):
        if not list(tmp_path.iterdir()):
            return
        time.sleep(0.05)
    raise AssertionError(f"left: {list(tmp_path.iterdir())}")


@pytest.mark.slow
def test_a_process_that_starts_late_leaves_no_folder_after_a_kill(tmp_path):
    """Under load, a process of dask's comes to write long after the command was killed."""
    folders, made = tmp_path / "folders", tmp_path / "made"
    folders.mkdir()
    late = (
        "import os, sys, time; time.sleep(6); os.makedirs(sys.argv[1] + '/dask')\n"
        "open(sys.argv[2], 'w').close()"
    )
    lines = (
        "import os, subprocess, sys",
        "from archlint.runner.joblib_backends import _folder_for_now, _marked",
        "with _folder_for_now() as folder, _marked(folder):",
        f"    subprocess.Popen([sys.executable, '-c', {late!r}, folder, {str(made)!r}])",
        "    os.kill(os.getpid(), 9)",
    )
    environment = os.environ | {"TMPDIR": str(folders)}
    subprocess.run([sys.executable, "-c", "\n".join(lines)], env=environment, check=False)
    begun = time.monotonic()
    while not made.exists() or list(folders.iterdir()):
        assert time.monotonic() < begun + GUARD, list(folders.iterdir())
        time.sleep(0.05)
