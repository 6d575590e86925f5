"""What is put back although the functions that put it back were replaced, or one of them fails."""

from __future__ import annotations

import builtins
import os

import pytest
import torch

from archlint.runtime.process_state import preserve_process_state


@pytest.mark.parametrize("name", ["abs", list(vars(builtins))[-1], "all", "map"])
def test_a_function_of_python_that_is_deleted_comes_back(name):
    before = vars(builtins).copy()
    with preserve_process_state():
        delattr(builtins, name)
    assert vars(builtins) == before


def test_a_step_that_fails_keeps_no_other_from_being_put_back(monkeypatch):
    def fails(_):
        raise RuntimeError("no folder")

    before = os.getcwd(), torch.get_default_dtype()

    def run():
        with preserve_process_state():
            os.chdir("/")
            monkeypatch.setattr(os, "chdir", fails)
            torch.set_default_dtype(torch.float64)
            os.environ["ARCHLINT_TEST"] = "1"

    with pytest.raises(RuntimeError, match="no folder"):
        run()
    monkeypatch.undo()
    os.chdir(before[0])
    assert torch.get_default_dtype() is before[1]
    assert "ARCHLINT_TEST" not in os.environ
