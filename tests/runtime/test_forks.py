"""A process that forks jobs has started no threads of PyTorch, which the jobs would wait for."""

import subprocess
import sys

import torch

from archlint.contracts.contract import ModelRef
from archlint.contracts.job import Job
from archlint.contracts.rulefile.load import loads
from archlint.runner import pool
from archlint.runtime.forks import one_thread
from tests import REPO

IMPORTS = """
import os, torch
def threads():
    return len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else 1
before, count = threads(), torch.get_num_threads()
import archlint, archlint.cli.check, archlint.explanation.advice, archlint.engine.first_contract
imported = threads()
from archlint.runner.warm_up import warm_up
warm_up()
print(before, imported, threads(), torch.get_num_threads() == count)
"""


def test_what_a_server_imports_starts_no_thread():
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPO), "OMP_NUM_THREADS": "4"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], env=environment, capture_output=True, text=True
    )
    before, imported, warm, restored = done.stdout.split()
    assert (imported, warm, restored) == (before, before, "True"), done.stderr


def test_the_threads_are_restored():
    threads = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == threads


PARALLEL = """
import torch
from torch import nn
class Net(nn.Linear):
    def __init__(self):
        super().__init__(3, 2)
        torch.empty(2000, 2000).copy_(torch.zeros(2000, 2000).t())  # in several threads
"""
RULES = """
archlint: 1
contracts:
  - {id: a, models: "net.py:Net", input: N 3, accepts: any N >= 1, budget: {seconds: 20}}
"""


def test_a_single_job_may_use_all_threads(tmp_path, monkeypatch):
    """It has the threads of all processors, which the variables of this test run forbid."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("archlint.runner.pool.cores", lambda: 4)
    (tmp_path / "net.py").write_text(PARALLEL)
    job = Job(loads(RULES).contracts[0], ModelRef("net", "net.py:Net"), tmp_path)
    [(_, verdict)] = pool.run([job], 1)
    assert verdict.word == "proved", verdict
