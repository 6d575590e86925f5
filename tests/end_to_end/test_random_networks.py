"""Small random networks, inferred and then run at every size of a box: the sets must be equal."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from archlint.contracts.contract import Budget, Contract, SizeClause, TensorInput
from archlint.engine.check_run import CheckRun
from archlint.engine.explore import explore_model
from archlint.models.targets import from_instance
from archlint.symbolic import evaluate, symbol
from archlint.tracing.trace import dims_of
from tests.support.examples import examples

BOX = [(n, h, w) for n in (1, 2) for h in range(1, 15) for w in (1, 2, 3, 5, 8, 11, 14)]


class Lambda(nn.Module):
    """A step written as a function, with its source for the failure report."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.step = eval(f"lambda x: {text}", {"torch": torch, "F": F, "math": math})

    def forward(self, x):
        return self.step(x)

    def extra_repr(self):
        return self.text


class Skip(nn.Module):
    """``body(x)`` joined with ``x`` by addition or concatenation."""

    def __init__(self, body: nn.Module, join: str) -> None:
        super().__init__()
        self.body, self.join = body, join

    def forward(self, x):
        y = self.body(x)
        return x + y if self.join == "add" else torch.cat([x, y], 2)


class Depends(nn.Module):
    """Takes one of two ways, by the size."""

    def __init__(self, text: str, then: nn.Module, other: nn.Module) -> None:
        super().__init__()
        self.text, self.then, self.other = text, then, other
        self.asks = eval(f"lambda h, w: {text}", {"math": math})

    def forward(self, x):
        return self.then(x) if self.asks(x.shape[-2], x.shape[-1]) else self.other(x)

    def extra_repr(self):
        return self.text


C = 4
COMPARED = ["<", "<=", "==", "!=", ">"]
windows = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2))
convs = st.builds(
    lambda k, s, p, d: nn.Conv2d(C, C, k, s, p, d),
    *[st.integers(1, 4), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2)],
)
pools = st.builds(
    lambda k, s, ceil, avg: (nn.AvgPool2d if avg else nn.MaxPool2d)(k, s, k // 2, ceil_mode=ceil),
    st.integers(1, 3), st.integers(1, 3), st.booleans(), st.booleans(),
)  # fmt: skip
steps = st.sampled_from(
    [
        "x.relu()",
        "x.transpose(2, 3)",
        "x.permute(0, 1, 3, 2).contiguous()",
        "F.pad(x, (1, 0, 0, 2))",
        "F.pad(x, (1, 1, 1, 1), mode='reflect')",
        "F.pad(x, (-1, 0, 0, -1))",
        "F.interpolate(x, scale_factor=2.0)",
        "F.interpolate(x, size=(7, x.shape[3]), mode='bilinear')",
        "F.interpolate(x, size=(x.shape[2] // 2, x.shape[3]))",
        "x[:, :, ::2]",
        "x[:, :, 1:]",
        "x[:, :, 3]. unsqueeze(2)",
        "x[:, :, -5:, :4]",
        "F.pixel_unshuffle(x, 2)[:, :4]",
        "torch.cat(x.chunk(2, dim=2), dim=3)",
        "torch.cat([a.mean(2, keepdim=True) for a in x.split(3, dim=2)], dim=2)",
        "x.roll(x.shape[2] // 3, 2)",
        "x + torch.zeros(5, 1)",
        "x * torch.ones(x.shape[2], 1)",
        "x.reshape(x.shape[0], 4, -1, 3)",
        "x.view(x.shape[0], 4, x.shape[2] // 2, 2, -1).mean(3)",
        "x.unfold(2, 3, 2).mean(-1)",
        "F.adaptive_avg_pool2d(x, (3, None))",
        "F.instance_norm(x)",
        "x.flatten(2).mT.reshape(len(x), x.shape[2], x.shape[3], 4).permute(0, 3, 1, 2)",
        "x.mean(3, keepdim=True).expand(-1, -1, -1, x.shape[3])",
        "torch.stack([x, x], 2).flatten(2, 3)",
        "x @ x.transpose(2, 3)",
        "F.softmax(x, dim=-1)",
        "torch.nn.functional.layer_norm(x, x.shape[2:])",
    ]
).map(Lambda)


def _expressions(inner):
    """Python on sizes: one more operation on the expressions ``inner``."""
    operators = st.sampled_from(["+", "-", "*", "//", "%", "&", "|", "^", ">>"])
    one = st.sampled_from(
        [
            "divmod({}, 3)[0]", "divmod({}, 4)[1]", "math.isqrt(abs({}))", "int(abs({}) ** 0.5)",
            "int({} * 0.7)", "int({} / 2)", "round({} / 4)", "math.ceil({} / 3)", "abs({})",
            "math.floor({} * 1.5)", "({}).bit_length()", "math.gcd({}, 8)", "-(-({}) // 2)",
            "{{7: 1, 8: 3}}.get({}, 2)", "int(str({}))", "sum(range(min({}, 4)))", "({}) & ~3",
            "len('x' * min({}, 5))", "[3, 1, 2][({}) % 3]", "int(({}) > 5)", "(({}) or 2)",
        ]
    )  # fmt: skip
    return st.one_of(
        st.builds(lambda a, op, b: f"({a} {op} {b})", inner, operators, inner),
        st.builds(lambda f, a, b: f"{f}({a}, {b})", st.sampled_from(["min", "max"]), inner, inner),
        st.builds(lambda text, a: text.format(a), one, inner),
    )


numbers = st.recursive(
    st.sampled_from(["h", "w", "h", "w", "1", "2", "3", "8"]), _expressions, max_leaves=4
)
computed_steps = st.builds(
    lambda text, a, b: Lambda(f"(lambda h, w: {text.format(a, b)})(x.shape[2], x.shape[3])"),
    st.sampled_from(
        [
            "x[:, :, : max(1, {})]",
            "x[:, :, {}:]",
            "F.pad(x, (0, ({}) % 4, 0, ({}) % 3))",
            "F.pad(x, (0, -h % max(1, {}), 0, 0))",
            "F.interpolate(x, size=({}, w))",
            "F.adaptive_avg_pool2d(x, (1 + ({}) % 5, None))",
            "x.reshape(x.shape[0], 4, {}, -1)",
            "x.narrow(2, 0, {})",
            "x.roll({}, 3)",
            "x + torch.zeros(1, 1, {}, 1)",
            "x if {} > {} else x[:, :, 1:]",
            "x.relu() if ({}) == ({}) else x.repeat(1, 1, 2, 1)",
            "torch.cat([x] * (1 + ({}) % 3), 2)",
            "torch.stack([x.mean(2) * i for i in range({})], 2)",
            "x.new_zeros(x.shape[0], 4, {}, {})",
            "torch.cat([p.mean(2, keepdim=True) for p in x.split(max(1, {}), 2)], 2)",
        ]
    ),
    numbers,
    numbers,
)
tests_ = st.sampled_from(
    [
        "h % 2 == 0",
        "h > w",
        "h * w < 30",
        "h // 2 == w",
        "h + w > 9 and w % 3",
        "(h > 5) < (w > 3)",
        "h / w >= 1.5",
    ]
)
tests_ = st.one_of(
    tests_, st.builds("{} {} {}".format, numbers, st.sampled_from(COMPARED), numbers)
)
blocks = st.recursive(
    st.one_of(convs, pools, steps, computed_steps),
    lambda inner: st.one_of(
        st.builds(Skip, inner, st.sampled_from(["add", "cat"])),
        st.builds(Depends, tests_, inner, inner),
        st.lists(inner, min_size=2, max_size=3).map(lambda ms: nn.Sequential(*ms)),
    ),
    max_leaves=5,
)
heads = st.sampled_from(
    [
        lambda: nn.Identity(),
        lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(C, 3)),
        lambda: nn.Sequential(nn.Flatten(), nn.Linear(C * 12, 3)),
        lambda: nn.Sequential(Lambda("x.reshape(-1, 16)"), nn.Linear(16, 3)),
        lambda: nn.Sequential(nn.AdaptiveMaxPool2d((2, 3)), nn.Flatten(), nn.Linear(C * 6, 3)),
        lambda: nn.Linear(6, 2),
    ]
)


@pytest.mark.slow
@examples(30)
@given(parts=st.lists(blocks, min_size=1, max_size=4), head=heads)
def test_inferred_set_is_what_runs(parts, head):
    check_network(nn.Sequential(*parts, head()).eval())


def check_network(model: nn.Module, seconds: float = 10) -> str:
    """Infer in ``seconds``, run at every point of the box, compare; the outcome in a word."""
    input = TensorInput((symbol("N"), C, symbol("H"), symbol("W")))
    contract = Contract("t", input, SizeClause("any", True, "any size"), budget=Budget(64, seconds))
    source = from_instance(model)
    found = explore_model(CheckRun.start(contract, source))
    for way in found.paths:
        assert not way.trace.faults, f"a rule failed: {way.trace.faults}\n{model}"
    for n, h, w in BOX:
        sizes = {"N": n, "H": h, "W": w}
        decided = found.accepts(sizes)
        if decided is None:
            assert not found.covered
            continue
        try:
            with torch.no_grad():
                shape = tuple(model(torch.zeros(n, C, h, w)).shape)
        except Exception as e:
            if decided:
                text = f"decided that {sizes} is accepted, but {type(e).__name__}: {e}\n{model}"
                raise AssertionError(text) from e
            continue
        way = found.path_at(sizes)
        event = way.first_failed_claim(sizes)
        why = way.trace.error if event is None else event.needs()
        assert decided, f"decided that {sizes} is refused ({why}), but it runs\n{model}"
        mine = tuple(evaluate(d, sizes) for d in dims_of(way.trace.output))
        assert mine == shape, f"at {sizes} decided {mine}, got {shape}\n{model}"
    return "exact" if found.covered else "open"


@pytest.mark.slow
def test_another_way_may_divide_by_what_is_0_at_the_tried_sizes():
    low = Depends(
        "h * w < 30",
        nn.MaxPool2d(3, 3, 1, ceil_mode=True),
        Lambda("x.view(x.shape[0], 4, x.shape[2] // 2, 2, -1).mean(3)"),
    )
    turned = Lambda("x.flatten(2).mT.reshape(len(x), *x.shape[2:], 4).permute(0, 3, 1, 2)")
    last = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(C, 3))
    for join in ("add", "cat"):
        check_network(
            nn.Sequential(
                Skip(low, join),
                Depends("h + w > 9 and w % 3", turned, Lambda("F.softmax(x, dim=-1)")),
                nn.MaxPool2d(2, 1, 1),
                nn.AvgPool2d(3, 1, 1),
                Lambda("F.instance_norm(x)"),
                Skip(nn.MaxPool2d(3, 2, 1, ceil_mode=True), "add"),
                last,
            ).eval()
        )
