"""Functions of numpy on sizes, on lists of sizes and on arrays of them, as on numbers."""

import operator
import random
import subprocess
import sys

import numpy
import numpy as np
import pytest
import torch
from torch import nn

import archlint
from archlint.symbolic import symbol
from archlint.symbolic.formula import holds
from archlint.symbolic.intervals import Box
from archlint.symbolic.rational import Opaque
from archlint.tracing.path import TracedPath
from archlint.tracing.python.builtins import seen_type
from archlint.tracing.python.math_functions import math_of_sizes
from archlint.tracing.python.numpy_functions import numpy_of_sizes
from archlint.tracing.symint.numbers import value_at
from archlint.tracing.symint.python_types import sym_int

SIZES = [1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 24, 36, 64, 100, 129]
SEED = 20261201

CALLS = {
    "prod": lambda h: np.prod((2, h, 3)),
    "sum": lambda h: np.sum([h, 4]),
    "largest": lambda h: np.max((h, 8)),
    "smallest, a number": lambda h: np.min((h, 1)),
    "mean": lambda h: np.mean((h, 4)),
    "median": lambda h: np.median((h, 4, 9)),
    "clip": lambda h: np.clip(h, 4, 9),
    "round": lambda h: np.round(h / 4),
    "ceil of a float": lambda h: np.ceil(h / 2),
    "ceil of a size": lambda h: np.ceil(h),
    "floor of an array": lambda h: np.floor(np.array((h, 4)) / 3)[0],
    "sqrt of an array": lambda h: np.ceil(np.sqrt(np.array((h, 4))))[0],
    "an array's element": lambda h: np.array((h, 3))[0],
    "mean of numbers in an array": lambda h: np.mean(np.array((h, 3, 4))[1:]),
    "median of an array": lambda h: np.median(np.array((h, 4, 9, 50))),
    "an array's largest": lambda h: np.max(np.array((h, 3, 7))),
    "an array's product": lambda h: (np.array((h, 3)) // 2 * 2).prod(),
    "last of cumsum": lambda h: np.cumsum((h, 3))[-1],
    "a difference": lambda h: np.diff((3, h))[0],
    "stacked": lambda h: np.stack([np.array((h, 3)), np.array((1, h))])[1, 1],
    "a list divided": lambda h: np.divide((h, 3), 2)[0],
    "gcd": lambda h: np.gcd(h, 12),
    "lcm": lambda h: np.lcm(h, 4),
    "minimum": lambda h: np.minimum(h, 9),
    "mod": lambda h: np.mod(h, 5),
    "power": lambda h: np.power(h, 2),
    "to a negative power": lambda h: np.power(h / 1, -1),
    "plus a number": lambda h: np.sum((h, 4)) + 1,
    "a number plus": lambda h: 1 + np.sum((h, 4)),
    "a size plus": lambda h: h + np.sum((h, 4)),
    "a float of a size times": lambda h: h / 2 * np.sum((h, 4)),
    "divided": lambda h: np.sum((h, 4)) / 2,
    "divided by 0": lambda h: np.sum((h, 4)) / (h - 8),
    "floor divided by 0": lambda h: np.sum((h, 4)) // (h - 8),
    "remainder by 0": lambda h: np.sum((h, 4)) % (h - 8),
    "0 divided by 0": lambda h: np.float64(h - 8) / (h - 8) if h == 8 else np.float64(0),
    "a root below 0": lambda h: np.sqrt(h - 8) if h < 8 else np.float64(1),
    "a logarithm of 0": lambda h: np.log2(h - 1) if h == 1 else np.float64(1),
    "equal": lambda h: np.sum((h, 4)) == 12,
    "not equal": lambda h: ~(np.sum((h, 4)) == 12),
    "divmod": lambda h: divmod(np.sum((h, 4)), 3)[1],
    "rounded by Python": lambda h: round(np.sum((h, 4)) / 3),
    "an int again": lambda h: np.sum((h, 4)).item(),
    "a float again": lambda h: (np.sum((h, 4)) / 2).item(),
    "as a float": lambda h: np.sum((h, 4)).astype(float),
    "as an int": lambda h: (np.sum((h, 4)) / 3).astype(np.int64),
    "times numpy's number": lambda h: np.float64(0.5) * h,
    "numpy's number times": lambda h: h * np.int64(3),
    "a narrow float": lambda h: np.float32(0.1) * h if h in (3, 12) else np.float32(0),
    "bits": lambda h: np.sum((h, 4)) & 3,
    "shifted": lambda h: np.sum((h, 4)) << 2,
    "negative": lambda h: -np.sum((h, 4)),
    "any": lambda h: np.any(np.array((h, 4)) > 16),
    "all": lambda h: np.all(np.array((h, 14)) > 8),
    "largest place": lambda h: np.argmax((h, 4)),
    "array_equal": lambda h: np.array_equal((h, 4), (4, 4)),
}


def number(value, env):
    return value_at(value.node.value, env) if hasattr(value, "node") else value


def is_opaque(node):
    """Whether a number, or one of those of which it is the largest, is known at one size only."""
    value = getattr(node, "value", None)
    return any(isinstance(item, Opaque) for item in (value, *getattr(value, "items", ())))


def same(found, real):
    return found == real or (found != found and real != real)


def compare(call, most_events=4):
    """Whether a call is the same on a size and on each of the numbers of its path."""
    covered = set()
    with np.errstate(all="ignore"):
        for h in SIZES:
            if h in covered:
                continue
            path = TracedPath({"H": h}, Box({"H": (1, None)}))
            with math_of_sizes(), numpy_of_sizes(()):
                result = call(sym_int(symbol("H"), path))
            through = [o for o in SIZES if all(holds(e.formula, {"H": o}) for e in path.events)]
            assert h in through
            if is_opaque(getattr(result, "node", None)):
                through = [h]  # it pins the sizes once it is asked for its value
            for other in through:
                real = call(other)
                assert same(number(result, {"H": other}), real), other
                assert seen_type(result) is type(real), other
            covered.update(through)
            assert len(path.events) <= most_events, path.events
    assert covered == set(SIZES)


@pytest.mark.parametrize("name", CALLS)
def test_a_call_on_sizes_is_as_on_numbers(name):
    compare(CALLS[name])


MAKES = [
    lambda h: np.prod((h, 3)), lambda h: np.max((h, 6)), lambda h: np.array((h, 5))[0],
    lambda h: np.ceil(h / 2), lambda h: np.mean((h, 3)), lambda h: np.float64(h), lambda h: h,
    lambda h: h / 4, lambda h: np.int64(7), lambda h: np.float64(0.5), lambda h: 3, lambda h: 2.5,
]  # fmt: skip
OPERATORS = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.lt, operator.eq, operator.ge, np.minimum, np.maximum, np.add, np.divide, np.remainder,
]  # fmt: skip


@pytest.mark.parametrize("drawn", range(60))
def test_a_drawn_sum_of_sizes_and_scalars_has_numpys_type(drawn):
    draws = random.Random(SEED + drawn)
    left, right, more = (draws.choice(MAKES) for _ in range(3))
    first, second = draws.choice(OPERATORS[:6]), draws.choice(OPERATORS)
    compare(lambda h: second(first(left(h), right(h)), more(h)), most_events=len(SIZES))


class Asks(nn.Module):
    """A model whose output has another shape where a question is answered with yes."""

    def __init__(self, question):
        super().__init__()
        self.question = question

    def forward(self, x):
        return x.flip(0) if self.question(x) else x.sum(0)


QUESTIONS = {
    "int": lambda x: isinstance(np.prod(x.shape), int),
    "float": lambda x: isinstance(np.ceil(x.shape[2] / 2), float),
    "numpy's integer": lambda x: isinstance(np.prod(x.shape[1:]), np.integer),
    "type": lambda x: type(np.max(x.shape)) is np.int64,
    "dtype": lambda x: hasattr(np.prod(x.shape), "dtype"),
    "item": lambda x: isinstance(np.prod(x.shape).item(), int),
    "is": lambda x: np.sum(x.shape) is np.sum(x.shape),
    "text": lambda x: repr(np.prod(x.shape[:1])).startswith("n"),
    "no bit_length": lambda x: hasattr(np.prod(x.shape[:1]), "bit_length"),
    "of an array": lambda x: isinstance(np.array(x.shape)[1], int),
    "dtype of an array": lambda x: np.array(x.shape).dtype == np.int64,
    "list of an array": lambda x: isinstance((np.array(x.shape) // 2).tolist()[0], int),
    "a name of its own": lambda x: isinstance(_prod(x.shape), int),
}
_prod = numpy.prod


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_numpy_gives_is_no_number_of_python(name):
    """The answer is that of the real model, or it is not known."""
    model = Asks(QUESTIONS[name]).eval()
    found = archlint.infer(model, "N 3 H W")
    for sizes in ({"N": 1, "H": 4, "W": 5}, {"N": 2, "H": 9, "W": 1}):
        real = list(model(torch.zeros(sizes["N"], 3, sizes["H"], sizes["W"])).shape)
        if found.accepts(**sizes) is not None:
            assert list(found.output(**sizes)) == real


REFUSED = {
    "split": lambda x: x.split(np.max(x.shape[2:]), dim=2)[0],
    "adaptive pooling": lambda x: nn.functional.adaptive_avg_pool2d(x, np.min(x.shape[2:])),
}
TAKEN = {
    "narrow": lambda x: x.narrow(2, 0, np.min(x.shape[2:])),
    "interpolate": lambda x: nn.functional.interpolate(x, size=np.min(x.shape[2:])),
    "split by a list": lambda x: x.split([np.int64(1), np.max(x.shape[2:3]) - 1], dim=2)[0],
    "view": lambda x: x.view(-1, np.prod(x.shape[2:])),
    "split by an int": lambda x: x.split(int(np.max(x.shape[2:])), dim=2)[0],
}


class Calls(Asks):
    def forward(self, x):
        return self.question(x)


@pytest.mark.parametrize("name", REFUSED | TAKEN)
def test_what_takes_no_scalar_of_numpy_is_refused(name):
    model = Calls((REFUSED | TAKEN)[name]).eval()
    found = archlint.infer(model, "N 3 H W")
    assert found.exact, found.reasons
    x = torch.zeros(2, 3, 5, 4)
    assert found.accepts(N=2, H=5, W=4) is (name in TAKEN)
    if name in TAKEN:
        assert list(found.output(N=2, H=5, W=4)) == list(model(x).shape)
    else:
        with pytest.raises(TypeError):
            model(x)


WITHOUT_NUMPY = """
import sys, warnings

class Missing:
    def find_spec(self, name, *rest):
        if name.partition(".")[0] == "numpy":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
warnings.simplefilter("ignore")
import torch, archlint
print(archlint.infer(torch.nn.Linear(3, 2), "N 3").text, "numpy" in sys.modules)
"""


def test_no_trace_needs_numpy():
    command = [sys.executable, "-c", WITHOUT_NUMPY]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("any size False\n", 0), done.stderr


@pytest.mark.parametrize("operation", [operator.and_, operator.lshift, np.bitwise_or, np.gcd])
def test_what_numpy_refuses_of_floats_is_refused(operation):
    half = sym_int(symbol("H"), TracedPath({"H": 6}, Box({"H": (1, None)}))) / 2
    for left in (np.ceil(half), np.float64(3.0)):
        with pytest.raises(TypeError):
            operation(left, np.int64(2))


def test_the_originals_are_back():
    original = numpy.prod
    with numpy_of_sizes([Asks]):
        assert numpy.prod((2, 3)) == 6
        assert {numpy.prod, _prod} == {original}
        assert id(original) not in (id(numpy.prod), id(_prod))
    assert numpy.prod is original
    assert _prod is original
