"""The environment, context variables and the default dtype, compared and put back."""

from __future__ import annotations

import contextvars
import os

import torch

from archlint.runtime.surroundings import Surroundings

VARIABLE = contextvars.ContextVar("seen", default=0)


def test_what_is_changed_is_seen_and_put_back(monkeypatch):
    monkeypatch.setenv("ARCHLINT_TEST_SEEN", "0")
    before = Surroundings()
    assert not before.changed()
    os.environ["ARCHLINT_TEST_SEEN"] = "1"
    assert before.changed()
    before.restore()
    assert os.environ["ARCHLINT_TEST_SEEN"] == "0"
    assert not before.changed()
    torch.set_default_dtype(torch.float64)
    assert before.changed()
    before.restore()
    assert torch.get_default_dtype() is torch.float32


def test_a_context_variable_is_seen():
    def run():
        before = Surroundings()
        VARIABLE.set(1)
        return before.changed()

    assert contextvars.copy_context().run(run)
    assert not Surroundings().changed()
