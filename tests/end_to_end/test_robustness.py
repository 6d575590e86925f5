"""Models that misbehave: each gives its own contract a clear answer, the others keep theirs.

``robustness/models.py`` says what each does; one command decides them all, in one rule file.
"""

import json
import subprocess
import sys

import pytest
import torch

from tests import REPO

pytestmark = pytest.mark.slow

FOLDER = REPO / "tests" / "robustness"

SAID = {  # verdict, and words of its message
    "RaisesWhenBuilt": ("error", "could not be built: ValueError: no classes given (models.py:"),
    "not_a_module": ("error", "returned a dict; expected an nn.Module"),
    "Prints": ("proved", ""),
    "ExitsWhenBuilt": ("error", "it calls sys.exit (SystemExit: 0 (models.py:"),
    "ExitsWhenRun": ("error", "it calls sys.exit (SystemExit: no more) at models.py:"),
    "NeedsGpu": ("error", "could not be built: "),
    "NeedsGpuWhenRun": ("error", "it needs a device that this machine does not have ("),
    "ReturnsText": ("error", "the model returns a str; expected tensors"),
    "ReturnsNothing": ("error", "the model returns None; expected tensors"),
    "DependsOnValues": ("broken", "IndexError: index 0 is out of bounds"),
    "BranchesOnValues": ("tested", "the value of a tensor is needed"),
    "ShrinksItsWindow": ("proved", ""),
    "CountsItsCalls": ("proved", ""),
    "scripted": ("proved", ""),
    "Dies": ("error", "the process exited with code 7 while checking any-photo · Dies"),
    "ChangesTheWorld": ("tested", "values (random.randrange) determine a number"),
    "ForgetsSuper": ("error", "before Module.__init__() call (models.py:"),
    "RecursesForever": ("broken", "RecursionError"),
    "WantsMuchMemory": ("error", "not enough memory ("),
    "good": ("proved", ""),
    "Loops": ("error", "did not finish within 1 s; it was at models.py:"),
    "LoopsWhenBuilt": ("error", "did not finish within 1 s; it was at models.py:"),
    "LoopsUnstoppably": ("error", "did not finish within 1 s; last seen in forward, models.py:"),
    "Missing": ("error", "models.py has no 'Mising'"),
    "MissingFile": ("error", "there is no file model.py; did you mean models.py?"),
    "MissingModule": ("error", "there is no module no_such_module"),
}


@pytest.fixture(scope="module")
def done():
    command = [sys.executable, "-m", "archlint", "check", "rules.yaml", "--format", "json"]
    return subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=180)


@pytest.fixture(scope="module")
def verdicts(done):
    return {(v["contract"], v["model"]): v for v in json.loads(done.stdout)["verdicts"]}


def test_something_could_not_be_run(done):
    assert (done.returncode, done.stderr) == (2, "")


@pytest.mark.parametrize("model", SAID)
def test_each_has_its_own_answer(model, verdicts):
    if "Gpu" in model and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    word, words = SAID[model]
    contract = "in-time" if model.startswith("L") else "any-photo"
    verdict = verdicts[contract, model]
    assert (verdict["verdict"], verdict["model"]) == (word, model)
    assert words in verdict["message"]


def test_the_good_one_is_proved_and_run_to_the_last(verdicts):
    verdict = verdicts["still-good", "good"]
    assert verdict["verdict"] == "proved"
    assert verdict["samples"]["run"] == 8


def test_there_is_nothing_else(verdicts):
    assert len(verdicts) == len(SAID) + 1
