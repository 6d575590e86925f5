"""The nodes of a page mean what the formulas mean."""

from __future__ import annotations

import itertools
import json
import math

from archlint.contracts.accepted_set import region
from archlint.contracts.rulefile.phrase_parser import parse_size
from archlint.report.page.formula_data import NodeTable
from archlint.symbolic import evaluate, unknown
from archlint.symbolic.formula import ge, holds

SIZES = (
    "3", "H", "H-2", "2*T", "H*W*T", "H//4", "ceil(H/32)", "H%16", "min(H,W)", "max(H-3,2*W,T)",
    "isqrt(H*W)", "bit_length(T)", "floor_pow2(T)", "floor_log(H*W)", "floor_log10(9*T)",
    "(H-9)//4*3",
)  # fmt: skip
PHRASES = (
    "any size", "no size", "H, W >= 7", "H % 2 == 0 and W % 3 != 1", "H == 9 or W in 4..6",
    "H//4*(W//2) == 6", "H < W or T >= 5 and H > 3",
)  # fmt: skip
POINTS = [dict(zip("HWT", p, strict=True)) for p in itertools.product((1, 2, 9, 12, 31), repeat=3)]


def values(nodes, sizes):
    """As the page's script computes them."""
    v = []
    for op, *args in nodes:
        if op in ("number", "truth"):
            v.append(args[0])
        elif op == "symbol":
            v.append(sizes[args[0]])
        elif op == "unknown":
            low = 1 if args[0] < 0 else max(1, v[args[0]])
            v.append(min(v[i] for i in args[1:]) if args[1:] else low)
        elif op == "sum":
            terms = [coef * math.prod(v[i] for i in factors) for coef, *factors in args[1:]]
            v.append(args[0] + sum(terms))
        else:
            a = [v[i] for i in args]
            v.append({
                "floordiv": lambda a: a[0] // a[1], "min": min, "max": max,
                "isqrt": lambda a: math.isqrt(max(a[0], 0)),
                "bit_length": lambda a: max(a[0], 0).bit_length(),
                "floor_log": lambda a: math.floor(math.log(max(a[0], 1))),
                "floor_log10": lambda a: math.floor(math.log10(max(a[0], 1))),
                "floor_pow2": lambda a: 1 << (max(a[0], 1).bit_length() - 1),
                "ge": lambda a: a[0] >= 0, "eq": lambda a: a[0] == 0, "ne": lambda a: a[0] != 0,
                "and": all, "or": any,
            }[op](a))  # fmt: skip
    return v


def test_sizes_and_formulas_have_their_values():
    table = NodeTable()
    sizes = [(parse_size(text), table.size(parse_size(text))) for text in SIZES]
    formulas = [(region(text), table.formula(region(text))) for text in PHRASES]
    nodes = json.loads(json.dumps(table.nodes))
    for point in POINTS:
        found = values(nodes, point)
        assert [found[i] for _, i in sizes] == [evaluate(s, point) for s, _ in sizes]
        assert [found[i] for _, i in formulas] == [holds(f, point) for f, _ in formulas]


def test_equal_parts_are_one_node():
    table = NodeTable()
    first = table.formula(region("H % 16 == 0 and W >= 3"))
    assert table.formula(region("H % 16 == 0 and W >= 3")) == first
    before = len(table.nodes)
    table.formula(region("W >= 3"))
    assert len(table.nodes) == before


def test_an_unknown_size_has_the_value_of_the_report():
    table = NodeTable()
    bounded = unknown(0, None, (parse_size("H*W"), 5))
    free = unknown(1, parse_size("H"), ())
    indexes = table.sizes([bounded, free])
    for point in POINTS:
        found = values(table.nodes, point)
        assert [found[i] for i in indexes] == [evaluate(s, point) for s in (bounded, free)]
        assert holds(ge(free, 1), point)
