"""An interrupt at any step leaves the next answer, and the user's own model, as they were."""

from __future__ import annotations

import signal
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import archlint
from archlint.runtime.uninterruptible import is_uninterrupted

TABLE: dict[object, object] = {}


class Stateful(nn.Module):
    """Writes to a module, a class and a global variable, and branches on a size."""

    calls = 0

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 3, 2)
        self.last = None

    def forward(self, x):
        Stateful.calls += 1
        TABLE[x.shape[2]] = x
        self.last = x
        y = F.local_response_norm(self.conv(x), 3)
        return y.mean((2, 3)) if x.shape[2] > 5 else y


def interrupted(step, every):
    """Run ``infer``; send Ctrl-C after ``step * every`` lines of archlint, where a limit may ring.

    A time limit waits while archlint restores what a run wrote.
    """
    count = 0

    def trace(frame, event, arg):
        nonlocal count
        if "/archlint/" not in frame.f_code.co_filename:
            return None
        if event == "line":
            count += 1
            if count >= step * every and not is_uninterrupted():
                count = -sys.maxsize
                signal.raise_signal(signal.SIGINT)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        archlint.infer(MODEL, "N 2 H W")
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


MODEL = Stateful().eval()


@pytest.mark.slow
def test_an_interrupt_at_any_step_changes_no_later_answer():
    image = torch.ones(1, 2, 4, 4)
    right, output = repr(archlint.infer(MODEL, "N 2 H W")), MODEL(image)
    Stateful.calls, MODEL.last = 0, None
    TABLE.clear()
    step = 0
    while interrupted(step := step + 1, every=1499):
        assert (Stateful.calls, MODEL.last, TABLE) == (0, None, {}), step
        assert torch.equal(MODEL(image), output), step
        Stateful.calls, MODEL.last = 0, None
        TABLE.clear()
        assert repr(archlint.infer(MODEL, "N 2 H W")) == right, step
        if step == 60:
            break
    assert step > 10
