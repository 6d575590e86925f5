"""Checks in several threads: right answers, and the process as it was before."""

from __future__ import annotations

import functools
import gc
import os
import random
import signal
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import archlint

TIMES = 10
FIXES = 2  # times that fixes are searched, which takes seconds for each broken contract


class Halves(nn.Module):
    """Accepts even H and W only; prints, warns and changes settings as it runs."""

    def forward(self, x):
        print("forward", flush=True)
        warnings.warn("odd", stacklevel=1)
        torch.set_default_dtype(torch.float64)
        os.environ["ARCHLINT_TEST_THREADS"] = "1"
        random.seed(0)
        return F.pixel_unshuffle(x, 2)


class Flat(nn.Module):
    """Accepts 16 pixels only."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3 * 16, 2)

    def forward(self, x):
        return self.linear(x.flatten(1))


@functools.cache
def half(size):
    return size // 2


class Remembers(nn.Module):
    """Accepts H, W >= 2; calls a cached function, ``int`` and ``max`` with sizes."""

    def forward(self, x):
        return F.adaptive_avg_pool2d(x, (half(x.shape[2]), max(int(x.shape[3] / 2), 1)))


def process_state():
    return {
        "stdout": sys.stdout,
        "stderr": sys.stderr,
        "stdin": sys.stdin,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
        "path": list(sys.path),
        "recursion": sys.getrecursionlimit(),
        "filters": list(warnings.filters),
        "showwarning": warnings.showwarning,
        "gc": gc.isenabled(),
        "random": random.getstate(),
        "alarm": signal.getsignal(signal.SIGALRM),
        "call": (nn.Module.__call__, nn.Module.__call__.__code__),
        "hooks": (
            dict(nn.modules.module._global_forward_hooks),
            dict(nn.modules.module._global_forward_pre_hooks),
        ),
        "hash": torch.SymInt.__hash__,
        "cached": half,
        "names": {n: globals().get(n) for n in ("int", "float", "max", "min", "len")},
        "dtype": torch.get_default_dtype(),
        "grad": torch.is_grad_enabled(),
        "threads": torch.get_num_threads(),
        "generator": torch.get_rng_state().tolist(),
    }


HALVES, FLAT, REMEMBERS = Halves(), Flat(), Remembers()
QUESTIONS = [
    (HALVES, "any H % 2 == 0 and W % 2 == 0", "proved"),
    (HALVES, "any H, W >= 1", "broken"),
    (FLAT, "any H == 4 and W == 4", "proved"),
    (FLAT, "any H, W >= 3", "broken"),
    (REMEMBERS, "any H, W >= 2", "proved"),
]


def answers(questions, fixes):
    """The words of the verdicts; without fixes, no model of a broken contract runs."""
    return [
        archlint.check(m, "N 3 H W", accepts=a, samples=int(fixes or word == "proved")).word
        for m, a, word in questions
    ]


@pytest.mark.slow
def test_two_threads_answer_right_and_leave_the_process_as_it_was():
    before = process_state()
    for time in range(TIMES):
        with ThreadPoolExecutor(2) as pool:
            start = threading.Barrier(2)

            def run(questions, start=start, fixes=time < FIXES):
                start.wait()
                return answers(questions, fixes)

            both = [pool.submit(run, q) for q in (QUESTIONS, QUESTIONS[::-1])]
            found = [future.result() for future in both]
        assert found == [[w for *_, w in QUESTIONS], [w for *_, w in QUESTIONS[::-1]]]
        assert process_state() == before


def test_other_threads_are_not_part_of_the_trace():
    """A thread of the caller's own that runs modules meanwhile is neither traced nor disturbed."""
    stop, errors, rounds = threading.Event(), [], []
    other = nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU())

    def work():
        try:
            while not stop.is_set():
                with torch.no_grad():
                    other(torch.zeros(1, 3, 8, 8))
                rounds.append(1)
        except BaseException as e:
            errors.append(e)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        verdict = archlint.check(Flat(), "N 3 H W", accepts="any H, W >= 3", samples=0)
    finally:
        stop.set()
        thread.join()
    assert not errors
    assert rounds
    assert verdict.counterexample == {"N": 1, "H": 3, "W": 3}
    assert any("linear" in str(text) for text in verdict.details.values())


def test_a_check_inside_a_model_leaves_the_outer_one_right():
    """The state of a run is its own: an inner check does not end or change the outer one."""

    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.words = []

        def forward(self, x):
            torch.rand(3)
            self.words.append(bool(x.shape[2] > 4))
            return F.pixel_unshuffle(x, 2)

    verdict = archlint.check(Outer(), "N 3 H W", accepts="any H, W >= 1", samples=0)
    assert verdict.word == "broken"


def test_a_thread_of_the_model_can_end_the_run():
    """An error that only a worker thread of the model saw still keeps the verdict honest."""

    class Threaded(nn.Module):
        def forward(self, x):
            def work():
                try:
                    return torch.relu(x)
                except BaseException:
                    return None

            with ThreadPoolExecutor(1) as pool:
                done = pool.submit(work).result()
            return x if done is None else torch.cat([x, x], 1)

    verdict = archlint.check(
        Threaded(), "N 3 H W", accepts="any H, W >= 1", output="N 3 H W", samples=0
    )
    assert verdict.word not in ("proved", "broken")
