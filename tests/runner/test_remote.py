"""Jobs that a backend's process checks, and how long its workers stay."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import REPO
from tests.support.stub_cli import CHECK
from tests.support.sweeps import GUARD, job


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
