"""Operators on named axes, against einx, or plain PyTorch where einx is missing."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

import pytest
import torch
from torch import nn

import archlint

NAMES = ["add", "subtract", "multiply", "divide", "maximum", "less", "logical_and"]


def plainly(function):
    def call(description, *operands):
        left, arrow, right = description.partition("->")
        texts = [text.split() for text in left.split(",")]
        rank = operands[0].ndim - len(texts[0]) + 1
        dots = [f"dot{i}" for i in range(rank)] if "..." in description else []
        each = [[p for n in t for p in (dots if n == "..." else [n])] for t in texts]
        whole = max(each, key=len)
        target = [p for n in right.split() for p in (dots if n == "..." else [n])]
        target = target if arrow else whole
        sizes: dict[str, int] = {}
        for labels, operand in zip(each, operands, strict=True):
            for label, size in zip(labels, getattr(operand, "shape", ()), strict=True):
                if sizes.setdefault(label, size) != size:
                    raise ValueError(f"sizes of {label}")
        views = []
        for labels, operand in zip(each, operands, strict=True):
            if isinstance(operand, torch.Tensor):
                kept = [label for label in target if label in labels]
                operand = operand.permute([labels.index(label) for label in kept])
                for at, label in enumerate(target):
                    operand = operand if label in labels else operand.unsqueeze(at)
            views.append(operand)
        return function(*views)

    return call


@pytest.fixture
def einx(monkeypatch):
    try:
        return importlib.import_module("einx")
    except ImportError:
        module = ModuleType("einx")
        for name in (*NAMES, "where"):
            setattr(module, name, plainly(getattr(torch, name)))
        monkeypatch.setitem(sys.modules, "einx", module)
        return module


DESCRIPTIONS = [
    ("j, i -> i j", "T", "S"),
    ("b i, b j -> b i j", "N T", "M S"),
    ("b i, b j -> j b i", "N T", "M S"),
    ("b i d, i b", "N T D", "S M"),
    ("... i, i -> ... i", "N T D", "S"),
    ("i b, b j i -> b i j", "T N", "M D S"),
]


class Named(nn.Module):
    def __init__(self, call):
        super().__init__()
        self.call = call

    def forward(self, x, y):
        return self.call(sys.modules["einx"], x, y)


def flat(name, description):
    return lambda einx, x, y: getattr(einx, name)(description, x, y).view(-1)


def whole(name, description):
    return lambda einx, x, y: getattr(einx, name)(description, x > 0, y > 0)


CALLS = [
    *[(make("less", d), x, y) for d, x, y in DESCRIPTIONS for make in (flat, whole)],
    *[(whole(name, "b i, b j -> j b i"), "N T", "M S") for name in ("logical_and", "maximum")],
    (lambda e, x, y: e.where("b i, b i d, ", x > 0, y, 0.0), "N T", "M S 3"),
    (lambda e, x, y: e.where("b, b i, i b -> b i", x > 0, y, y.T), "N", "M S"),
    (lambda e, x, y: x[e.subtract("j, i -> i j", *map(torch.arange, y.shape)) % 3], "3 T", "S R"),
]


@pytest.mark.parametrize(("call", "x", "y"), CALLS)
def test_elementwise(einx, call, x, y):
    found = archlint.infer(Named(call), {"x": x, "y": y})
    assert found.exact, found.reasons
    names = [n for n in dict.fromkeys((*x.split(), *y.split())) if not n.isdigit()]
    for sizes in ([2] * 5, [2, 3, 2, 3, 2], [3, 2, 3, 2, 1], [2, 3, 2, 4, 4], [1, 2, 2, 1, 2]):
        point = dict(zip(names, sizes, strict=False))
        shapes = [[point.get(n) or int(n) for n in text.split()] for text in (x, y)]
        try:
            real = tuple(call(einx, *map(torch.rand, shapes)).shape)
        except Exception:
            real = None
        assert found.accepts(**point) is (real is not None)
        assert found.output(**point) == real


@pytest.mark.parametrize("description", ["b (i j), j -> b i j", "b 1, b j -> b j", "b [i], b -> b"])
def test_other_descriptions_have_no_rule(description):
    rule = archlint.ops.registry.NAMED["einx::add"]
    spec = archlint.ops.registry.TensorSpec
    with pytest.raises(archlint.ops.registry.NoRule):
        rule(None, description, spec((2, 4)), spec((2,)))
