"""Models with drawn loops whose turns draw random numbers, and all that they do at plain sizes."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest import mock

import numpy as np
import torch
from hypothesis import strategies as st
from torch import nn

from tests.tracing.loops.drawn_loops import REFUSED, shapes

DRAWS = (
    "random.random() < 0.5",
    "random.random() < self.ratio",
    "torch.rand(1).item() < 0.5",
    "np.random.rand() < 0.5",
    "self.training and random.random() < self.ratio",
    "not self.training and random.random() < 0.5",
    "y is not None and random.random() > 0.5",
    "t > 0 and random.random() < 0.5",
    "early",
    "late",
)
HEADERS = (
    "for t in range({end}):",
    "for t in range({end}):",
    "for t in range(1, {end}):",
    "for t in range({end} - 1):",
    "for t, e in enumerate(y.unbind(1)):",
    "for t in range(0, {end}, 2):",
    "for t in reversed(range({end})):",
)
ENDS = ("y.shape[1]", "y.shape[1]", "y.size(1)", "x.shape[1]", "T")
STARTS = (
    "y[:, 0]", "x[:, 0]", "x.mean(1)", "torch.zeros(x.shape[0], 3)", "None", "x[:, 0] * 0",
    "torch.zeros(x.shape[0], x.shape[2])", "y[:, 0].contiguous()",
)  # fmt: skip
ELEMENTS = (
    "y[:, t]", "y[:, t]", "x[:, 0]", "out", "out", "h", "inp", "self.step(y[:, t])", "inp + 1",
    "y[:, t - 1]", "y[:, 0]", "y[:, t].clone()", "inp * 1", "z",
)  # fmt: skip
ODD = (
    "y[:, t + 1]", "y[:, t].double()", "y[:, t].unsqueeze(1)", "y[:, :t + 1].sum(1)",
    "torch.cat([inp, inp], 1)", "y[:, t, :2]", "y[:, t].long()", "x[:, t]", "inp[:, 1:]",
    "y[:, t].view(x.shape[0], -1)", "x", "None", "y[:, :2].reshape(-1, 3)",
    "inp.view(-1, 3)", "inp.t().t()",
)  # fmt: skip
TURNS = (
    "h = self.cell(inp, h)",
    "h = torch.tanh(inp + h)",
    "h, c = torch.tanh(inp + h), h",
    "h = h + inp",
    "pass",
)
OUTS = ("out = self.head(h)", "out = h * 2", "out = self.head(h).relu_()", "out = h")
EXTRAS = (
    "outs.append(out)", "outs.append(out)", "outs.append(inp)", "outs.insert(0, out)",
    "outs.extend([out, out])", "buf[:, t] = out", "k += 1", "z = out", "self.last = inp",
    "last = inp", "outs = outs + [out]", "h += 0", "inp = inp + 0", "inp.add_(1)",
    "if {draw}: outs.append(out)", "if {draw}: k += 1", "if {draw}: z = out",
    "if {draw}: break", "if {draw}: continue", "if {draw}: h = out", "if {draw}: last = out",
    "if {draw}: done = True", "if done: z = inp", "if {draw}: raise ValueError",
    "if {draw}: h = torch.cat([h, h[:, :1]], 1)", "if {draw}: buf[:, t + 1] = out",
    "if {draw}: return h", "if {draw}: self.last = out", "if {draw}: h, z = z, h",
    "if {draw}: outs[-1] = out", "z = outs[-1] if outs else z", "w = x if {draw} else y",
    "if w is x: z = x[:, 0]", "with torch.no_grad(): v = out",
    "for _ in range(x.shape[1]): z = z * 1",
    "for _ in range(x.shape[1]): z = x[:, 0] if {draw} else z",
    "outs.append(inp if {draw} else out)",
    "if inp is z: k += 1",
)  # fmt: skip
ENDINGS = (
    "torch.stack(outs, 1)", "torch.stack(outs, 1)", "torch.cat(outs, 0)", "h", "inp", "z",
    "buf", "x.new_zeros(k)", "(h, torch.stack(outs))", "last", "self.last", "out",
    "outs[-1]", "torch.stack([o * 2 for o in outs])", "inp.view(-1)", "torch.cat([z, inp], 1)",
    "x.new_zeros(len(outs))", "torch.cat([h, last], 1)", "inp + z", "x.new_zeros(int(done))",
    "z.add_(1)", "torch.stack(outs).view(-1, 3)",
)  # fmt: skip
TEMPLATE = """\
import random

import numpy as np
import torch
from torch import nn


class Drawn(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.GRUCell(3, 3)
        self.head = nn.Linear(3, 3)
        self.step = nn.Linear(3, 3)
        self.ratio = 0.5
        self.last = None

    def forward(self, x, y):
        T = y.shape[1]
        h = {h}
        inp = {inp}
        c = torch.zeros(x.shape[0], 3)
        z = x[:, 0]
        {drawn}
        outs, k, done, last, out = [], 0, False, None, inp
        buf = torch.zeros(x.shape[0], y.shape[1], 3)
        {header}
{body}
        return {ending}
"""
SIZES = tuple(itertools.product((1, 2), (1, 2, 3, 5), (1, 2, 3, 4, 6)))


@st.composite
def sources(draw: Any) -> str:
    """The source of a model with a loop over a size whose turns draw."""
    one = lambda items: draw(st.sampled_from(items))  # noqa: E731
    header = one(HEADERS).format(end=one(ENDS))
    condition = one(DRAWS)
    elements = (*ELEMENTS, *ELEMENTS, *ODD)
    lines = [one(TURNS), one(OUTS)]
    a, b = one(elements), one(elements)
    match draw(st.integers(0, 4)):
        case 0:
            lines += [f"inp = {a} if {condition} else {b}"]
        case 1:
            lines += [f"if {condition}:", f"    inp = {a}", "else:", f"    inp = {b}"]
        case 2:
            lines += [f"use = {condition}", f"inp = {a} if use else {b}"]
        case 3:
            lines += [f"if {condition}: inp = {a}"]
        case _:
            lines += [f"inp = {b}", f"if {condition}: inp = {a}"]
    for _ in range(draw(st.integers(0, 3))):
        lines.insert(draw(st.sampled_from((2, 2, len(lines)))), one(EXTRAS).format(draw=one(DRAWS)))
    lines.insert(2, one(EXTRAS[:2]))
    drawn = "early, late = random.random() < 0.5, random.random() < 0.5"
    plain = draw(st.integers(0, 2)) > 0  # what is most often written
    return TEMPLATE.format(
        h="torch.zeros(x.shape[0], 3)" if plain else one(STARTS),
        inp=one(STARTS),
        drawn=drawn,
        header=header,
        body="\n".join(" " * 12 + line for line in lines),
        ending=one(ENDINGS),
    )


class _Bits:
    """The sides taken, in turn; ``False`` after the last."""

    def __init__(self, first: tuple[bool, ...], source: Callable[[], bool]) -> None:
        self.taken: list[bool] = []
        self.first, self.source = first, source

    def number(self, *args: Any) -> float:
        at = len(self.taken)
        self.taken.append(self.first[at] if at < len(self.first) else self.source())
        return 0.25 if self.taken[-1] else 0.75


def _run(model: nn.Module, sizes: Any, bits: _Bits) -> Any:
    n, s, t = sizes
    with ExitStack() as patched:
        patched.enter_context(torch.no_grad())
        patched.enter_context(mock.patch.object(random, "random", bits.number))
        patched.enter_context(mock.patch.object(np.random, "rand", bits.number))
        rand = lambda *size: torch.tensor([bits.number()])  # noqa: E731
        patched.enter_context(mock.patch.object(torch, "rand", rand))
        try:
            x, y = torch.zeros(n, s, 3), torch.zeros(n, t, 3)
            return shapes(model(x, y))
        except Exception:
            return REFUSED


def outcomes(model: nn.Module, sizes: Any, most: int) -> tuple[set[Any], bool]:
    """What the model may return at these sizes, and whether these are all: as :func:`shapes`."""
    found: set[Any] = set()
    todo: list[tuple[bool, ...]] = [()]
    runs = 0
    while todo and runs < most:
        first = todo.pop()
        bits = _Bits(first, lambda: False)
        found.add(_run(model, sizes, bits))
        runs += 1
        taken = tuple(bits.taken)
        todo += [(*taken[:i], not taken[i]) for i in range(len(first), len(taken))]
    if not todo:
        return found, True
    pick = random.Random(0)
    for share in (0.1, 0.5, 0.9) * (most // 6):
        bits = _Bits((), lambda share=share: pick.random() < share)
        found.add(_run(model, sizes, bits))
    return found, False
