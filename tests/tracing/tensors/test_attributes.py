"""Whether a tensor is contiguous is a condition on its sizes, the same as PyTorch's answer."""

import itertools
import random

import pytest
import torch

import archlint
from archlint.contracts.contract import TensorInput
from archlint.ops.torch_versions import EMPTY_SIDES
from archlint.symbolic import symbol
from archlint.symbolic.formula import holds
from archlint.symbolic.intervals import Box
from archlint.tracing.tracer import trace
from tests.support.traced_models import Model

POINTS = [dict(zip("NHW", p, strict=True)) for p in itertools.product((1, 2, 3), (1, 2, 5), (1, 4))]


def drawn(draw):
    """A view of an image, as code, and the memory format that it is asked for."""
    steps = []
    for _ in range(draw.randint(1, 3)):
        steps.append(
            draw.choice(
                [
                    "transpose(1, 2)", "transpose(2, 3)", "transpose(1, 3)", "transpose(0, 2)",
                    "permute(0, 2, 3, 1)", "permute(0, 3, 1, 2)", "permute(3, 2, 1, 0)", "mul(2)",
                    "contiguous()", "to(memory_format=torch.channels_last)", "[:, :1]", "[:1]",
                    "[..., :1]", "[:, :, ::2]", "narrow(1, 0, 1)", "clone()", "[:, :, :1]",
                    "expand(-1, -1, -1, -1)", "reshape(x.shape)", "view(x.shape)",
                ]
            )
        )  # fmt: skip
    code = "x"
    for step in steps:
        code += step if step.startswith("[") else "." + step
    return code, draw.choice(["contiguous_format", "contiguous_format", "channels_last"])


@pytest.mark.parametrize("seed", range(40))
def test_each_path_answers_as_pytorch_does_at_all_its_sizes(seed):
    code, memory_format = drawn(random.Random(seed))
    answers = []

    def ask(x):
        return eval(code, {"x": x, "torch": torch}).is_contiguous(
            memory_format=getattr(torch, memory_format)
        )

    def forward(self, x):
        answers.append(ask(x))
        return x

    image = TensorInput((symbol("N"), 3, symbol("H"), symbol("W")))
    for env in POINTS:
        answers.clear()
        found = trace(Model(forward), image, env, Box(dict.fromkeys("NHW", (1, None))))
        assert found.outcome in ("accepted", "refused"), found.error
        if not answers:
            continue
        for other in POINTS:
            if all(holds(e.formula, other) for e in found.path.events):
                real = torch.empty(other["N"], 3, other["H"], other["W"])
                assert ask(real) == answers[0], (code, memory_format, other)


def test_contiguous_by_accident_is_a_path_of_its_own():
    def forward(self, x):
        y = x.transpose(1, 2)
        return y.view(len(y), -1) if y.is_contiguous() else y.sum()

    found = archlint.infer(Model(forward), "2 T 8")
    assert found.exact
    assert found.output(T=1) == (2, 8)
    assert found.output(T=5) == ()


@pytest.mark.parametrize("sign", ["lt", "le", "gt", "ge"])
def test_comparing_a_size_in_a_tensor_is_a_branch(sign):
    def cut(model, x):
        size = torch.tensor(x.shape[0])
        return x[:5] if getattr(torch, sign)(size, 5) and (size > 2).item() else x

    found = archlint.infer(Model(cut), "H")
    assert found.exact
    for h in range(1, 9):
        assert found.output(H=h) == tuple(cut(None, torch.zeros(h)).shape)


OFF = {
    "32 bits": lambda h: (torch.tensor(h) * 30_000_000).int() > 10,
    "of 32 bits": lambda h: (torch.tensor(h, dtype=torch.int32) * 30_000_000).long() > 10,
    "64 bits": lambda h: torch.tensor(h) * (1 << 62) > 10,
    "rounded": lambda h: torch.tensor(h) * 0 + torch.tensor(16777217.0) > 16777216,
    "of floats": lambda h: (torch.tensor(h).float() * 3e7).long() >= torch.tensor(h) * 30_000_000,
    "rounded floats": lambda h: (
        (torch.tensor(h).float() * 30000001).long() >= torch.tensor(h) * 30000001
    ),
    "bfloat16": lambda h: torch.tensor(h).bfloat16() > 256,
    "written": lambda h: torch.tensor(h).gt(10).logical_not_(),
}


@pytest.mark.parametrize("ask", OFF.values(), ids=OFF)
def test_a_number_that_a_tensor_may_not_hold_exactly_is_compared_with_care(ask):
    """The answer is as in a real run, or unknown."""

    def cut(model, x):
        return x[:1] if ask(x.shape[0]) else x

    found = archlint.infer(Model(cut), "H")
    for h in (1, 2, 3, 10, 11, 12, 71, 72, 73, 144, 256, 257, 258):
        if found.accepts(H=h) and found.exact:
            assert found.output(H=h) == tuple(cut(None, torch.zeros(h)).shape), h


STEPS = {
    "narrow": lambda x, at, length: x.narrow(1, at, length),
    "select": lambda x, at, length: x[:, at],
    "slice": lambda x, at, length: x[:, at : at + length],
    "pad": lambda x, at, length: torch.nn.functional.pad(x, (length - at, 1 - at)),
}
DRAWS = {
    "item": lambda low, high: torch.randint(low, high, (1,)).item(),
    "int": lambda low, high: int(torch.randint(low, high, ())),
    "tolist": lambda low, high: torch.randint(low, high, (3,)).tolist()[1],
    "argmax": lambda low, high: low + torch.rand(high - low).argmax().item(),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("how", DRAWS)
def test_an_element_that_values_determine_is_within_its_bounds(step, how):
    draw = random.Random(step + how)
    low = draw.randint(0, 3)
    high, length = low + draw.randint(1, 4), draw.randint(1, 4)
    run = STEPS[step]

    def accepts(size, at):
        try:
            run(torch.zeros(2, size), at, length)
        except (RuntimeError, IndexError):
            return False
        return True

    found = archlint.infer(Model(lambda self, x: run(x, DRAWS[how](low, high), length)), "N H")
    for size in range(1, 12):
        each = {accepts(size, at) for at in range(low, high)}
        known = (True,) if each == {True} else (False, None) if each == {False} else (None,)
        if step == "pad" and not EMPTY_SIDES and each == {True}:
            known = (True, None)  # how much remains depends on the sign of each pad
        assert found.accepts(N=2, H=size) in known, (size, low, high, length)


@pytest.mark.parametrize("make", [torch.tensor, torch.as_tensor])
def test_a_comparison_of_sizes_in_a_tensor(make):
    def forward(self, x):
        return x[:, 4] if make(x.shape[1] > 4) else x[:, : 1 + make(x.shape[1] == 2).item()]

    found = archlint.infer(Model(forward), "N H")
    assert found.exact, found.reasons
    assert [found.output(N=2, H=h) for h in (1, 2, 4, 5)] == [(2, 1), (2, 2), (2, 1), (2,)]
