"""The real model runs where it was inferred to accept and to refuse, and must agree."""

import traceback

import pytest
from torch import nn

import archlint


class Lies(nn.Module):
    """Its real runs differ from its traces by ``real``."""

    def __init__(self, traced, real):
        super().__init__()
        self.steps = traced, real

    def forward(self, x):
        files = [frame.filename for frame in traceback.extract_stack()]
        return self.steps[0 if any("tracing" in f for f in files) else 1](x)


def narrow(x):
    return nn.functional.max_pool2d(x, 4)


def other_output(x):
    return narrow(x)[:, :1]


def identity(x):
    return x


def paired(x):
    return x.reshape(-1, (x.shape[2] - 1) * 2)  # beyond its refusal, a division by zero


def refuse(x):
    raise ValueError("never")


@pytest.mark.parametrize(
    ("model", "ran"),
    [
        (nn.MaxPool2d(4), ("N=1 H=4 W=4 (accepted)", "N=1 H=1 W=1 (refused)")),
        (nn.ReLU(), ("N=1 H=1 W=1 (accepted)",)),
        (nn.Conv2d(4, 4, 1), ("N=1 H=1 W=1 (refused)",)),
        (Lies(paired, paired), ("N=1 H=2 W=1 (accepted)", "N=1 H=1 W=1 (refused)")),
        (Lies(narrow, narrow), ("N=1 H=4 W=4 (accepted)", "N=1 H=1 W=1 (refused)")),
    ],
)
def test_the_result_names_where_the_model_ran(model, ran):
    found = archlint.infer(model, "N 3 H W")
    assert found.exact
    assert found.ran == found.entry().ran == ran


@pytest.mark.parametrize(
    ("traced", "real", "why"),
    [
        (narrow, refuse, "N=1 H=4 W=4 is accepted, but the model raised ValueError: never"),
        (narrow, identity, "gives (1, 3, 1, 1), but the model gives (1, 3, 4, 4)"),
        (narrow, other_output, "but the model gives (1, 1, 1, 1)"),
        (refuse, identity, "N=1 H=1 W=1 is refused"),
    ],
)
def test_where_the_model_disagrees_the_result_is_not_exact(traced, real, why):
    found = archlint.infer(Lies(traced, real), "N 3 H W")
    assert not found.exact
    assert any(why in reason for reason in found.reasons), found.reasons
