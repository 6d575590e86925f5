"""Verdicts where the time ends before a proof, and where no real run says anything."""

import time
from dataclasses import replace

import pytest
from torch import nn

from archlint.contracts.contract import Budget
from archlint.engine.pipeline import check_source
from archlint.engine.python_contracts import contract_of, source_of


class Counted(nn.Module):
    """Knows by a file, which no run restores, whether it is traced for the first time."""

    def __init__(self, file, most=None):
        super().__init__()
        self.file, self.most = file, most

    def forward(self, x):
        first = not self.file.exists()
        self.file.touch()
        self.called(first)
        if self.most is not None and x.shape[1] > self.most:
            raise ValueError("too long")
        return x


class Late(Counted):
    def called(self, first):
        if first:
            time.sleep(30)


class NoDevice(Counted):
    def called(self, first):
        if not first:
            raise RuntimeError("Found no NVIDIA driver on your system")


def check(model, seconds, **contract):
    limited = replace(contract_of(input="N T", **contract), budget=Budget(seconds=seconds))
    with source_of(model.eval()) as source:
        return check_source(limited, source)


def test_nothing_is_proved_where_no_real_run_says_anything(tmp_path):
    verdict = check(NoDevice(tmp_path / "called"), 20, accepts="any size")
    assert verdict.word == "tested"
    assert "needs a device" in verdict.message
    assert not verdict.proof.covered


@pytest.mark.parametrize(("most", "word"), [(None, "tested"), (0, "broken"), (3, "broken")])
def test_samples_run_where_the_time_ended_before_a_proof(tmp_path, most, word):
    verdict = check(Late(tmp_path / "called", most), 1, accepts="any size")
    assert verdict.word == word
    assert "did not finish within 1 s" in str(verdict)
    assert verdict.samples.run or verdict.counterexample["T"] > most
