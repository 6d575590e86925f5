"""A claim in words: its formula, what it gets, and names for intermediate sizes."""

import pytest

from archlint.contracts.output_match import OutputRequirement
from archlint.engine.diagnosis.needs import mismatch, needs
from archlint.symbolic import Expr, ceildiv, maximum, symbol
from archlint.symbolic.formula import eq, ge, gt, le
from archlint.tracing.events import Event

N, H, W, h = map(symbol, "NHWh")
POINT = {"N": 2, "H": 33, "W": 65, "h": 1}


def claim(formula, text, *sizes):
    return Event("claim", formula, True, text, sizes, 0)


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            claim(eq(25088, 512 * (H // 32) * (W // 32)), "in_features {} == last size {}",
                  25088, 512 * (H // 32) * (W // 32)),
            "last size 512*h*w == in_features 25088, gets 512*1*2 = 1024   (h = H//32, w = W//32)",
        ),
        (
            claim(ge((H - 4) // 2, 5), "kernel_size {} <= padded size {}", 5, (H - 4) // 2),
            "kernel_size 5 <= padded size h-2, gets 16-2 = 14   (h = H//2)",
        ),
        (
            claim(ge(H // 2, 20), "kernel_size {} <= padded size {}", 20, H // 2),
            "kernel_size 20 <= padded size H//2, gets 16",
        ),
        (
            claim(eq(H % 16, 0), "size {} divisible by 16", H % 16),
            "size H % 16 divisible by 16, gets 1",
        ),
        (
            claim(ge(H, 4), "more than 1 spatial element, gets {} * {}", H - 32, W // 32),
            "more than 1 spatial element, gets (H-32)*(W//32) = 1*2",
        ),
        (claim(eq(N, H), "sizes {} and {} equal", N, H), "sizes N and H equal, gets 2 and 33"),
        (
            claim(gt(N * ceildiv(H, 2), 1), "more than 1 value, gets {} * {}", N, ceildiv(H, 2)),
            "more than 1 value, gets N*ceil(H/2) = 2*17",
        ),
        (
            claim(eq(N * h * (H // 4), 3), "a count {} == 3", N * h * (H // 4)),
            "a count N*h*h2 == 3, gets 2*1*8 = 16   (h2 = H//4)",
        ),
        (
            claim(eq(3 * maximum(H, W), 3), "{} == 3", 3 * maximum(H // 2, W // 2)),
            "3*max(h, w) == 3, gets 3*max(16, 32) = 96   (h = H//2, w = W//2)",
        ),
        (claim(le(W, 64), "too wide"), "W <= 64, gets W = 65   (too wide)"),
        (claim(False, "a matrix, gets 3 dimensions"), "a matrix, gets 3 dimensions"),
        (claim(False, "index {} in a size {}", 4, 3), "index 4 in a size 3"),
    ],
    ids=str,
)  # fmt: skip
def test_needs(event, text):
    names = {n for s in event.sizes if isinstance(s, Expr) for n in s.symbols()} or {"W"}
    assert needs(event, {n: POINT[n] for n in names}) == text


def test_a_mismatch_has_the_values_of_its_formulas():
    text = "expected output N, got N*(H//4)"
    requirement = OutputRequirement(eq(N * (H // 4), N), text, (N * (H // 4), N), "output")
    assert mismatch(requirement, POINT) == f"{text}, where N*(H//4) = 16 and N = 2"
    numbers = OutputRequirement(False, "expected output 7, got 5", (5, 7), "output")
    assert mismatch(numbers, POINT) == "expected output 7, got 5"
