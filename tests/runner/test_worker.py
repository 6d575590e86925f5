"""Isolation by job: what a model's modules do reaches the model itself, and no other job."""

import os
import signal
import time

import pytest

from archlint.contracts.contract import ModelRef
from archlint.contracts.job import Job
from archlint.contracts.rulefile.load import loads
from archlint.runner import pool
from archlint.runner import worker as worker_module
from archlint.runtime.forks import FORKS

RULES = """
archlint: 1
contracts:
  - {id: c, models: "stub:model", input: DTYPE, accepts: "any H, W >= 8", budget: SECONDS}
"""
PATCHER = """
from torch import nn
original = nn.Conv2d.forward
def forward(self, x):
    k = self.kernel_size[0]
    return original(self, nn.functional.pad(x, (0, k, 0, k)))
nn.Conv2d.forward = forward
def make(): return nn.Sequential(nn.Conv2d(3, 10, 5), nn.AdaptiveAvgPool2d(1), nn.Flatten())
"""
NARROW = """
from torch import nn
def make(): return nn.Sequential(nn.Conv2d(3, 10, 9), nn.AdaptiveAvgPool2d(1), nn.Flatten())
"""
FORGER = """
import os, json, struct
from torch import nn
import archlint.runner.cache.codec as codec
from archlint.contracts.verdict import Verdict
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        data = json.dumps(["guess", codec.encode(Verdict("proved", "c", "other")), None]).encode()
        for fd in range(3, 64):
            try: os.write(fd, struct.pack("!Q", len(data)) + data)
            except OSError: pass
"""
HOG = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.all = []
        while True:
            self.all.append(bytearray(1 << 26))
"""
LOUD = """
import os
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        while True:
            os.write(1, b"x" * 65536)
"""
LEAVES = """
import os, time
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        if os.fork() == 0:
            os.setsid()
            open("left", "a").write(f"{os.getpid()}\\n")
            time.sleep(600)
        self.conv = nn.Conv2d(3, 10, 3)
    def forward(self, x):
        return self.conv(x)
"""
SETTINGS = """
import os, sys, torch
from torch import nn
torch.set_default_dtype(torch.float64)
os.environ.setdefault("WIDTH_OF_TEST", "10")
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "extra"))
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        import late_module_of_test
        self.conv = nn.Conv2d(3, int(os.environ["WIDTH_OF_TEST"]), 3)
    def forward(self, x):
        return self.conv(x)
"""


@pytest.fixture
def job(tmp_path):
    def make(name, source, attribute="make", dtype="float32", seconds=60):
        (tmp_path / f"{name}.py").write_text(source)
        shape = f"{{shape: N 3 H W, dtype: {dtype}}}"
        text = RULES.replace("DTYPE", shape).replace("SECONDS", f"{{seconds: {seconds}}}")
        ref = ModelRef(name, f"{name}:{attribute}")
        return Job(loads(text).contracts[0], ref, tmp_path)

    return make


def verdicts(*jobs, count=1, **options):
    found = dict(pool.run(jobs, count, **options))
    return [found[i] for i in range(len(jobs))]


def test_a_patch_reaches_no_other_model(job):
    patcher, narrow = job("patcher", PATCHER), job("narrow", NARROW)
    for count in (1, 2):
        found = verdicts(patcher, narrow, patcher, narrow, count=count)
        assert [v.word for v in found] == ["proved", "broken"] * 2
        assert found[1].counterexample == {"N": 1, "H": 8, "W": 8}


def test_a_model_runs_with_the_settings_of_its_imports(job, tmp_path):
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "late_module_of_test.py").write_text("")
    single = job("settings", SETTINGS, "Net")
    double = job("settings", SETTINGS, "Net", "float64")
    found = verdicts(single, double, double)
    assert [v.word for v in found] == ["broken", "proved", "proved"]
    assert "should be the same" in found[0].details["raises"]


def test_a_forged_message_is_an_error_of_its_own_job(job):
    forged, good = verdicts(job("forger", FORGER, "Net"), job("narrow", NARROW))
    assert (forged.word, good.word) == ("error", "broken")
    assert "the process sent no valid verdict" in forged.message


def test_memory_is_bounded(job, monkeypatch):
    monkeypatch.setattr(pool, "memory_for_each", lambda _count: 1 << 30)
    hog, good = verdicts(job("hog", HOG, "Net"), job("narrow", NARROW))
    assert (hog.word, good.word) == ("error", "broken")
    assert "MemoryError" in hog.message or "out of memory" in hog.message


def test_output_without_end_is_bounded(job, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    loud, good = verdicts(job("loud", LOUD, "Net", seconds=2), job("narrow", NARROW), grace=1)
    assert loud.message.startswith("did not finish within 2 s")
    assert len(loud.details.get("printed", "")) <= 4000
    assert good.word == "broken"
    assert not list((tmp_path / "scratch").iterdir())


def test_a_process_that_left_its_group_is_ended(job, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (verdict,) = verdicts(job("leaves", LEAVES, "Net"))
    assert verdict.word == "proved"
    for pid in (tmp_path / "left").read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


def test_a_killed_server_loses_no_verdict(job):
    jobs = [job("narrow", NARROW), job("patcher", PATCHER)] * 3
    worker = worker_module.Worker(pool.CHECK, 10.0, 1)
    try:
        words = []
        for i, each in enumerate(jobs):
            if i in (1, 4):
                os.kill(worker._server._process.pid, signal.SIGKILL)
                time.sleep(0.1)
            words.append(worker.check(each).word)
    finally:
        worker.stop()
    assert words == ["broken", "proved"] * 3


def test_without_fork_each_job_has_a_new_process(job, monkeypatch):
    monkeypatch.setattr(worker_module, "FORKS", False)
    monkeypatch.setenv("ARCHLINT_TEST_NO_FORK", "1")
    (tmp := job("patcher", PATCHER))
    assert FORKS
    assert [v.word for v in verdicts(tmp, job("narrow", NARROW))] == ["proved", "broken"]
