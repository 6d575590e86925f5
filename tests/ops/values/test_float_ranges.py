"""Floats made from sizes, and whole numbers cut from them, against real tensors."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from archlint.contracts.contract import Budget, Contract, SizeClause, TensorInput
from archlint.engine.check_run import CheckRun
from archlint.engine.explore import explore_model
from archlint.models.targets import from_instance
from archlint.ops.values.float_ranges import Span
from archlint.symbolic import evaluate, symbol
from archlint.symbolic.formula import holds
from archlint.symbolic.intervals import Box
from archlint.tracing.tracer import trace

H, W = symbol("H"), symbol("W")
SIZES = [1, 2, 3, 4, 5, 6, 7, 9, 12, 16, 23, 30, 41, 57, 60, 61, 97, 130]


class Made(nn.Module):
    """Numbers made from two sizes by an expression."""

    def __init__(self, text):
        super().__init__()
        self.text = text
        self.make = eval(f"lambda h, w, arange: {text}")

    def forward(self, x):
        return self.make(*x.shape, torch.arange)

    def extra_repr(self):
        return self.text


def check_bounds(text, h, w):
    """Trace at one size, run at many; whether anything was known."""
    model = Made(text)
    found = trace(
        model, TensorInput((H, W)), {"H": h, "W": w}, Box({"H": (1, None), "W": (1, None)})
    )
    assert found.outcome == "accepted", found.error
    assert not found.faults
    values = found.output.values
    if not isinstance(values, Span):
        return False
    for a in SIZES:
        for b in SIZES:
            at = {"H": a, "W": b}
            if not all(holds(e.formula, at) == e.held for e in found.path.events):
                continue
            real = model(torch.empty(a, b, device="meta"))
            if not real.numel():
                continue
            least, most = int(real.min()), int(real.max())
            low, high = (None if v is None else evaluate(v, at) for v in values)
            assert low is None or low <= least, (text, at, least, values)
            assert high is None or most <= high, (text, at, most, values)
            if values.reached[0] is not None:
                assert least <= evaluate(values.reached[0], at), (text, at, least, values.reached)
            if values.reached[1] is not None:
                assert most >= evaluate(values.reached[1], at), (text, at, most, values.reached)
    return True


@pytest.mark.parametrize(
    "text",
    [
        "(arange(h) * (w / h)).long()",
        "(arange(h + 1) * (w / h)).long()",  # h * (w / h) may come to less than w
        "(arange(h + 1) * (w / h)).int()",
        "(arange(h + 1) * (w / h)).double().to(torch.int64)",
        "(arange(h)[:, None] * (w / h) - arange(w)[None]).long()",
        "(arange(h)[:, None] - arange(w)[None] * (h / w) + (w - 1) * (h / w)).long()",
        "(arange(h) * (w / 3) + 5).long().flip(0)",
        "(arange(h) + h / w).long()",
        "(5 - arange(h) * (w / h)).long()",
        "(arange(h) * (w / h * 0.5)).long()",
        "(arange(h) * (w * (h / w))).long()",
        "((arange(h) - h) * (w / h)).long()",
    ],
)
@pytest.mark.parametrize(("h", "w"), [(9, 4), (4, 9), (1, 1)])
def test_what_is_cut_from_a_float(text, h, w):
    text = text.replace("torch.", "__import__('torch').")
    assert check_bounds(text, h, w)


@pytest.mark.parametrize(
    "text",
    [
        "(arange(h) * (w / h)).long() + 1",  # whether the bounds are reached is lost
        "(arange(h) * (w / h)).long()[1:]",
        "(arange(h) * (w / h)).long()[[0] * 3]",
        "(arange(h) * (w / h)).abs().long()",
        "(arange(h) * (w / h)).half().long()",
    ],
)
def test_what_says_less(text):
    found = trace(
        Made(text), TensorInput((H, W)), {"H": 9, "W": 4}, Box({"H": (1, None), "W": (1, None)})
    )
    assert found.outcome == "accepted"
    assert not isinstance(found.output.values, Span)
    assert found.output.values is None or found.output.loose


ratios = st.sampled_from(["h / w", "w / h", "h / 3", "w / 7", "(h + 1) / w", "w / (h + 2)", "1.0"])
grids = st.sampled_from(["arange(h)[:, None]", "arange(w)[:, None]", "arange(h // 2 + 1)[:, None]"])
rows = st.sampled_from(["arange(w)[None]", "arange(h + 3)[None]", "arange((w + 1) // 2)[None]"])
shifts = st.sampled_from(["0", "w - 1", "(w - 1) * (h / w)", "h / w", "(h - 1) * (w / h) * 2"])


@settings(max_examples=40)
@given(
    grid=grids, one=ratios, sign=st.sampled_from("+-"), row=rows, other=ratios, shift=shifts,
    h=st.sampled_from(SIZES), w=st.sampled_from(SIZES),
)  # fmt: skip
def test_sums_and_products(grid, one, sign, row, other, shift, h, w):
    check_bounds(f"({grid} * ({one}) {sign} {row} * ({other}) + ({shift})).long()", h, w)


class Relative(nn.Module):
    """A table of relative positions of queries and keys, of which there are fewer."""

    def __init__(self, places, stride, share):
        super().__init__()
        self.table = nn.Parameter(torch.zeros(places, 2))
        self.stride, self.share = stride, share

    def forward(self, x):
        q, k = -(-x.shape[0] // self.stride), -(-x.shape[0] // (self.stride * self.share))
        to_q, to_k = max(k / q, 1.0), max(q / k, 1.0)
        far = torch.arange(q).unsqueeze(-1) * to_q - torch.arange(k).unsqueeze(0) * to_k
        far += (k - 1) * to_k
        return self.table[far.long()] + x.sum()


@settings(max_examples=12)
@given(places=st.integers(1, 60), stride=st.integers(1, 4), share=st.integers(1, 4))
def test_table_of_relative_positions(places, stride, share):
    model = Relative(places, stride, share).eval()
    contract = Contract(
        "t", TensorInput((H,)), SizeClause("any", True, "any size"), budget=Budget(64, 20)
    )
    found = explore_model(CheckRun.start(contract, from_instance(model)))
    unclear = 0
    for h in [*range(1, 160), 4095, 4096, 4097, 5000]:
        accepted = found.accepts({"H": h})
        try:
            model(torch.zeros(h))
            runs = True
        except IndexError:
            runs = False
        unclear += accepted is None
        assert accepted in (runs, None), (h, places, stride, share)
    assert unclear <= 2 * stride * share, found.reasons  # where the last index is just too large
