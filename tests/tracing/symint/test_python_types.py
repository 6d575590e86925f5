"""Models that ask sizes as Python asks them, against the same models on plain numbers."""

import contextlib
import fractions
import math
import numbers

import numpy
import pytest
import torch
from torch import nn

import archlint

SIZES = [*range(1, 71), 127, 128, 129, 180, 200, 1000]


class Asks(nn.Module):
    """Its output has as many rows as the function of the size says, and one more."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        rows = abs(self.function(x.shape[2])) + 1
        return x[:, :, :1].expand(-1, -1, rows, -1)


def named(h):
    heads = nn.ModuleDict({"w16": nn.Identity(), "w224": nn.Identity(), "other": nn.Identity()})
    key = f"w{h}"
    return 1 if key in heads else 2


def joined(h):
    key = f"{h}"
    longer = key + "x"
    return 1 if longer in {"16x": 1} else 2


def formatted(h):
    key = str(h)
    return {"h16": 1, "h2": 3}.get(f"h{key}", 2)


def chosen(h):
    match h:
        case bool():
            return 0
        case int(n):
            return n + 1
    return 1


def rows(h, table=((16, 3), (32, 4))):
    sizes = dict(table)
    return sizes[h] if h in sizes else sizes.get(h + 1, 9)


EXACT = {
    "isinstance": lambda h: (h + 1) // 2 if isinstance(h, int) else h,
    "isinstance of Number": lambda h: 1 if isinstance(h, numbers.Number) else h,
    "type": lambda h: 1 if type(h) is int else h,
    "type in": lambda h: 1 if type(h / 2) in (int, float) else h,
    "match": chosen,
    "text as a key": named,
    "text in a longer key": joined,
    "text of a text as a key": formatted,
    "text as an attribute": lambda h: 1 if hasattr(torch, f"int{h}") else 2,
    "digits": lambda h: len(str(h)),
    "dict": rows,
    "set": lambda h: 5 if h in {8, 16} else 6,
    "round": lambda h: round(h / 4),
    "int of a root": lambda h: int(h**0.5),
    "int of math.sqrt": lambda h: int(math.sqrt(h)),
    "product with a float": lambda h: int(h * 0.7),
    "rounded product": lambda h: round(h * 0.3),
    "product rounded up": lambda h: math.ceil(h * 1.1),
    "quotient by a float": lambda h: int(h / 0.7),
    "negative product": lambda h: int((5 - h) * 0.7),
    "product doubled": lambda h: int(h * 0.7 * 2),
    "scale of a position table": lambda h: int(float(h + 0.1) / 4),
    "fraction": lambda h: int(fractions.Fraction(h, 6)),
    "log2": lambda h: int(math.log2(h)),
    "next power of two": lambda h: 1 << (h - 1).bit_length(),
    "list slice": lambda h: len([1, 2, 3, 4, 5, 6][:h]),
    "torch.div": lambda h: int(torch.div(h, 4, rounding_mode="trunc")),
    "torch.floor_divide": lambda h: int(torch.floor_divide(h, 4)),
    "a tensor of a size": lambda h: torch.tensor(h).item() // 2,
    "several keys": lambda h: {(8, 3): 1, (16, 4): 2}.get((h, 3), 5),
    "a joined key": lambda h: {"8x3": 1}.get("x".join(map(str, (h, 3))), 2),
    "float and back": lambda h: int(float(h) / 2),
    "gcd": lambda h: math.gcd(h, 12),
    "numpy": lambda h: int(numpy.ceil(h / 4)) + int(numpy.prod((h, 2))),
    "numpy's root up": lambda h: numpy.ceil(numpy.sqrt(h)).astype(int),
    "numpy's logarithm": lambda h: (5 * numpy.ceil(numpy.log(h)).astype("int").item()) % 7,
    "a number of numpy": lambda h: (
        numpy.floor(h / 4).astype(numpy.int64).item()
        if isinstance(numpy.ceil(h / 2).astype(int), int)
        else int(numpy.rint(h / 4))
    ),
    "logarithm to a base": lambda h: int(math.log(h, 2)) + int(2 * math.log(h)),
    "product with a number of numpy": lambda h: int(numpy.int64(3) * h) + int(h / numpy.float64(2)),
    "type of numpy": lambda h: int(numpy.arange(3.0).astype(int).dtype == "int64") + int(h * 0.5),
    "product of a float": lambda h: int(float(h) * 0.7) + int(float(h) / 0.3),
    "hash": lambda h: hash(h) % 3,
    "bits": lambda h: (h + 7) & ~7 | 1,
    "larger quotient": lambda h: 1 if max(h / ((h + 1) // 2), 1.9) * h > 57 else 2,
    "larger of a list": lambda h: int(max([h / 3, h * 0.4, 5.0]) * 2),
    "smaller quotient": lambda h: math.ceil(min(h / 3, 7.0)),
    "product and number": lambda h: 1 if h * 0.7 > 21 else 2 if 0.1 * h <= 0.3 else 3,
    "power of two": lambda h: 1 if h & (h - 1) else 2,
}


@pytest.mark.parametrize("name", EXACT)
def test_a_question_has_the_answer_of_a_number(name):
    function = EXACT[name]
    found = archlint.infer(Asks(function).eval(), "N 3 H W")
    assert found.exact, found.reasons
    for h in SIZES:
        assert found.accepts(N=1, H=h, W=2)
        assert found.output(N=1, H=h, W=2)[2] == abs(function(h)) + 1, h


def test_a_grid_of_patches_is_square():
    class Grid(nn.Module):
        def forward(self, x):
            n = x.shape[2] * x.shape[3]
            side = int(math.sqrt(n))
            if side * side != n:
                raise ValueError(f"{n} patches are no square")
            return x.reshape(x.shape[0], 3, side, side)

    found = archlint.infer(Grid().eval(), "N 3 H W")
    assert found.exact, found.reasons
    for h in (1, 2, 3, 4, 8, 9, 12):
        for w in (1, 2, 3, 4, 9, 16, 27):
            square = math.isqrt(h * w) ** 2 == h * w
            assert found.accepts(N=1, H=h, W=w) is square
            if square:
                assert found.output(N=1, H=h, W=w)[2] == math.isqrt(h * w)


HEADS = {"224": nn.Linear(224, 4), "384": nn.Linear(384, 4)}


class Heads(nn.Module):
    def __init__(self):
        super().__init__()
        self.heads = nn.ModuleDict(HEADS)

    def forward(self, x):
        key = str(x.shape[-1])
        return self.heads[key](x) if key in self.heads else x.mean(-1, keepdim=True)


@pytest.mark.parametrize("samples", [0, 4])
def test_a_text_is_never_that_of_an_example(samples):
    verdict = archlint.check(
        Heads().eval(), input="N 3 H W", accepts="any H, W >= 32", output="N 3 H 1", samples=samples
    )
    assert verdict.word == "broken"
    assert verdict.counterexample["W"] in (224, 384)


TEXTS = {
    "of a shape": lambda x: x if str(x.shape) in KEYS else x[:0],
    "of a tuple": lambda x: x if f"{tuple(x.shape[2:])}" in KEYS else x[:0],
    "of a computed tuple": lambda x: x if str((x.shape[2], x.shape[3] // 2)) in KEYS else x[:0],
    "of a list": lambda x: x if repr(list(x.shape[2:])) in KEYS else x[:0],
    "of a number": lambda x: x if str(x.shape[2]) in KEYS else x[:0],
}
KEYS = ("torch.Size([1, 3, 8, 8])", "(8, 8)", "(8, 4)", "[8, 8]", "8")


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_the_text_of_sizes_together_is_a_key(text):
    class Cached(nn.Module):
        def forward(self, x):
            return text(x)

    found = archlint.infer(Cached(), "N 3 H W")
    assert found.exact
    for n, h, w in ((1, 8, 8), (1, 8, 4), (1, 4, 8), (2, 8, 8), (1, 88, 8), (1, 5, 6)):
        assert found.output(N=n, H=h, W=w) == tuple(text(torch.zeros(n, 3, h, w)).shape)


def test_a_message_costs_nothing():
    class Warns(nn.Module):
        def forward(self, x):
            h = x.shape[2]
            if h % 2:
                raise ValueError(f"height {h} is odd, use {h + 1:d} or %d" % (h - 1))
            with contextlib.suppress(Exception):
                print("height", h, f"{h / 2:.1f}")
            return x

    found = archlint.infer(Warns().eval(), "N 3 H W")
    assert found.exact
    assert found.text == "H % 2 == 0"


def extended(h, message="odd"):
    message += f": {h}"
    message += f", got {[h]}"
    error = ValueError(message)
    raise error


def in_parts(h):
    text = f"height {h}"
    if h > 4:
        text = "large " + str(h)
    raise ValueError(text + ".")


@pytest.mark.parametrize("refuse", [extended, in_parts])
def test_a_message_in_steps_costs_nothing(refuse):
    class Refuses(nn.Module):
        def forward(self, x):
            if x.shape[2] % 2:
                refuse(x.shape[2])
            return x

    found = archlint.infer(Refuses().eval(), "N 3 H W")
    assert found.exact
    assert found.text == "H % 2 == 0"


class Rows:
    """Iterates as Python did before ``__iter__``: until ``__getitem__`` raises ``IndexError``."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __getitem__(self, i):
        return self.tensor[i]


ITERATIONS = {
    "for": lambda x: torch.stack([row.sum() for row in Rows(x)]),
    "list": lambda x: torch.stack(list(Rows(x))),
    "next": lambda x: next(iter(Rows(x))),
    "subscript": lambda x: Rows(x)[3],
}


@pytest.mark.parametrize("name", ITERATIONS)
def test_an_index_error_ends_an_iteration(name):
    class Iterates(nn.Module):
        def forward(self, x):
            return ITERATIONS[name](x)

    found = archlint.infer(Iterates().eval(), "H W", paths=12)
    for h in range(1, 9):
        try:
            right = tuple(ITERATIONS[name](torch.zeros(h, 2)).shape)
        except IndexError:
            right = None
        accepted = found.accepts(H=h, W=2)
        assert accepted is (right is not None)
        assert not accepted or tuple(found.output(H=h, W=2)) == right


class Slices(nn.Module):
    """Takes half of the columns, by a tensor in the place of a number."""

    def forward(self, x):
        half = torch.as_tensor(x.shape[-1]) // 2
        return x[..., :half]


def test_a_tensor_of_a_size_is_a_bound():
    found = archlint.infer(Slices().eval(), "N T")
    assert found.exact
    assert [found.output(N=1, T=t)[1] for t in range(1, 9)] == [0, 1, 1, 2, 2, 3, 3, 4]


class Windows(nn.Module):
    """Recovers the batch as the first Swin did, by dividing floats."""

    def forward(self, x):
        n, c, h, w = x.shape
        windows = x.view(n, c, h // 7, 7, w // 7, 7).permute(0, 2, 4, 3, 5, 1).reshape(-1, 7, 7, c)
        batch = int(windows.shape[0] / (h * w / 7 / 7))
        return windows.view(batch, h // 7, w // 7, 7, 7, c)


def test_a_batch_is_recovered_by_dividing_floats():
    found = archlint.infer(Windows().eval(), "N 3 H W")
    assert found.exact, found.reasons
    for n, h, w in [(1, 7, 7), (3, 14, 21), (5, 7, 700), (7, 49, 63), (2, 8, 7), (2, 7, 20)]:
        assert found.accepts(N=n, H=h, W=w) is (h % 7 == w % 7 == 0)
        if h % 7 == w % 7 == 0:
            assert found.output(N=n, H=h, W=w)[0] == n


class Positions(nn.Module):
    """Functions of ``math`` make values of tensors, and no sizes."""

    def forward(self, x):
        half = torch.linspace(3.0, math.log(x.shape[-1]) / math.log(2.0), 4)
        scale = math.tanh(x.shape[-1] / 9) * math.cos(x.shape[-1]) + math.hypot(x.shape[-1], 2)
        return x[..., None] * half * scale / math.log10(x.shape[-1] + 1.5)


def test_functions_of_floats_pin_no_size():
    found = archlint.infer(Positions().eval(), "N T")
    assert found.text == "any size"
    assert found.exact
    assert len(found.explored.paths) == 1


FLOATS = {
    "root": lambda t: math.sqrt(t),
    "power": lambda t: t**0.5 * 2,
    "product": lambda t: t * 0.7,
    "log2": lambda t: math.log2(t),
    "largest": lambda t: max(t / 3, 1.5),
    "absolute": lambda t: abs(1 / math.sqrt(t) - t * 0.1),
}


class Scaled(nn.Module):
    """It passes a float made from a size to operators of many kinds."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def forward(self, x):
        n = self.number(x.shape[-1])
        x = x * n / (n + 0.5) - torch.full_like(x, n).masked_fill(x > n, n).clamp(-n, n)
        x = torch.where(x < n, x**n, n**x) + torch.full((1,), n) + torch.tensor([n])
        return x[..., None] * torch.linspace(0, n, 4) * torch.exp(-torch.arange(4) / n)


@pytest.mark.parametrize("name", FLOATS)
def test_a_float_in_a_tensor_pins_no_size(name):
    found = archlint.infer(Scaled(FLOATS[name]).eval(), "N T")
    assert found.text == "any size"
    assert found.exact
    assert len(found.explored.paths) == (2 if name == "largest" else 1)  # by which is larger


class Cache(nn.Module):
    """It finds how it padded in a table, by the text of sizes that it computes in two ways."""

    def __init__(self):
        super().__init__()
        self.table = {}

    def forward(self, x):
        sides = [round(0.25 * size) for size in x.shape[2:]]
        padded = nn.functional.pad(x, [side for side in reversed(sides) for _ in range(2)])
        key = [round(1.0 * size) for size in padded.shape[2:]]
        self.table[f"16x{key}"] = [slice(n or None, -n or None) for n in sides]
        return padded[(..., *self.table[f"{16}x{list(padded.shape[2:])}"])]


def test_a_text_that_became_a_key_is_found_by_the_same_text():
    found = archlint.infer(Cache().eval(), "N 2 H W")
    assert found.text == "any size", found.reasons
    assert found.exact
    for size in [(1, 2, 3, 8), (1, 2, 16, 2), (1, 2, 5, 1)]:
        n, _, h, w = size
        assert Cache()(torch.zeros(size)).shape == found.output(N=n, H=h, W=w)


NUMPY = {
    "reshape": lambda x: x.reshape(x.shape[0], numpy.int64(3), -1),
    "subscript": lambda x: x[:, :, : numpy.int64(4)],
    "view": lambda x: x.view(-1, numpy.prod([3, 2])),
    "zeros": lambda x: x.new_zeros(numpy.int32(4), 2).expand(numpy.int64(4), 2),
}


@pytest.mark.parametrize("function", NUMPY.values(), ids=NUMPY)
def test_an_integer_of_numpy_is_a_size(function):
    class Sized(nn.Module):
        def forward(self, x):
            return function(x)

    found = archlint.infer(Sized(), "N 3 H")
    assert found.exact
    for n, h in ((1, 1), (2, 3), (3, 5), (1, 8), (2, 4)):
        try:
            real = tuple(function(torch.zeros(n, 3, h)).shape)
        except RuntimeError:
            real = None
        assert found.output(N=n, H=h) == real
