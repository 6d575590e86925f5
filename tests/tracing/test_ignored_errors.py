"""What compiled code raises outside of the tracer is not the model's refusal."""

import subprocess
import sys

import pytest
import torch

import archlint
from archlint.tracing.ignored_errors import reason_to_ignore
from tests.support.traced_models import Model


def raised(call):
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError


def raise_it():
    raise RuntimeError("the model's own")


def change_while_iterating():
    entries = {1: 2}
    for key in entries:
        entries[key + 1] = 3


@pytest.mark.parametrize(
    ("call", "ignored"),
    [
        (raise_it, False),
        (lambda: (_ for _ in ()).throw(RuntimeError("thrown")), True),
        (change_while_iterating, True),
        (lambda: torch.ones(2).view(3), True),
        (lambda: [][1], False),
        (lambda: None + 1, False),
    ],
)
def test_only_a_runtime_error_without_a_raise_is_ignored(call, ignored):
    assert bool(reason_to_ignore(raised(call))) is ignored


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("samples", [0, 8])
@pytest.mark.parametrize(
    "forward",
    [
        lambda self, x: torch.jit.script(_first_four)(x),
        lambda self, x: torch.func.jvp(torch.sin, (x,), (torch.ones_like(x),))[1],
        lambda self, x: torch.from_dlpack(x),
        lambda self, x: torch.from_numpy(x.numpy()),
    ],
)
def test_compiled_code_is_never_a_violation(forward, samples):
    verdict = archlint.check(
        Model(forward).eval(), "N T", accepts="any N, T >= 1", output=None, samples=samples
    )
    assert verdict.word in ("tested", "error", "proved")


COMPILING = """
import torch
from torch._higher_order_ops.while_loop import while_loop

import archlint

class Model(torch.nn.Module):
    def __init__(self, ask):
        super().__init__()
        self.ask = ask

    def forward(self, x):
        return self.ask(x)

def doubled(x):
    return while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * 2), (torch.tensor(0), x))[1]

for ask in (
    lambda x: torch.cond(x.sum() > 0, torch.sin, torch.cos, (x,)),
    lambda x: torch.cond(x.shape[1] > 3, torch.sin, torch.cos, (x,)),
    doubled,
):
    for samples in (0, 8):
        model = Model(ask).eval()
        print(archlint.check(model, "N T", accepts="any N, T >= 1", samples=samples).word)
"""


def test_functions_that_are_compiled_are_never_a_violation():
    """In a process of its own: the compiler leaves PyTorch changed."""
    ran = subprocess.run([sys.executable, "-c", COMPILING], capture_output=True, text=True)
    words = ran.stdout.split()
    assert len(words) == 6, ran.stderr
    assert set(words) <= {"tested", "error", "proved"}


def _first_four(x: torch.Tensor) -> torch.Tensor:
    return x[:, :4] if x.shape[1] > 4 else x
