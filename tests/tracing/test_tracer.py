"""The tracer: what it sees of a model, what it says of each call, and what it refuses to guess."""

from __future__ import annotations

import functools
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import archlint
from archlint.symbolic.intervals import Box
from archlint.tracing.trace import dims_of
from archlint.tracing.tracer import trace
from tests.support.traced_models import BOX, IMAGE, SIZES, H, Model, N, W, run


def test_sizes_are_formulas_of_the_input():
    def forward(self, x):
        n, c, h, w = x.shape
        assert isinstance(h, torch.SymInt)
        assert isinstance(x, torch.Tensor)
        return x.reshape(n, c * (h // 2), 2 * w)

    found = run(forward)
    assert found.outcome == "accepted"
    assert dims_of(found.output) == (N, 3 * (H // 2), 2 * W)
    (need,) = [e for e in found.path.events if e.kind == "claim"]
    assert need.held
    assert not need.formula.evaluate({"N": 1, "H": 3, "W": 1})
    assert need.formula.evaluate({"N": 1, "H": 4, "W": 1})


def test_a_branch_on_a_size_is_a_condition_and_the_hint_decides_the_way():
    def forward(self, x):
        return x.mean(1) if x.shape[2] % 7 else x

    for height in (20, 21):
        found = run(forward, sizes={**SIZES, "H": height})
        (branch,) = found.path.events
        assert branch.kind == "branch"
        assert branch.formula.evaluate({"H": height})
        assert not branch.formula.evaluate({"H": 41 - height})
        assert len(dims_of(found.output)) == (3 if height % 7 else 4)


def test_what_the_box_settles_is_not_asked():
    def forward(self, x):
        return x if x.shape[2] >= 16 else x.mean(1)

    assert (
        run(forward, box=Box({"N": (1, None), "H": (16, None), "W": (1, None)})).path.events == []
    )
    assert len(run(forward).path.events) == 1


def test_a_refused_claim_names_layer_operator_and_line():
    def forward(self, x):
        return self.head(x.flatten(1))

    found = run(forward, head=nn.Linear(100, 7))
    assert found.outcome == "refused"
    event = found.path.events[-1]
    assert not event.held
    call = found.calls[event.call]
    assert (call.module, call.op) == ("head", "linear")
    assert call.source.startswith(__file__ + ":")
    assert "100" in event.needs()
    assert "1440" in event.gets(SIZES)


def test_pytorchs_own_python_is_looked_into():
    attention = nn.MultiheadAttention(8, 2, batch_first=True).eval()

    def forward(self, x):
        tokens = self.project(x).flatten(2).transpose(1, 2)
        return self.attention(tokens, tokens, tokens)[0]

    found = run(forward, project=nn.Conv2d(3, 8, 4, 4), attention=attention)
    assert found.outcome == "accepted", found.error
    assert dims_of(found.output) == (N, (H // 4) * (W // 4), 8)
    assert found.kernels == {}


def test_a_call_with_out_is_left_to_its_kernel():
    def into(self, x):
        return torch.mul(x, 2, out=torch.empty(2, 3, 4, 4))

    trace = run(into, sizes={"N": 2, "H": 4, "W": 4})
    assert not trace.faults
    without = run(lambda self, x: torch.matmul(x, x.transpose(-1, -2), out=None))
    assert without.outcome == "accepted"
    assert without.kernels == {}


def test_a_limit_that_is_a_tensor_beside_a_number():
    def forward(self, x):
        return x.clamp(0, x.amax()).clamp_(x.mean(), 1)

    found = run(forward)
    assert found.outcome == "accepted", found.error
    assert dims_of(found.output) == (N, 3, H, W)
    assert found.kernels == {}


@pytest.mark.parametrize(
    "forward",
    [
        lambda self, x: torch.arange(x.sum()),
        lambda self, x: torch.full((2, 3), x.sum()),
        lambda self, x: F.leaky_relu(x, x.amax()),
        lambda self, x: torch.tensor([x.amax(), 2.0]),
    ],
)
def test_a_tensor_taken_for_a_number_is_no_refusal(forward):
    forward(None, torch.ones(SIZES["N"], 3, SIZES["H"], SIZES["W"]))
    found = run(forward)
    assert found.outcome == "unknown"
    assert "depends on tensor values: it takes a tensor for a number" in found.error


def test_an_integer_that_is_not_known_is_needed_as_a_size():
    found = run(lambda self, x: x.view(x.sum().long(), -1))
    assert (found.outcome, "value of a tensor is needed" in found.error) == ("unknown", True)


@pytest.mark.parametrize(
    "forward",
    [
        lambda self, x: torch.add(x, x, alpha=x.amax()),
        lambda self, x: x.roll(x.sum().long(), 1),
        lambda self, x: torch.addcmul(x, x, x, value=x.amax()),
    ],
)
def test_a_tensor_taken_for_a_number_that_sizes_do_not_depend_on(forward):
    found = run(forward)
    assert found.outcome == "accepted", found.error
    assert dims_of(found.output) == (N, 3, H, W)


def test_what_is_asked_of_sizes_alone_is_no_call():
    def forward(self, x):
        h, w = x.shape[2:]
        least = torch.sym_min(h, w)
        assert torch.sym_float(h) / 2 > 0
        return x[:, :, : torch.sym_int(least / 2), : torch.sym_max(h // 2, w // 2)]

    for rules in (True, False):
        found = run(forward, rules=rules)
        assert found.outcome == "accepted", found.error
        assert not [c for c in found.calls if "sym" in c.op]
    assert run(forward).kernels == {}
    assert dims_of(run(forward).output)[2].evaluate({"H": 9, "W": 7}) == 3


def test_without_rules_a_method_that_goes_on_by_super_is_left_to_its_kernel():
    def forward(self, x):
        return x.unflatten(1, (3, 1)).flatten(3)

    ruled, bare = run(forward), run(forward, rules=False)
    assert bare.outcome == "accepted", bare.error
    assert dims_of(bare.output) == dims_of(ruled.output) == (N, 3, 1, H * W)


@pytest.mark.parametrize(
    ("forward", "words"),
    [
        (lambda self, x: x[: int(x.sum().item())], "the value of a tensor is needed"),
        (lambda self, x: x if x.sum() > 0 else -x, "the value of a tensor is needed"),
        (lambda self, x: x.nonzero()[0], "values (nonzero) determine whether"),
        (lambda self, x: x[x > 0].max(), "values (a mask) determine whether"),
        (lambda self, x: sum(row for row in x[x > 0]), "determine how often the model loops"),
    ],
)
def test_values_are_never_guessed(forward, words):
    found = run(forward)
    assert found.outcome == "unknown"
    assert words in found.error
    assert "test_tracer.py:" in found.source


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_scripted_code_that_a_model_makes_is_refused_by_name():
    class Inner(nn.Module):
        def forward(self, x):
            return x + 1

    found = run(lambda self, x: torch.jit.script(Inner())(x))
    assert found.outcome == "unknown"
    assert "compiled TorchScript" in found.error


def test_an_exception_of_user_code_is_the_models():
    def forward(self, x):
        if x.shape[2] % 14:
            raise ValueError("sides in steps of 14, please")
        return x

    found = run(forward)
    assert found.outcome == "raised"
    assert found.error == "ValueError: sides in steps of 14, please"
    assert "test_tracer.py:" in found.source


def test_known_values_end_where_memory_is_written():
    table = nn.Embedding(8, 2)

    def reads(self, x):
        return self.table(torch.arange(x.shape[2]))

    def writes(self, x):
        ids = torch.arange(x.shape[2])
        ids.view(-1).add_(100)
        return self.table(ids)

    def writes_through_an_alias(self, x):
        ids = torch.empty(x.shape[2], dtype=torch.int64)
        before = ids.view(-1)
        ids.copy_(torch.arange(x.shape[2]))
        after = ids[:]
        before.fill_(1000)
        return self.table(after)

    assert [e.formula for e in run(reads, sizes={**SIZES, "H": 5}, table=table).path.events]
    found = run(writes_through_an_alias, sizes={**SIZES, "H": 5}, table=table)
    assert found.path.caveats
    assert not found.path.events
    assert run(reads, sizes={**SIZES, "H": 5}, table=table).path.caveats == []
    assert run(writes, sizes={**SIZES, "H": 5}, table=table).path.caveats


def test_python_arithmetic_on_sizes():
    def forward(self, x):
        h = x.shape[2]
        sizes = (math.ceil(h / 3), h // 3 + min(h, 5), max(h * 2, 7), round(h / 3), abs(-h))
        return [torch.zeros(size) for size in sizes]

    found = run(forward)
    assert found.outcome == "accepted", found.error
    for height in (20, 23):
        asked = {"H": height}
        got = [d.evaluate(asked) for (d,) in dims_of(found.output)]
        h = height
        assert got == [math.ceil(h / 3), h // 3 + min(h, 5), max(h * 2, 7), round(h / 3), h]


def test_plain_numbers_run_the_same_engine():
    def forward(self, x):
        assert type(x.shape[2]) is int
        return F.interpolate(x, scale_factor=0.5)

    found = trace(Model(forward), IMAGE, SIZES, BOX, symbolic=False)
    assert dims_of(found.output) == (2, 3, 10, 12)
    assert found.path.events == []


def test_the_call_of_modules_and_modes_are_restored():
    before = torch.nn.Module.__call__
    run(lambda self, x: 1 / 0)
    assert torch.nn.Module.__call__ is before
    assert torch.is_grad_enabled()
    assert type(torch.zeros(1)) is torch.Tensor


def test_memory_that_is_exchanged_is_not_followed():
    steps = torch.arange(4)

    def forward(self, x):
        steps.data = steps.data + x.shape[2]
        return x

    found = run(forward)
    assert found.outcome == "unknown"
    assert found.error == "a tensor gets other memory (.data = …)"


def test_elements_of_several_are_not_asked_one_by_one():
    counts = torch.zeros(4, dtype=torch.long)

    def forward(self, x):
        counts[0] = x.shape[2]
        return x[: len(counts.tolist())]

    found = run(forward)
    assert found.outcome == "unknown"
    assert "tolist()" in found.error


@pytest.mark.parametrize(
    ("limit", "forward", "reason"),
    [
        (
            "archlint.tracing.tracer.MOST_CALLS",
            lambda self, x: functools.reduce(lambda y, _: y.relu(), [0] * 9, x),
            "the path has more than 8 calls of operators",
        ),
        (
            "archlint.tracing.loops.segments._MOST_ITEMS",
            lambda self, x: sorted(x.unbind(2), key=id)[0],
            "a loop goes through more than 8 tensors",
        ),
    ],
)
def test_a_run_that_would_fill_the_memory_ends(monkeypatch, limit, forward, reason):
    monkeypatch.setattr(limit, 8)
    found = archlint.infer(Model(forward), "N 3 H W")
    assert any(reason in each for each in found.reasons), found.reasons
