"""Floats of two sizes rounded to whole numbers, beside Python's own floats."""

import itertools
import math
import operator
import random

import pytest

from archlint.symbolic import Unknown, atoms, evaluate, substitute, symbol
from archlint.symbolic.formula import holds
from archlint.symbolic.intervals import Box
from archlint.tracing.path import TracedPath
from archlint.tracing.symint import comparisons, numbers, rounding

H, W = symbol("H"), symbol("W")

FLOATS = {
    "16 / h * w": lambda o, h, w: o.mul(o.truediv(16, h), w),
    "w * (800 / h)": lambda o, h, w: o.mul(w, o.truediv(800, h)),
    "w * (h / w)": lambda o, h, w: o.mul(w, o.truediv(h, w)),
    "h / w * 0.1": lambda o, h, w: o.mul(o.truediv(h, w), 0.1),
    "800 / h * w + 0.5": lambda o, h, w: o.add(o.mul(o.truediv(800, h), w), 0.5),
    "min(16 / h, 16 / w) * h": lambda o, h, w: o.mul(
        o.smallest(o.truediv(16, h), o.truediv(16, w)), h
    ),
    "32 * h / w": lambda o, h, w: o.truediv(o.mul(32, h), w),
}
WHOLE = {
    "trunc": (rounding.trunc, math.trunc),
    "floor": (rounding.floor, math.floor),
    "ceil": (rounding.ceil, math.ceil),
    "round": (rounding.rounded, round),
}
COMPARED = {"lt": operator.lt, "le": operator.le, "eq": operator.eq, "ne": operator.ne}


class Plain:
    """The operations of Python's numbers."""

    mul = staticmethod(lambda a, b: a * b)
    add = staticmethod(operator.add)
    sub = staticmethod(operator.sub)
    truediv = staticmethod(lambda a, b: a / b)
    smallest = staticmethod(min)


class Symbolic:
    """The operations of numbers made from sizes, on one path."""

    def __init__(self, path):
        self.path = path

    def __getattr__(self, name):
        return lambda a, b: getattr(numbers, name)(self.path, a, b)


def bounds(size, env):
    """The lowest and the highest value of a size, over all values of unknown numbers in it."""
    unknowns = [a for a in atoms(size) if isinstance(a, Unknown)]
    ranges = [
        range(evaluate(u.low, env), min(evaluate(m, env) for m in u.most) + 1) for u in unknowns
    ]
    values = [
        evaluate(substitute(size, {u.name: v for u, v in zip(unknowns, choice, strict=True)}), env)
        for choice in itertools.product(*ranges)
    ]
    return min(values), max(values)


def sides():
    """Sizes at which quotients are whole, halves, next to these, and others."""
    draw = random.Random(5)
    for _ in range(150):
        h = draw.choice((draw.randint(1, 64), draw.randint(1, 5000), draw.randint(1, 1 << 20)))
        times = draw.choice((1, 2, 3, 16, 25, 49, 50, 160))
        yield (
            h,
            max(1, min(h * times // draw.choice((1, 2, 16, 32)) + draw.randint(-1, 1), 1 << 20)),
        )
        yield h, draw.randint(1, 1 << draw.randint(1, 20))


@pytest.mark.parametrize("whole", WHOLE)
@pytest.mark.parametrize("text", FLOATS)
def test_the_float_of_python_is_within_the_bounds(text, whole):
    symbolic, plain = WHOLE[whole]
    exact = 0
    for h, w in sides():
        env = {"H": h, "W": w}
        path = TracedPath(env, Box({"H": (1, None), "W": (1, None)}))
        number = FLOATS[text](Symbolic(path), H, W)
        low, high = bounds(symbolic(path, number), env)
        assert low <= plain(FLOATS[text](Plain, h, w)) <= high <= low + 1, (h, w)
        assert not any("==" in str(e.formula) for e in path.events), "the sizes are fixed"
        exact += low == high
    if text != "w * (h / w)" or whole == "round":  # that is whole at all sizes
        assert exact > 100


def sums(draw):
    """A quotient with numbers added and subtracted in any order, such as ``1 - (h - 5) / 3``."""
    divisor = draw.choice((3, 5, 6, 7, 12, 48, 320, -3))
    before, times = draw.randint(-9, 9), draw.choice((1, 1, 2, 10))
    parts = [(draw.choice((1, 3, 0.5, 0.25, "w", "h")), draw.choice(("add", "sub"))) for _ in "12"]
    turned = draw.random() < 0.3

    def number(o, h, w):
        result = o.truediv(o.add(o.mul(times, h), before), divisor)
        for part, operation in parts[: 1 + (divisor % 2)]:
            addend = {"w": w, "h": h}.get(part, part)
            pair = (addend, result) if turned else (result, addend)
            result = getattr(o, operation)(*pair)
        return result

    return number


def test_a_quotient_plus_a_number_is_rounded_exactly():
    draw = random.Random(7)
    for _ in range(80):
        number = sums(draw)
        for _ in range(8):
            w, h = draw.randint(1, 99), draw.randint(1, draw.choice((40, 5000, 1 << 20)))
            env = {"H": h, "W": w}
            value = number(Plain, h, w)
            path = TracedPath(env, Box({"H": (1, None), "W": (1, None)}))
            symbolic = number(Symbolic(path), H, W)
            assert numbers.value_at(symbolic, env) == value
            for whole, plain in WHOLE.values():
                assert evaluate(whole(path, symbolic), env) == plain(value), (h, w)
            for other in (math.floor(value), round(value * 4) / 4, 0):
                for name, plain in COMPARED.items():
                    truth = getattr(comparisons, name)(path, symbolic, other)
                    assert holds(truth, env) is plain(value, other), (h, w)
            assert holds(rounding.is_whole(path, symbolic), env) is value.is_integer()
            assert not any("==" in str(e.formula) for e in path.events), "the sizes are fixed"


LARGE = (2**53, 2**53 + 1, -(2**54), 10**17, 2**40, 1e16, 2.0**53, 3, 0.5, 7)


def with_large_numbers(draw):
    """Sums, products and quotients of a size and numbers that doubles do not hold exactly."""
    steps = [
        (draw.choice(("add", "sub", "mul", "truediv")), draw.choice(LARGE), draw.random() < 0.3)
        for _ in range(draw.randint(2, 4))
    ]

    def number(o, h):
        result = h
        for operation, other, turned in steps:
            a, b = (other, result) if turned else (result, other)
            result = getattr(o, operation)(a, b)
        return result

    return number


def test_a_number_that_a_double_does_not_hold_is_rounded_as_python_rounds_it():
    draw = random.Random(11)
    compared = 0
    for _ in range(400):
        number, h = with_large_numbers(draw), draw.randint(1, 300)
        env = {"H": h}
        path = TracedPath(env, Box({"H": (1, None)}))
        try:
            value = number(Plain, h)
        except ZeroDivisionError:
            continue
        symbolic = number(Symbolic(path), H)
        assert numbers.value_at(symbolic, env) == value
        if abs(value) > 2**63:
            continue
        for whole, plain in WHOLE.values():
            assert evaluate(whole(path, symbolic), env) == plain(value), (h, whole)
        for other in (float("inf"), float("-inf"), float("nan"), 2**53 + 1, math.floor(value)):
            for name, plain in COMPARED.items():
                truth = getattr(comparisons, name)(path, symbolic, other)
                assert holds(truth, env) is plain(value, other), (h, name, other)
        compared += 1
    assert compared > 100


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.parametrize("endless", [float("inf"), float("-inf"), float("nan")])
def test_every_size_compares_alike_with_what_is_not_finite(name, endless):
    path = TracedPath({"H": 5}, Box({"H": (1, None)}))
    for number in (H, numbers.truediv(path, H, 3), numbers.square_root(path, H)):
        truth = getattr(comparisons, name)(path, number, endless)
        assert truth is COMPARED[name](5.0, endless)
        assert getattr(comparisons, name)(path, endless, number) is COMPARED[name](endless, 5.0)
    assert not any("==" in str(e.formula) for e in path.events)
