"""The process that an exported model may end: how its end is reported, and what runs next."""

import json
import os
import time

import numpy
import pytest

from archlint.engine.artifact.artifact_process import ArtifactProcess
from archlint.errors import ArchlintError
from archlint.runtime.forks import FORKS

RUNTIME = """
import json, os, signal, threading, time
import numpy

__version__ = "0"
IMPORTED = os.getpid()

class SessionOptions:
    pass

class Input:
    name, shape, type = "x", None, "tensor(float)"

class InferenceSession:
    def __init__(self, path, options, providers):
        if json.load(open(path)).get("load") == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)

    def get_inputs(self):
        return [Input]

    def get_outputs(self):
        return []

    def run(self, _, feeds):
        how = int(feeds["x"][0])
        if how == 1:
            os.kill(os.getpid(), signal.SIGFPE)
        if how == 2:
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGSEGV)).start()
        if how == 3:
            time.sleep(600)
        return [numpy.array([os.getpid(), IMPORTED])]
"""


@pytest.fixture
def process(tmp_path, monkeypatch):
    """A process with a stand-in for onnxruntime, whose input says what it does."""
    (tmp_path / "onnxruntime.py").write_text(RUNTIME)
    paths = [str(tmp_path), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
    (tmp_path / "net.onnx").write_text("{}")
    with ArtifactProcess("onnxruntime", tmp_path / "net.onnx", 60.0) as process:
        yield process


def run(process, how):
    answer = process.run([numpy.array([how], numpy.float32)], reused=False)
    return answer.ended or [int(n) for n in answer.outputs[0]]


def test_a_crash_and_the_runs_after_it(process):
    first, imported = run(process, 0)
    assert run(process, 1) == "process ended with SIGFPE"
    second, again = run(process, 0)
    assert second != first
    assert not FORKS or again == imported, "the runtime was imported twice"
    assert run(process, 0)[0] == second


def test_a_crash_between_two_runs(process):
    """It is reported at the next run, whose answer is not mixed up with those after it."""
    first, _ = run(process, 2)
    time.sleep(1)
    assert run(process, 0) == "process ended with SIGSEGV"
    second, _ = run(process, 0)
    assert second != first
    assert run(process, 0)[0] == second


def test_restarts(process):
    first, imported = run(process, 0)
    process.restart()
    process.restart()
    second, again = run(process, 0)
    assert second != first
    assert not FORKS or again == imported, "the runtime was imported twice"


def test_no_answer_in_time(process):
    first, imported = run(process, 0)
    process._seconds = 1.0
    assert run(process, 3) == "no answer within 1 s"
    for pid in {first, imported}:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    process._seconds = 60.0
    assert run(process, 0)[0] != first


def test_a_crash_of_the_load(process, tmp_path):
    (tmp_path / "net.onnx").write_text(json.dumps({"load": "crash"}))
    with pytest.raises(
        ArchlintError, match=r"net\.onnx: process ended with SIGSEGV while it was lo"
    ):
        process.load()
