"""Where Python refuses a division, a root or a power of floats: beside running it at each size."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from archlint.engine.check_run import CheckRun
from archlint.engine.explore import explore_model
from archlint.engine.python_contracts import contract_of
from archlint.models.targets import from_instance


class Scaled(nn.Module):
    """Scales its input by a number that is computed from its width ``w``."""

    def __init__(self, text):
        super().__init__()
        self.code = compile(text, text, "eval")

    def forward(self, x):
        value = eval(self.code, {"math": math}, {"w": x.shape[1]})
        return x * value


def runs(model, w):
    try:
        model(torch.zeros(1, w))
    except (ArithmeticError, ValueError):
        return False
    return True


EXACT = [
    "1 / math.log(w)",
    "math.log(8, w)",
    "3 // math.log2(w)",
    "3 % math.log10(w)",
    "1 / math.log(w - 2)",
    "1 / math.log1p(w - 5)",
    "1 / (w / 5 - 1)",
    "1 / (w * 0.1)",
    "1 / math.sqrt(w)",
    "1 / max(w / 3, 2.5)",
    "2 / (w / 3 + 0.5)",
    "math.sqrt(w / 5 - 1)",
    "math.sqrt(w / 3)",
    "math.sqrt(w * 0.3)",
    "0.0 ** (w - 5)",
    "(w - 5.0) ** 2",
    "1.5 ** w",
    "1e60 ** w",
    "10.0 ** (-60 * w)",
    "0.1 ** (-100 * w)",
    "2.0 ** (60 * w)",
    "w ** 300.0",
    "w ** -0.5",
    "w ** 0.25",
]
OPEN = [
    "1 / (math.sqrt(w) - 2)",
    "1 / math.sin(w - 5)",
    "1 / math.hypot(w - 5, 0)",
    "(w / 3 - 2) ** -1.5",
]


@pytest.mark.parametrize("text", [*EXACT, *OPEN])
def test_it_is_refused_where_python_refuses_it(text):
    model = Scaled(text)
    contract = contract_of(input="1 W", accepts="any size")
    found = explore_model(CheckRun.start(contract, from_instance(model)))
    assert found.covered is (text in EXACT), found.reasons
    for w in range(1, 60):
        told = found.accepts({"W": w})
        assert told is runs(model, w) or (told is None and text in OPEN), (w, told)


def test_an_error_at_the_first_sizes_holds_for_these_only():
    contract = contract_of(input="1 W", accepts="any size")
    for text in ("1e300 * math.exp(w * 0.1)", "math.exp(w * 2)", "math.sqrt(6.5 - math.sqrt(w))"):
        model = Scaled(text)
        found = explore_model(CheckRun.start(contract, from_instance(model)))
        assert all(found.accepts({"W": w}) in (None, runs(model, w)) for w in range(1, 500)), text
