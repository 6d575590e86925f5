"""Models that ask whether two objects are one, in many spellings, against the real models."""

from __future__ import annotations

import importlib.util

import pytest
import torch

import archlint

PAIRS = {  # two objects, and on how many sizes they are one: "all", "some" or "none"
    "contiguous": ("x.contiguous(), x", "all"),
    "transposed": ("(t := x.transpose(1, 2)).contiguous(), t", "some"),
    "float": ("x.float(), x", "all"),
    "double": ("x.double(), x", "none"),
    "view": ("x.view(x.shape), x", "none"),
    "dropout": ("self.drop(x), x", "all"),
    "expanded": ("torch.broadcast_tensors(t := x[:, :, :1], x)[0], t", "some"),
    "branch": ("self.even(x), x", "some"),
    "twice": ("self.even(x), self.even(x)", "some"),
    "in place": ("(t := x + 1).add_(1), t", "all"),
    "tied": ("self.one.weight, self.other.weight", "all"),
    "loop": ("[x for _ in range(x.shape[2])][-1], x", "all"),
    "columns": ("(t := x.unbind(2))[0], t[-1]", "some"),
}
NUMBERS = {
    "number": "x.shape[2], 7",
    "large": "x.shape[2], 300",
    "sizes": "x.shape[2], x.shape[0] + 3",
    "true": "x.shape[2] > 5, True",
    "false": "x.shape[2] % 3 == 0, False",
    "truths": "x.shape[2] > 5, x.shape[2] > 7",
}
ASKED = {
    "is": "a is b",
    "is not": "not (a is not b)",
    "and": "a is b is not None",
    "any": "any(c is b for c in (None, a))",
    "function": "operator.is_(a, b)",
    "lambda": "(lambda c, d: c is d)(a, b)",
}
BY_ID = {"id": "id(a) == id(b)", "ids": "id(a) in {id(b)}", "map": "len({*map(id, (a, b))}) == 1"}
SEARCHED = {"in": "a in [b]", "key": "len({a: 1, b: 2}) == 1"}
SOURCE = """
import operator
import torch
from torch import nn

class Even(nn.Module):
    def forward(self, x):
        return x if x.shape[-1] % 2 == 0 else nn.functional.pad(x, (0, 1))[..., :-1]

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop, self.even = nn.Dropout(), Even()
        self.one, self.other = nn.Linear(2, 2), nn.Linear(2, 2)
        self.other.weight = self.one.weight

    def forward(self, x):
        a, b = PAIR
        return torch.zeros(1) if ASKED else torch.zeros(2)
"""
SIZES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 300)


def assert_right(folder, pair, asked, source=SOURCE):
    file = folder / "model.py"
    file.write_text(source.replace("PAIR", pair).replace("ASKED", asked))
    spec = importlib.util.spec_from_file_location("model", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = archlint.infer(module.Model().eval(), "2 3 T")
    for size in SIZES:
        try:
            real = tuple(module.Model().eval()(torch.zeros(2, 3, size)).shape)
        except RuntimeError:
            real = None
        if found.exact:
            assert found.accepts(T=size) is (real is not None), size
            assert found.output(T=size) in (real, None), size
    return found


DRAWN = [
    *((pair, asked) for pair in PAIRS for asked in ("is", "id")),
    *((pair, asked) for pair in NUMBERS for asked in ("is", "is not", "function")),
    *(("transposed", asked) for asked in (*ASKED, *BY_ID, *SEARCHED)),
    *(("contiguous", asked) for asked in SEARCHED),
]


@pytest.mark.parametrize(("pair", "asked"), dict.fromkeys(DRAWN))
def test_a_question(tmp_path, pair, asked):
    text = (ASKED | BY_ID | SEARCHED)[asked]
    found = assert_right(tmp_path, PAIRS[pair][0] if pair in PAIRS else NUMBERS[pair], text)
    if pair not in ("loop", "columns") and asked not in SEARCHED:
        assert found.exact, found.reasons


def test_match(tmp_path):
    asked = "self.matched(a, b)"
    method = """
    def matched(self, a, b):
        match a, b:
            case True, False:
                return True
            case _:
                return False
"""
    found = assert_right(tmp_path, NUMBERS["truths"], asked, SOURCE + method)
    assert found.exact, found.reasons


class OwnAttributes(torch.nn.Module):
    """Asks sizes, floats, tensors and lists for what only stand-ins have."""

    def forward(self, x):
        rows = [x[:, :, k] for k in range(x.shape[2])]
        x.mark = 3
        found = 1 + hasattr(x.shape[2], "node") + hasattr(x.shape[2] / 2, "hint")
        found += hasattr(x, "leaf") + hasattr(rows, "read") + hasattr(x.shape[2] > 3, "node")
        named = getattr(x, "mark", 1) + getattr(x, "spec", 5) + getattr(rows, "segments", 7)
        try:
            getattr(x.shape[2], "node")  # noqa: B009
        except AttributeError as error:
            found += 10 * len(error.name)
        return torch.stack(rows), x.new_zeros(found, named)


def test_what_only_stand_ins_have_is_not_there():
    real = OwnAttributes()(torch.zeros(2, 3, 4))
    found = archlint.infer(OwnAttributes(), "N T C")
    assert found.exact
    assert [list(s) for s in found.output(N=2, T=3, C=4)] == [list(r.shape) for r in real]
