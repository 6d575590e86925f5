"""The protocol conformance test: what user code does with sizes, on sizes as on numbers.

Each operation runs on integers and on ``torch.SymInt``\\ s with archlint's nodes. It must give the
same value at the path's own sizes, at every other size that the recorded branches let through,
and it must record no more than the table allows. For a new torch, the failing lines say what
changed.
"""

import math
import numbers as numbers_of_python
import operator

import pytest
import torch

from archlint.symbolic import symbol
from archlint.symbolic.formula import Formula, holds
from archlint.symbolic.intervals import Box
from archlint.symbolic.rational import Opaque, Ratio
from archlint.tracing.path import TracedPath
from archlint.tracing.symint import comparisons as comparing
from archlint.tracing.symint.node import size_of
from archlint.tracing.symint.numbers import value_at
from archlint.tracing.symint.python_types import sym_int
from tests.support.traced_sizes import HINT, let_through

# torch 2.6 turns a SymFloat into an int that way.
pytestmark = pytest.mark.filterwarnings("ignore:The delegation of int:DeprecationWarning")

H, W = symbol("H"), symbol("W")


OTHERS = [{"H": h, "W": w} for h in (1, 2, 3, 7, 29, 30, 31, 64) for w in (1, 5, 43, 44, 45, 90)]

FREE = {
    "h + 1": lambda h, w: h + 1,
    "1 + h": lambda h, w: 1 + h,
    "h + w": lambda h, w: h + w,
    "h - 7": lambda h, w: h - 7,
    "7 - h": lambda h, w: 7 - h,
    "h - w": lambda h, w: h - w,
    "h - h": lambda h, w: h - h,
    "h * 3": lambda h, w: h * 3,
    "3 * h": lambda h, w: 3 * h,
    "h * w": lambda h, w: h * w,
    "-h": lambda h, w: -h,
    "+h": lambda h, w: +h,
    "h // 4": lambda h, w: h // 4,
    "h // -4": lambda h, w: h // -4,
    "100 // h": lambda h, w: 100 // h,
    "h // w": lambda h, w: h // w,
    "h % 7": lambda h, w: h % 7,
    "-h % 7": lambda h, w: -h % 7,
    "h % -7": lambda h, w: h % -7,
    "100 % h": lambda h, w: 100 % h,
    "h % w": lambda h, w: h % w,
    "h ** 2": lambda h, w: h**2,
    "h ** 0": lambda h, w: h**0,
    "h << 2": lambda h, w: h << 2,
    "h >> 2": lambda h, w: h >> 2,
    "abs(h)": lambda h, w: abs(h),
    "abs(h - w)": lambda h, w: abs(h - w),
    "round(h)": lambda h, w: round(h),
    "h / 2": lambda h, w: h / 2,
    "h / w": lambda h, w: h / w,
    "60 / h": lambda h, w: 60 / h,
    "h * 0.5": lambda h, w: h * 0.5,
    "0.25 * h + 1": lambda h, w: 0.25 * h + 1,
    "h - 0.5": lambda h, w: h - 0.5,
    "0.5 - h": lambda h, w: 0.5 - h,
    "-(h / 2)": lambda h, w: -(h / 2),
    "h // 2.0": lambda h, w: h // 2.0,
    "h % 4.0": lambda h, w: h % 4.0,
    "h * 0.5 % 4": lambda h, w: h * 0.5 % 4,
    "h % 2.5": lambda h, w: h % 2.5,
    "h / 2 // 3": lambda h, w: h / 2 // 3,
    "math.floor(h / 4)": lambda h, w: math.floor(h / 4),
    "math.ceil(h / 32)": lambda h, w: math.ceil(h / 32),
    "math.trunc(h / 4)": lambda h, w: math.trunc(h / 4),
    "math.floor(h * 0.25)": lambda h, w: math.floor(h * 0.25),
    "math.ceil(h / w)": lambda h, w: math.ceil(h / w),
    "math.floor(h)": lambda h, w: math.floor(h),
    "math.ceil(h)": lambda h, w: math.ceil(h),
    "math.trunc(h - 100)": lambda h, w: math.trunc(h - 100),
    "round(h / 3)": lambda h, w: round(h / 3),
    "h * 7 / 32 floored": lambda h, w: math.floor(h * 7 / 32),
    "sym_float(h)": lambda h, w: torch.sym_float(h),
    "sym_float(h) == h": lambda h, w: torch.sym_float(h) == h,
    "sym_int(h)": lambda h, w: torch.sym_int(h),
    "sym_int(h / 2)": lambda h, w: torch.sym_int(h / 2),
    "sym_int(h * 2.0)": lambda h, w: torch.sym_int(h * 2.0),
    "sym_max(h, w)": lambda h, w: torch.sym_max(h, w),
    "sym_max(h, 20)": lambda h, w: torch.sym_max(h, 20),
    "sym_min(h, w)": lambda h, w: torch.sym_min(h, w),
    "sym_min(20, h)": lambda h, w: torch.sym_min(20, h),
    "sym_not(h == 3)": lambda h, w: torch.sym_not(h == 3),
    "sym_sum([h, 1, w])": lambda h, w: torch.sym_sum([h, 1, w]),
    "sum([h, 1, w])": lambda h, w: sum([h, 1, w]),
    "math.prod([h, 2, w])": lambda h, w: math.prod([h, 2, w]),
    "h == 30": lambda h, w: h == 30,
    "h != w": lambda h, w: h != w,
    "h < w": lambda h, w: h < w,
    "h <= 30": lambda h, w: h <= 30,
    "h > 29": lambda h, w: h > 29,
    "30 > h": lambda h, w: 30 > h,  # noqa: SIM300
    "h >= w": lambda h, w: h >= w,
    "h / 2 > 15": lambda h, w: h / 2 > 15,
    "h * 0.5 <= w": lambda h, w: h * 0.5 <= w,
    "h / w > 1": lambda h, w: h / w > 1,
    "1.0 > h / w": lambda h, w: h / w < 1.0,
    "h / w <= 0.75": lambda h, w: h / w <= 0.75,
    "h / w == 2": lambda h, w: h / w == 2,
    "h / 3 >= w": lambda h, w: h / 3 >= w,
    "h == 0.5": lambda h, w: h == 0.5,
    "(h > 3) & (w > 3)": lambda h, w: (h > 3) & (w > 3),
    "(h > 31) | (w > 3)": lambda h, w: (h > 31) | (w > 3),
    "max(h, 1)": lambda h, w: max(h, 1),
    "min(0, h)": lambda h, w: min(0, h),
    "bool(h)": lambda h, w: bool(h),
    "bool(h / 2)": lambda h, w: bool(h / 2),
    "h is none of the numbers": lambda h, w: h in (0, -3),
    "isinstance": lambda h, w: isinstance(h, (int, torch.SymInt)),
    "torch.Size": lambda h, w: torch.Size([2, h, w])[1],
    "Size[-1]": lambda h, w: torch.Size([2, h, w])[-1],
    "Size[1:]": lambda h, w: tuple(torch.Size([2, h, w])[1:]),
    "Size + Size": lambda h, w: tuple(torch.Size([h]) + torch.Size([w])),
    "(*Size, 3)": lambda h, w: (*torch.Size([2, h]), 3),
    "len(Size)": lambda h, w: len(torch.Size([2, h])),
    "unpacking": lambda h, w: [n + 1 for n in torch.Size([2, h, w])],
    "Size == itself": lambda h, w: torch.Size([2, h]) == torch.Size([2, h]),
    "h & 3": lambda h, w: h & 3,
    "h & 22": lambda h, w: h & 22,
    "h & -8": lambda h, w: h & -8,
    "(h + 7) & ~7": lambda h, w: (h + 7) & ~7,
    "-h & 12": lambda h, w: -h & 12,
    "h | 1": lambda h, w: h | 1,
    "5 ^ h": lambda h, w: 5 ^ h,
    "~h": lambda h, w: ~h,
    "divmod(h, 4)": lambda h, w: divmod(h, 4),
    "divmod(100, h)": lambda h, w: divmod(100, h),
    "round(h / 2)": lambda h, w: round(h / 2),
    "round(h / 6)": lambda h, w: round(h / 6),
    "round((h - 90) / 4)": lambda h, w: round((h - 90) / 4),
    "round(h * 1.5)": lambda h, w: round(h * 1.5),
    "round(h * 0.125)": lambda h, w: round(h * 0.125),
    "bool(h ** 0.5)": lambda h, w: bool(h**0.5),
    "floor(h ** 0.5)": lambda h, w: math.floor(h**0.5),
    "ceil(h ** 0.5)": lambda h, w: math.ceil(h**0.5),
    "round(h ** 0.5)": lambda h, w: round(h**0.5),
    "(h * w) ** 0.5 == h": lambda h, w: (h * w) ** 0.5 == h,
    "h ** 0.5 > 5": lambda h, w: h**0.5 > 5,
    "(h ** 0.5).is_integer()": lambda h, w: (h**0.5).is_integer(),
    "(h / 3).is_integer()": lambda h, w: (h / 3).is_integer(),
    "h ** 2.0": lambda h, w: h**2.0,
    "floor(h / 7 * 4)": lambda h, w: math.floor(h / 7 * 4),
    "h.bit_length()": lambda h, w: h.bit_length(),
    "1 << h.bit_length()": lambda h, w: 1 << h.bit_length(),
    "2 ** (h + 1).bit_length()": lambda h, w: 2 ** (h + 1).bit_length(),
    "h.numerator": lambda h, w: h.numerator + h.denominator + h.imag + h.real,
    "h.as_integer_ratio()": lambda h, w: h.as_integer_ratio(),
    "h.conjugate()": lambda h, w: h.conjugate(),
    "isinstance of int": lambda h, w: isinstance(h, int) and isinstance(h / 2, float),
    "isinstance of Number": lambda h, w: isinstance(h, numbers_of_python.Integral),
    "isinstance of bool": lambda h, w: isinstance(h > 3, bool),
    "h.__class__": lambda h, w: (h.__class__ is int, (h / 2).__class__ is float),
    "match int": lambda h, w: matched(h),
    "is_integer": lambda h, w: (h / 4 + 0.5).is_integer(),
    "window padding": lambda h, w: (h + (7 - h % 7) % 7) % 7,
}

ASKED = {  # recorded as one question or two, each true for many sizes
    "if h % 7": lambda h, w: 1 if h % 7 else 2,
    "h > w and w > 3": lambda h, w: 1 if h > w and w > 3 else 2,
    "not h > w": lambda h, w: not h > w,
    "max(h, w)": lambda h, w: max(h, w),
    "min(h, w)": lambda h, w: min(h, w),
    "max([h, 40, w])": lambda h, w: max([h, 40, w]),
    "sorted": lambda h, w: sorted([h, w]),
    "10 // (h - 20)": lambda h, w: 10 // (h - 20),
    "math.trunc((h - 100) / 4)": lambda h, w: math.trunc((h - 100) / 4),
    "int(h > 3)": lambda h, w: int(h > w),
    "sum([h > 31, 2])": lambda h, w: sum([h > 31, 2]),
    "(h > 31) == 1": lambda h, w: (h > 31) == 1,
    "h == (w > 40)": lambda h, w: h == (w > 40),
    "(h > 31) & 1": lambda h, w: (h > 31) & 1,
    "h << (w > 40)": lambda h, w: h << (w > 40),
    "sym_max(h, w > 40)": lambda h, w: torch.sym_max(h, w > 40),
    "bool(h / 2 - 15)": lambda h, w: bool(h / 2 - 15),
    "max(h / w, 1.0)": lambda h, w: math.floor(max(h / w, 1.0)),
    "if h / 2 > 15": lambda h, w: 1 if h / 2 > 15 else 2,
    "assert": lambda h, w: 1 if h == w else 2,
    "Size == tuple": lambda h, w: torch.Size([2, h]) == (2, 31),
    "Size != Size": lambda h, w: torch.Size([2, h]) != torch.Size([2, w]),
    "in": lambda h, w: h in (31, 32),
    "round(h / 3 * 2)": lambda h, w: math.floor(h / 3 * 5),
    "int(h * 0.7)": lambda h, w: math.floor(h * 0.7),
    "math.ceil(h * 1.1)": lambda h, w: math.ceil(h * 1.1),
    "round(h * 0.3)": lambda h, w: round(h * 0.3),
    "pow(h, 3, 7)": lambda h, w: pow(h, 3, 7),
    "h & (h - 1)": lambda h, w: bool(h & (h - 1)),
    "h & -h": lambda h, w: bool(h & -h == h),
    "h ** (w % 2)": lambda h, w: h ** (w % 2),
}


def matched(number):
    match number:
        case float():
            return "float"
        case int(n):
            return n + 1


PINNED = {  # needs the number itself
    "int(h)": lambda h, w: int(h),
    "int(h / 3)": lambda h, w: int(h / 3),
    "float(h)": lambda h, w: float(h),
    "float(h / 2)": lambda h, w: float(h / 2),
    "range(h)": lambda h, w: list(range(h)),
    "range(0, h, 4)": lambda h, w: [i * 2 for i in range(0, h, 4)],
    "[0] * h": lambda h, w: [0] * h,
    "list slicing": lambda h, w: list("abcdef" * 20)[: h // 4],
    "list indexing": lambda h, w: list(range(99))[h],
    "math.sqrt(h)": lambda h, w: math.sqrt(h),
    "math.log2(h)": lambda h, w: math.log2(h),
    "2 ** h": lambda h, w: 2**h,
    "h ** -1": lambda h, w: float(h**-1),
    "h / 3 * 3": lambda h, w: int(h / 3 * 3),
    "float in an f-string": lambda h, w: f"{float(h):.2f}",
    "1 << h": lambda h, w: 1 << h,
    "Size.numel": lambda h, w: torch.Size([2, h]).numel(),  # torch's own C++ asks for numbers
    "bit_length": lambda h, w: int(h).bit_length(),
}


@pytest.fixture
def path():
    return TracedPath(HINT, Box({"H": (1, None), "W": (1, None)}))


def walked(path, operation):
    return operation(sym_int(H, path), sym_int(W, path))


def numbers(value, env):
    """The result as plain Python at concrete sizes."""
    if isinstance(value, (list, tuple)):
        return [numbers(v, env) for v in value]
    return value_at(size_of(value), env) if hasattr(value, "node") else value


def plain(operation, env):
    return numbers(operation(env["H"], env["W"]), env)


def lost_exactness(value):
    """Whether a value is only known at the path's own sizes."""
    if isinstance(value, (list, tuple)):
        return any(map(lost_exactness, value))
    return isinstance(size_of(value), Opaque)


def check(path, operation):
    result = walked(path, operation)
    same = numbers(result, HINT)
    assert same == plain(operation, HINT)
    if not isinstance(same, (list, tuple)):
        assert type(same) is type(plain(operation, HINT))
    for env in OTHERS:
        if let_through(path, env) and not lost_exactness(result):
            assert numbers(result, env) == plain(operation, env), env
    assert all(e.kind == "branch" and holds(e.formula, HINT) for e in path.events)


@pytest.mark.parametrize("name", FREE)
def test_nothing_is_asked(path, name):
    check(path, FREE[name])
    assert [str(e.formula) for e in path.events] == []


@pytest.mark.parametrize("name", ASKED)
def test_only_what_it_depends_on_is_asked(path, name):
    check(path, ASKED[name])
    assert 1 <= len(path.events) <= 2, path.events
    assert any(let_through(path, env) for env in OTHERS if env != HINT)


@pytest.mark.parametrize("name", PINNED)
def test_a_number_is_pinned(path, name):
    check(path, PINNED[name])
    assert path.events
    left = [h for h in range(1, 200) if let_through(path, {"H": h, "W": 44})]
    assert 30 in left
    assert len(left) <= 4


EXACT = {
    "h // 4": "H//4",
    "math.ceil(h / 32)": "ceil(H/32)",
    "math.ceil(h / w)": "ceil(H/W)",
    "math.floor(h * 0.25)": "H//4",
    "h * 7 / 32 floored": "(7*H)//32",
    "sym_max(h, w)": "max(H, W)",
    "sym_sum([h, 1, w])": "H+W+1",
    "h % w": "H % W",
    "window padding": "0",
    "round(h / 3)": "(H+1)//3",
    "sym_int(h / 2)": "H//2",
    "h << 2": "4*H",
    "abs(h)": "H",
}


@pytest.mark.parametrize("name", EXACT)
def test_formulas_stay_exact(path, name):
    assert str(size_of(walked(path, FREE[name]))) == EXACT[name]


@pytest.mark.parametrize("compared", ["lt", "le", "gt", "ge", "eq", "ne"])
def test_truths_compare_as_numbers(path, compared):
    one, other = sym_int(H, path) > 5, sym_int(W, path) > 40
    found = getattr(comparing, compared)(path, size_of(one), size_of(other))
    assert path.events == []
    for env in OTHERS:
        assert holds(found, env) is getattr(operator, compared)(env["H"] > 5, env["W"] > 40)


def test_the_text_of_an_error_shows_the_formula(path):
    with pytest.raises(ValueError, match=r"^H//2, H/2, H >= 4: H$"):
        refuse(sym_int(H, path))
    assert path.events == []


def refuse(h):
    raise ValueError(f"{h // 2}, {h / 2}, {h > 3}: " + str(h))


def test_a_text_that_may_be_anything_pins_the_size(path):
    texts = [str(sym_int(H, path)), f"{sym_int(H, path):4d}", "%d" % sym_int(H, path)]  # noqa: UP031
    assert texts == ["30", "  30", "30"]
    assert [(e.kind, str(e.formula)) for e in path.events] == [("branch", "H == 30")]


LOOKED_UP = {
    "a text in a dict": lambda h: str(h) in {"30": 1, "40": 2},
    "a text in an f-string": lambda h: f"w{h}" in {"w30", "w31"},
    "a size in a dict": lambda h: {30: 5, 31: 6}.get(h, 7),
    "a size in a set": lambda h: h in {30, 31},
    "a size in a tuple of sizes": lambda h: (h, 3) in {(30, 3): 1, (31, 4): 2},
    "an equal text": lambda h: f"{h}x" == "30x",
}


@pytest.mark.parametrize("size", [30, 31, 32, 40])
@pytest.mark.parametrize("name", LOOKED_UP)
def test_a_look_up_branches_on_the_entries(name, size):
    path = TracedPath({"H": size, "W": 44}, Box({"H": (1, None), "W": (1, None)}))
    assert LOOKED_UP[name](sym_int(H, path)) == LOOKED_UP[name](size)
    assert 1 <= len(path.events) <= 8
    through = [h for h in range(1, 99) if let_through(path, {"H": h, "W": 44})]
    assert size in through
    for other in through:
        assert LOOKED_UP[name](other) == LOOKED_UP[name](size)
    assert size in (30, 31, 40) or len(through) > 80


def test_a_size_has_no_hash_where_its_use_is_not_known(path):
    with pytest.raises(TypeError, match="unhashable"):
        hash(sym_int(H, path))


def test_where_a_size_may_be_a_key_its_hash_pins_it(path):
    path.eager = True
    assert hash(sym_int(H + 1, path)) == hash(31)
    assert [(e.kind, str(e.formula)) for e in path.events] == [("branch", "H == 30")]


def test_there_and_back(path):
    assert sym_int(7, path) == 7
    assert type(sym_int(7, path)) is int
    assert size_of(sym_int(H * W, path)) is H * W
    assert size_of("x") == "x"
    assert isinstance(size_of(sym_int(H, path) / 2), Ratio)
    assert isinstance(size_of(sym_int(H, path) > 3), Formula)
    assert isinstance(size_of(sym_int(H, path) ** 0.3), Opaque)


def test_division_by_what_is_zero_here():
    path = TracedPath({"H": 8}, Box({"H": (1, None)}))
    for divide in (lambda h: 5 // (h - 8), lambda h: h % (h - 8), lambda h: 5 / (h - 8)):
        with pytest.raises(ZeroDivisionError):
            divide(sym_int(H, path))
    assert len(path.events) == 1
