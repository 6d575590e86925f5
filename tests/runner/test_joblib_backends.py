"""Sweeps: through joblib's engines, in shards, on file while they run, and taken up again."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archlint.contracts.job import Job
from archlint.contracts.verdict import Verdict
from archlint.runner import joblib_backends as backends
from archlint.runner import pool
from archlint.runner.joblib_backends import Backend, BackendError
from archlint.runner.shard import Shard, ShardError, spread
from tests import REPO
from tests.support.stub_cli import CHECK, contract

GUARD = 300.0  # seconds after which a test that hangs is given up
STUB_CHECK = (sys.executable, "-m", "tests.support.stub_cli", "check", "--no-cache")
ENV = os.environ | {"PYTHONPATH": str(REPO), "PYTHONIOENCODING": "utf-8"}


def job(model, root=REPO, **kwargs):
    made = contract(model=model, **kwargs)
    return Job(made, made.models[0], root)


def answers(jobs, backend, count=2):
    found = list(backends.run(jobs, count, Backend.of(backend), check=CHECK, grace=1.0))
    assert sorted(i for i, _ in found) == list(range(len(jobs)))
    return [replace(v, seconds=0) for _, v in sorted(found, key=lambda answer: answer[0])]


# Names and addresses


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dusk", "there is no backend 'dusk'; did you mean 'dask'?"),
        ("", "there is no backend ''; expected one of local, loky, dask, ray"),
        ("loky:tcp://x:1", "the backend loky takes no address, found 'tcp://x:1'"),
        ("dask:", "expected an address after 'dask:', as in dask:tcp://127.0.0.1:8786"),
    ],
)
def test_a_backend_that_is_none(text, message):
    with pytest.raises(BackendError) as e:
        Backend.of(text)
    assert str(e.value) == message


def test_a_backend_with_its_address():
    assert Backend.of("dask:tcp://10.0.0.1:8786") == Backend("dask", "tcp://10.0.0.1:8786")
    assert Backend.of("ray") == Backend("ray", None)


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


def test_a_process_ends_with_the_one_that_started_it():
    """As joblib starts one: it would wait for its next job."""
    waits = (
        "import os, sys, time; from archlint.runner.remote import end_with_parent\n"
        "end_with_parent(int(sys.argv[1])); print('ready', flush=True); time.sleep(60)"
    )
    starts = (
        "import os, subprocess, sys\n"
        "p = subprocess.Popen([sys.executable, '-c', sys.argv[1], str(os.getpid())],"
        " stdout=subprocess.PIPE)\n"
        "p.stdout.readline(); print(p.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", starts, waits]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=60)
    end = time.monotonic() + 20
    while Path("/proc", done.stdout.strip()).exists():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_cluster_that_fails_is_an_error(monkeypatch):
    monkeypatch.setattr(backends, "_through_joblib", failing)
    with pytest.raises(BackendError, match="was killed"):
        list(backends.run([job("proved")] * 2, 2, Backend("dask", "tcp://far:8786"), check=CHECK))


def test_a_machine_without_the_project_says_so(tmp_path):
    from archlint.runner import remote

    task = remote.RemoteTask(CHECK, 1.0, 1, REPO)
    verdict = remote.check_job(job("proved", root=tmp_path / "gone"), task)
    assert verdict.word == "error"
    assert verdict.message.endswith(
        f"has no folder {tmp_path / 'gone'}; every machine that checks contracts needs the "
        "project at the same path"
    )


@pytest.mark.slow
def test_jobs_that_follow_one_another_share_a_server_and_it_is_stopped_when_idle(monkeypatch):
    from archlint.runner import remote

    task = remote.RemoteTask(CHECK, 1.0, 1, REPO)
    monkeypatch.setattr(remote, "IDLE", GUARD)
    first = int(remote.check_job(job("server"), task).message)
    monkeypatch.setattr(remote, "IDLE", 0.1)
    assert int(remote.check_job(job("server"), task).message) == first
    gone_by = time.monotonic() + GUARD
    while len(remote.IDLE_WORKERS) and time.monotonic() < gone_by:
        time.sleep(0.02)
    while time.monotonic() < gone_by:
        try:
            os.kill(first, 0)
        except ProcessLookupError:
            return
        time.sleep(0.02)
    pytest.fail("the idle server is still there")


def test_a_later_run_gets_a_process_of_its_own():
    """The process of an earlier run has the user's code of that time loaded."""
    from archlint.runner import remote

    one, other = (remote.RemoteTask(CHECK, 1.0, 1, REPO) for _ in range(2))
    assert remote.check_job(job("server"), one).message != (
        remote.check_job(job("server"), other).message
    )
    remote.IDLE_WORKERS.stop_all()


# Shards


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0/4", "shards of 4 are 1/4 to 4/4, found 0/4"),
        ("5/4", "shards of 4 are 1/4 to 4/4, found 5/4"),
        ("1/0", "there must be at least 1 shard, found 1/0"),
        ("2", "expected K/N, as in 2/4, found '2'"),
        ("-1/4", "expected K/N, as in 2/4, found '-1/4'"),
        ("1/4/4", "expected K/N, as in 2/4, found '1/4/4'"),
        ("٣/4", "expected K/N, as in 2/4, found '٣/4'"),
    ],
)
def test_a_shard_that_is_none(text, message):
    with pytest.raises(ShardError) as e:
        Shard.of(text)
    assert str(e.value) == message


names = st.lists(st.text(max_size=5), max_size=40)


@pytest.mark.slow
@given(names, st.integers(1, 9))
def test_every_name_has_one_place_and_the_places_are_even(names, count):
    places = spread(names, count)
    assert len(places) == len(names)
    assert set(places) <= set(range(count))
    full = [places.count(place) for place in range(count)]
    assert max(full) - min(full) <= 1


@given(st.lists(st.text(max_size=5), max_size=30, unique=True), st.integers(1, 9), st.randoms())
def test_the_order_of_the_names_means_nothing(names, count, random):
    placed = dict(zip(names, spread(names, count), strict=True))
    shuffled = random.sample(names, len(names))
    assert dict(zip(shuffled, spread(shuffled, count), strict=True)) == placed


@given(st.lists(st.sampled_from(["proved", "broken", "slow"]), max_size=20), st.integers(1, 5))
def test_the_shards_together_are_all_jobs(models, count):
    jobs = [job(m, id=f"c{i}") for i, m in enumerate(models)]
    parts = [Shard(k, count).part(jobs) for k in range(1, count + 1)]
    assert sorted(j.contract.id for part in parts for j in part) == sorted(
        j.contract.id for j in jobs
    )
    for part in parts:
        assert part == [j for j in jobs if j in part]


def test_a_new_contract_moves_few_others():
    names = [f"contract-{i}" for i in range(200)]
    before = spread(names, 4)
    moved = [
        sum(a != b for a, b in zip(before, spread([*names, f"new-{k}"], 4), strict=False))
        for k in range(20)
    ]
    assert sum(moved) / len(moved) < 0.05 * len(names)  # in turns it would be 3 of 4


def test_a_shard_is_the_same_wherever_the_project_lies(tmp_path):
    parts = []
    for place in ("here", "there"):
        root = tmp_path / place
        root.mkdir()
        jobs = [job("proved", root, id=f"c{i}", file=str(root / "rules.yaml")) for i in range(20)]
        parts.append([j.contract.id for j in Shard(1, 3).part(jobs)])
    assert parts[0] == parts[1]


# On file while they come, and taken up again


@pytest.fixture
def project(tmp_path):
    """A project with the given contracts (id: models), and ``archlint check`` on it."""
    (tmp_path / "pyproject.toml").write_text("")

    def write(contracts, more=""):
        lines = [f"  {id}: [{', '.join(models)}]" for id, models in contracts.items()]
        text = "\n".join(["archlint: 1", "contracts:", *lines, more])
        (tmp_path / "archlint.yaml").write_text(text)

    def start(*args):
        return subprocess.Popen(
            [*STUB_CHECK, *map(str, args)],
            cwd=tmp_path, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(*args):
        process = start(*args)
        out, err = process.communicate(timeout=GUARD)
        return process.returncode, out, err

    project.write, project.start, project.run, project.path = write, start, run, tmp_path
    return project


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


MANY = {f"c{i:02}": ["process", "broken"] for i in range(6)}


def test_a_killed_sweep_goes_on_where_it_was(project):
    project.write({**{f"c{i:02}": ["process"] for i in range(5)}, "z": ["hang"]})
    file = project.path / "sweep.jsonl"
    killed = project.start("--output", f"jsonl={file}")
    begun = time.monotonic()
    while not (file.exists() and len(file.read_bytes().splitlines()) == 5):
        assert time.monotonic() < begun + GUARD
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    before = {v["contract"]: v["message"] for v in lines(file)}
    torn = file.read_bytes()[:-20]
    file.write_bytes(torn)
    project.write({f"c{i:02}": ["process"] for i in range(7)})
    code, out, err = project.run("--output", f"jsonl={file}", "--resume", file)
    assert (code, err) == (0, f"4 of 7 verdicts taken from {file}\n")
    after = {v["contract"]: v["message"] for v in lines(file)}
    assert list(after) == [f"c{i:02}" for i in range(7)]
    kept = [id for id in before if before[id] == after[id]]  # the message is the process's id
    assert len(kept) == 4
    assert "7 proved" in out


def test_what_is_taken_up_again_is_reported_the_same(project):
    project.write({**MANY, "t": ["tested"], "v": ["vacuous"]})
    first = project.run("--output", "jsonl=sweep.jsonl", "-v")
    again = project.run("--resume", "sweep.jsonl", "-v")
    assert again[:2] == first[:2]
    assert again[2] == "14 of 14 verdicts taken from sweep.jsonl\n"
    assert len(lines(project.path / "sweep.jsonl")) == 14


@pytest.mark.parametrize("what", ["contract", "model's code", "samples", "model's name"])
def test_what_changed_is_decided_again(project, what):
    code = project.path / "net.py"
    code.write_text("WIDTH = 1\n")
    project.write({"a": ["process"]})
    project.run("--output", "jsonl=sweep.jsonl")
    more = []
    if what == "contract":
        project.write({"a": ["process"]}, "seconds: 50")
    elif what == "model's code":
        code.write_text("WIDTH = 2\n")
    elif what == "samples":
        more = ["--samples", "3"]
    else:
        project.write({"a": ["proved"]})
    assert project.run("--resume", "sweep.jsonl", *more)[2].startswith("0 of 1 ")


def test_lines_that_moved_and_their_order_change_nothing(project):
    project.write({"a": ["broken"], "b": ["process"]})
    project.run("--output", "jsonl=sweep.jsonl")
    project.write({"b": ["process"], "a": ["broken"]})
    _, out, err = project.run("--resume", "sweep.jsonl")
    assert err.startswith("2 of 2 ")
    assert "archlint.yaml:4  BROKEN  a · broken" in out


@pytest.mark.slow
def test_an_error_is_no_answer(project):
    project.write({"a": ["exits", "proved"]})
    project.run("--output", "jsonl=sweep.jsonl")
    assert project.run("--resume", "sweep.jsonl")[2].startswith("1 of 2 ")


WAIVER = "waivers: [{contract: a, model: broken, reason: later, until: 2999-12-31}]"


@pytest.mark.slow
def test_mistakes_and_waived_contracts_on_file(project):
    other = project.path / "other.archlint.yaml"
    other.write_text("archlint: 1\nmodel: 0\n")
    project.write({"a": ["broken", "process"]}, WAIVER)
    same = ("--output", "jsonl=sweep.jsonl", "--resume", "sweep.jsonl")
    code, out, _ = project.run(*same)
    assert (code, out.splitlines()[-1]) == (
        2,
        "1 proved, 1 broken (waived), 1 mistake in rule files",
    )
    first = lines(project.path / "sweep.jsonl")
    assert ["verdict" in line for line in first] == [False, True, True]
    assert first[1]["waived"] == {"reason": "later", "until": "2999-12-31"}
    code, again, err = project.run(*same)
    assert (code, again) == (2, out)
    assert "2 of 2 verdicts taken from sweep.jsonl\n" in err
    assert lines(project.path / "sweep.jsonl") == first

    # The mistake is mended and the waiver taken back: what was decided stands, and counts.
    other.unlink()
    project.write({"a": ["broken", "process"]})
    code, out, err = project.run(*same)
    assert (code, err) == (1, "2 of 2 verdicts taken from sweep.jsonl\n")
    assert "BROKEN  a · broken" in out
    after = lines(project.path / "sweep.jsonl")
    assert after == [{**first[1], "waived": None, "note": ""}, first[2]]


@pytest.mark.slow
def test_a_waiver_in_vain_on_file_is_no_answer(project):
    project.write({"a": ["proved", "broken"]}, WAIVER.replace("broken", "proved"))
    same = ("--output", "jsonl=sweep.jsonl", "--resume", "sweep.jsonl")
    code, out, _ = project.run(*same)
    assert [line["job"] for line in lines(project.path / "sweep.jsonl")][2:] == [None]
    assert project.run(*same) == (code, out, "2 of 2 verdicts taken from sweep.jsonl\n")
    assert len(lines(project.path / "sweep.jsonl")) == 3


def test_the_first_run_of_a_loop_has_nothing_to_resume(project):
    project.write({"a": ["proved"]})
    same = ("--resume", "new.jsonl", "--output", "jsonl=new.jsonl")
    assert project.run(*same)[::2] == (0, "0 of 1 verdicts taken from new.jsonl\n")
    code, _, err = project.run("--resume", "other.jsonl")
    assert (code, err) == (2, "Error: other.jsonl cannot be read: No such file or directory\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("proved\n", "f.jsonl:1:1: not valid JSON (Expecting value)"),
        ("{}\n", "f.jsonl:1:1: missing key 'job'"),
        ("[1]\n", "f.jsonl:1:1: found [1]"),
        ('{"job": 1}\n', "f.jsonl:1:1: not a verdict (job is 1)"),
        ('{"job": "x", "at": null, "details": []}\n', "not a verdict (details must be texts)"),
        (
            '{"job": "x", "at": null, "details": {}, "proof": {}, "samples": {}, '
            '"verdict": "ok"}\n',
            "not a verdict ('ok' is not a verdict;",
        ),
        ("\xff\n", "f.jsonl:1:1: not valid UTF-8"),
        ("[" * 200_000 + "\n", "f.jsonl:1:1: JSON is nested too deeply"),
    ],
)
def test_a_file_of_something_else(project, text, message):
    project.write({"a": ["proved"]})
    (project.path / "f.jsonl").write_text(text, encoding="latin-1")
    code, out, err = project.run("--resume", "f.jsonl")
    assert (code, out) == (2, "")
    assert message in err
    assert err.endswith("expected a verdict as --output jsonl=FILE writes it\n")


@pytest.mark.slow
def test_shards_on_the_command_line(project):
    project.write(MANY)
    code, _, err = project.run("--shard", "5/4")
    assert code == 2
    assert "Invalid value for '--shard': shards of 4 are 1/4 to 4/4, found 5/4" in err
    seen = []
    for k in (1, 2, 3):
        _, out, _ = project.run("--shard", f"{k}/3", "--format", "json")
        seen += [(v["contract"], v["model"]) for v in json.loads(out)["verdicts"]]
    assert sorted(seen) == sorted((id, model) for id, models in MANY.items() for model in models)


def test_a_backend_that_is_none_on_the_command_line(project):
    project.write({"a": ["proved"]})
    code, _, err = project.run("--backend", "dusk")
    assert code == 2
    assert "Invalid value for '--backend': there is no backend 'dusk'" in err


# Clusters


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
