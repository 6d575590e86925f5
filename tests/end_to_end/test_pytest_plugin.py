"""Models, options and plugins that could disturb a session of pytest."""

import os
import random
import sys
from textwrap import dedent

import pytest
import torch

from tests.support.pytest_runs import (
    BREAKS,
    HOLDS,
    NETS,
    contract,
    imported_once,
    pytest_in_process,
)

pytest_plugins = ["pytester"]


@pytest.fixture(scope="module", autouse=True)
def _warm():
    imported_once()


@pytest.fixture
def run(pytester):
    return pytest_in_process(pytester)


def test_models_hurt_their_own_item_only(run):
    body = "input: N 8\naccepts: any N\nbudget: {seconds: 1}"
    files = {
        "a.archlint.yaml": contract(body, "nets:Hangs"),
        "b.archlint.yaml": contract(body, "nets:Leaves"),
        "c.archlint.yaml": contract(body, "nets:Dirty"),
        "d.archlint.yaml": contract(body, "nets:Interrupted"),
        "e.archlint.yaml": HOLDS,
    }
    before = (torch.get_rng_state(), random.getstate(), dict(os.environ), sys.path.copy())
    result = run("-v", files=files)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert "DIRTY" not in os.environ
    assert "/nowhere" not in sys.path
    assert before[2].keys() - os.environ.keys() <= {"PYTEST_CURRENT_TEST"}
    assert torch.get_default_dtype() is torch.float32
    assert torch.is_grad_enabled()
    result.stdout.fnmatch_lines(
        [
            "a.archlint.yaml::c[[]m[]] ERROR*",
            "b.archlint.yaml::c[[]m[]] *",
            "c.archlint.yaml::c[[]m[]] PASSED*",
            "d.archlint.yaml::c[[]m[]] ERROR*",
            "e.archlint.yaml::any-batch[[]head[]] PASSED*",
            "  reason     did not finish within 1 s; it was at nets.py:*",
        ]
    )
    assert "b.archlint.yaml::c[m] PASSED" not in result.stdout.str()
    assert "hello from the model" not in result.stdout.str()


@pytest.mark.slow
def test_a_shorter_time_limit_of_pytest_timeout_comes_first(run):
    pytest.importorskip("pytest_timeout")
    rules = contract("input: N 8\naccepts: any N", "nets:Hangs")
    result = run("--timeout=4", "-p", "timeout", files={"archlint.yaml": rules})
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*Timeout*4.0s*"])


def test_pdb_opens_in_the_model(run):
    debugger = """
    class Recorder:
        def __init__(self, *args, **kwargs): pass
        def reset(self): pass
        def interaction(self, frame, raised, *more):
            at = getattr(raised, "__traceback__", raised)  # an exception since Python 3.13
            while at.tb_next: at = at.tb_next
            print("OPENED AT", at.tb_frame.f_code.co_name)
    """
    nets = (
        NETS + "\nclass Strict(nn.Module):\n    def forward(self, image):\n        "
        "assert image.shape[1] == 8\n        return image\n"
    )
    files = {"recorder.py": dedent(debugger), "nets.py": nets}
    files["archlint.yaml"] = contract("input: N F\naccepts: any F", "nets:Strict")
    result = run("--pdb", "--pdbcls=recorder:Recorder", files=files)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*OPENED AT forward*"])


def test_warnings_as_errors_do_not_reach_the_engine(run):
    result = run(
        "-W", "error", "--strict-config", "--import-mode=importlib", files={"archlint.yaml": HOLDS}
    )
    result.assert_outcomes(passed=1)


def test_from_a_subdirectory_and_with_another_rootdir(run, pytester, monkeypatch):
    files = {"contracts/x.archlint.yaml": HOLDS, "sub/y.archlint.yaml": BREAKS, "away/a.txt": ""}
    files["pyproject.toml"] = "[tool.pytest.ini_options]\n"
    run("--rootdir", "away", "contracts", files=files).assert_outcomes(passed=1)
    monkeypatch.chdir(pytester.path / "sub")
    result = run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["rootdir: *", "y.archlint.yaml:5  BROKEN *"])
    run("../contracts/x.archlint.yaml").assert_outcomes(passed=1)
