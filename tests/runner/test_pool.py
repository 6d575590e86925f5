"""Worker processes: whatever a job does, every job gets its verdict."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archlint.contracts.job import Job
from archlint.runner import pool as workers
from archlint.runner import stack_dump
from archlint.runner.resources import cores
from tests.support.stub_cli import CHECK, contract

HERE = Path.cwd()


def job(model, root=HERE, **kwargs):
    made = contract(model=model, **kwargs)
    return Job(made, made.models[0], root)


def run(*jobs, count=1, grace=0.2):
    answers = dict(workers.run(jobs, count, check=CHECK, grace=grace))
    assert sorted(answers) == list(range(len(jobs)))
    return [answers[i] for i in range(len(jobs))]


def test_verdicts_come_back_whole():
    (verdict,) = run(job("proved"))
    assert verdict.word == "proved"
    assert (verdict.contract, verdict.model) == ("any-photo", "proved")
    assert verdict.proof.claims == 12


def test_no_jobs_no_workers():
    assert run() == []


def test_a_run_ends_at_its_time_and_kills_the_workers():
    start = time.monotonic()
    assert list(workers.run([job("hang")], check=CHECK, until=start + 0.3)) == []
    assert time.monotonic() - start < 30, "the budget of the job is 60 s"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("exits", "the process exited with code 3 while checking any-photo · exits"),
        ("raises", "internal error in archlint: ValueError: bad luck"),
        ("quits", "the model's code raised SystemExit: 1 (tests/support/stub_cli.py)"),
        ("interrupts", "the model's code raised KeyboardInterrupt (tests/support/stub_cli.py)"),
        ("nothing", "the check returned None; expected a Verdict"),
    ],
)
def test_a_bad_job_is_an_error_and_the_next_is_decided(model, message):
    bad, good = run(job(model), job("proved"))
    assert bad.word == "error"
    assert bad.message == bad.details["reason"]
    assert re.sub(r":\d+\)$", ")", bad.message) == message
    assert (bad.file, bad.line) == ("rules.yaml", 3)
    assert good.word == "proved"


def test_a_verdict_that_does_not_pickle_is_an_error():
    bad, good = run(job("unpicklable"), job("proved"))
    assert bad.word == "error"
    assert good.word == "proved"


def test_a_crash_names_the_signal_and_the_line():
    bad, good = run(job("crashes"), job("proved"))
    assert bad.message.startswith("the process was killed by signal 11 (SIGSEGV) in crash, ")
    assert "stub_cli.py:" in bad.message
    assert good.word == "proved"


def test_a_hanging_job_is_stopped_and_names_the_line():
    bad, good = run(job("hang", seconds=0.3), job("proved"))
    assert bad.word == "error"
    assert bad.message.startswith("did not finish within 0.3 s; last seen in loop_forever, ")
    assert "stub_cli.py:" in bad.message
    assert 0.3 <= bad.seconds < 5
    assert good.word == "proved"


@pytest.mark.slow
def test_a_job_that_disarms_the_alarm_is_stopped_all_the_same():
    bad, good = run(job("silences", seconds=0.1), job("proved"))
    assert bad.message == "did not finish within 0.1 s"
    assert good.word == "proved"


@pytest.mark.slow
def test_a_child_left_behind_hides_nothing_and_dies_too():
    bad, good = run(job("orphans", seconds=0.1), job("proved"))
    assert bad.message == "the process exited with code 3 while checking any-photo · orphans"
    assert good.word == "proved"


def test_what_a_job_prints_is_kept_apart(capfd):
    loud, quiet = run(job("prints"), job("proved"))
    assert loud.details["printed"].split("\n") == ["to stdout", "to stderr", "from a child"]
    assert "printed" not in quiet.details
    assert capfd.readouterr() == ("", "")


def test_what_a_job_printed_before_it_died_is_kept():
    (bad,) = run(job("exits"))
    assert bad.details["printed"] == "last words"


def test_a_job_that_reads_stdin_finds_it_empty():
    (verdict,) = run(job("reads"))
    assert verdict.message == "''"


def test_a_job_sees_no_arguments():
    (verdict,) = run(job("arguments"))
    assert verdict.message == "[]"


def test_jobs_of_one_model_have_processes_of_their_own():
    first, second, third = run(job("process"), job("slow"), job("process"), count=2)
    assert first.message != third.message
    assert second.word == "proved"


def test_an_idle_worker_helps_with_a_long_queue():
    began = time.monotonic()
    run(*[job("slow")] * 6, count=3)
    assert time.monotonic() - began < 6 * 0.3 + 3


def test_two_projects_never_share_a_process(tmp_path):
    first, second = run(job("process"), job("process", root=tmp_path))
    assert first.message != second.message


def test_threads_fit_the_cores(monkeypatch):
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    (verdict,) = run(job("torchless"))
    assert verdict.message == str(cores())


def test_a_worker_that_cannot_start_says_why():
    ((_, verdict),) = workers.run([job("proved")], check="no.such.module:decide")
    assert verdict.word == "error"
    assert "could not start (exited with code 1)" in verdict.message
    assert "ModuleNotFoundError" in verdict.message


def test_closing_kills_the_workers():
    answers = workers.run([job("process"), job("hang")], 1, check=CHECK)
    _, verdict = next(answers)
    answers.close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(verdict.message), 0)


def test_the_parent_needs_no_torch():
    code = "import sys, archlint.runner.pool, archlint.cli.app; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "False\n"


def test_a_stack_dump_prefers_the_users_code():
    dump = (
        "Thread 0x01 (most recent call first):\n"
        '  File "/home/me/other.py", line 1 in wait\n'
        "\n"
        "Thread 0x02 (most recent call first):\n"
        '  File "/v/lib/python3.11/site-packages/torch/nn/modules/conv.py", line 5 in forward\n'
        '  File "/v/lib/python3.11/site-packages/timm/models/vit.py", line 6 in forward\n'
        '  File "/home/me/net.py", line 7 in forward\n'
        '  File "<string>", line 1 in <module>\n'
    )
    assert stack_dump.last_frame(dump) == "forward, /home/me/net.py:7"
    assert stack_dump.last_frame(dump.replace("/home/me/net", "/x/site-packages/torch/a")) == (
        "forward, /v/lib/python3.11/site-packages/timm/models/vit.py:6"
    )
    assert stack_dump.last_frame("") == ""
