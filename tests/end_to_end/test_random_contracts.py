"""Random promises about small random networks: decided, and held against running all of a box."""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from types import CodeType

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from archlint.contracts.contract import Budget
from archlint.engine.pipeline import check_source
from archlint.engine.python_contracts import contract_of
from archlint.models.targets import from_instance
from tests.end_to_end.test_random_networks import C, blocks, heads
from tests.support.examples import examples

Sizes = dict[str, int]


# -- what a contract says, in its own words and in Python's -------------------------------------


@lru_cache
def compiled(python: str) -> CodeType:
    return compile(python, "<promise>", "eval")


@dataclass(frozen=True)
class CapturedOutput:
    """A condition: the rule file's words, Python's, and the sizes that it lets start at 0."""

    words: str
    python: str
    from_zero: tuple[str, ...] = ()

    @property
    def both(self) -> tuple[str, str]:
        return self.words, self.python

    def holds(self, sizes: Sizes) -> bool:
        return bool(eval(compiled(self.python), {"min": min, "max": max, "range": range}, sizes))

    def about(self, sizes: Sizes) -> bool:
        """Whether only those sizes are 0 that may be."""
        return all(size or name in self.from_zero for name, size in sizes.items())


def same(words: str) -> tuple[str, str]:
    """Where Python says it alike."""
    return words, words


OF_ONE = [
    same("{a} >= {k}"), same("{a} <= {k}"), same("{a} < {m}"), same("{a} == {k}"),
    same("{a} != {k}"), same("{k} <= {a} < {m}"), same("{a} % {d} == {r}"),
    same("{a} % {d} < {d} - {r}"), same("{a} % {d} in {{{r}, {d} - 1}}"), same("{a} // {d} <= {r}"),
    same("{a} in {{{k}, {m}, {d}}}"), same("{a} not in {{{k}, {m}}}"),
    ("{a} in {k}..{m}", "{a} in range({k}, {m} + 1)"),
    ("{a} in {k}..{m} step {d}", "{a} in range({k}, {m} + 1, {d})"),
    ("ceil({a}/{d}) >= {r}", "-(-{a} // {d}) >= {r}"),
]  # fmt: skip
OF_TWO = [
    same("{a} == {b}"), same("{a} > {b}"), same("{a}*{b} <= {k}*{m}"), same("{a}*{b} % {d} == 0"),
    same("{a}*{b} % {d} == {r}"), same("{a} // 2 == {b}"), same("({a} + {b}) % {d} == {r}"),
    same("{a} % {d} == {b} % {d}"), same("max({a}, {b}) <= 2*min({a}, {b})"),
    same("{a}*{b} == {k}*{d}"), same("{a} - {b} <= {r}"), same("{a} % {b} == 0"),
    same("{a} != 2*{b} - {r}"),
    ("{a}, {b} >= {k}", "{a} >= {k} and {b} >= {k}"),
    ("{a}, {b} in {{{k}, {m}}}", "{a} in ({k}, {m}) and {b} in ({k}, {m})"),
    ("{a} - {b} in 0..{d}", "0 <= {a} - {b} <= {d}"),
    ("ceil({a}/{d}) == {b}//{d} + 1", "-(-{a} // {d}) == {b}//{d} + 1"),
]  # fmt: skip


@st.composite
def conditions(draw: st.DrawFn, names: list[str]) -> CapturedOutput:
    a, b = draw(st.permutations(names))[:2] if len(names) > 1 else (names[0], names[0])
    words, python = draw(st.sampled_from(OF_ONE if a == b else OF_ONE + OF_TWO))
    d = draw(st.integers(2, 5))
    k = draw(st.integers(1, 9))
    numbers = {"k": k, "m": draw(st.integers(k + 1, 14)), "d": d, "r": draw(st.integers(1, d - 1))}
    said = CapturedOutput(*(text.format(a=a, b=b, **numbers) for text in (words, python)))
    if draw(st.integers(0, 7)) == 0:
        return CapturedOutput(f"not ({said.words})", f"not ({said.python})")
    return said


@st.composite
def promises(draw: st.DrawFn, names: list[str]) -> CapturedOutput:
    parts = []
    for _ in range(draw(st.sampled_from([0, 1, 1, 2, 2, 3]))):
        part = draw(conditions(names))
        if draw(st.integers(0, 4)) == 0:
            other = draw(conditions(names))
            words, python = (f"({p} or {q})" for p, q in zip(part.both, other.both, strict=True))
            part = CapturedOutput(words, python)
        parts.append(part)
    zero = draw(st.lists(st.sampled_from(names), max_size=1)) if draw(st.booleans()) else []
    if any(f"% {name}" in part.python for part in parts for name in zero):
        zero = []  # the remainder by 0 is nothing
    parts += [CapturedOutput(f"{n} >= 0", f"{n} >= 0") for n in zero]
    if not parts:
        return CapturedOutput("size", "True")
    words, python = (" and ".join(p) for p in zip(*(p.both for p in parts), strict=True))
    return CapturedOutput(words, python, tuple(zero))


# -- networks and their inputs --------------------------------------------------------------------


class Joined(nn.Module):
    """Two inputs, each through layers of its own, then one."""

    def __init__(self, one: nn.Module, two: nn.Module, how: str, rest: nn.Module) -> None:
        super().__init__()
        self.one, self.two, self.how, self.rest = one, two, how, rest
        self.join = eval(f"lambda x, y, a, b: {how}", {"torch": torch, "F": F})

    def forward(self, x, y):
        return self.rest(self.join(x, y, self.one(x), self.two(y)))

    def extra_repr(self):
        return self.how


INPUTS = [
    f"N {C} H W", f"N {C} H W", f"N {C} 2*S W", f"N {C} H H", f"N {C} H-2 W", f"N {C} H+1 W",
    f"N {C} H//2 W", f"2*N {C} H 5", f"3 {C} max(H,W) W", f"N {C} T T%3+4",
]  # fmt: skip
PAIRS = [
    {"x": f"N {C} H W", "y": f"N {C} H W"}, {"x": f"N {C} H W", "y": "N 1 H W"},
    {"x": f"1 {C} H W", "y": f"1 {C} V W"}, {"x": f"N {C} 2*S W", "y": f"1 {C} S W"},
    {"x": f"1 {C} H W", "y": f"1 {C} H//2 ceil(W/2)"}, {"x": f"2 {C} H W", "y": f"2 {C} W H"},
]  # fmt: skip
JOINS = [
    "a + b", "torch.cat([a, b], 2)", "torch.cat([a, b], 1)[:, :4]", "a[:, :, : b.shape[2]] + b",
    "a + F.interpolate(b, size=a.shape[2:])", "a @ b.mT", "a if x.shape[2] > y.shape[3] else b",
    "a.view(b.shape)", "torch.where(b > 0, a, b)", "a + b.mean((2, 3), keepdim=True)",
    "torch.stack([a, b]).mean(0)", "a * min(a.shape[2], b.shape[2])",
]  # fmt: skip
inner = st.one_of(st.just(nn.Identity()), blocks)
tails = st.builds(
    lambda parts, head: nn.Sequential(*parts, head()), st.lists(blocks, max_size=2), heads
)


@st.composite
def networks(draw: st.DrawFn) -> tuple[nn.Module, str | dict[str, str]]:
    """A network and what it is called with."""
    if draw(st.booleans()):
        return nn.Sequential(draw(blocks), draw(tails)), draw(st.sampled_from(INPUTS))
    input = draw(st.sampled_from(PAIRS))
    model = Joined(draw(inner), draw(inner), draw(st.sampled_from(JOINS)), draw(tails))
    return model, input


# -- what the network does ------------------------------------------------------------------------

PYTHON = {"min": min, "max": max, "ceil": lambda ratio: -(-ratio.numerator // ratio.denominator)}


def entry_at(entry: str, sizes: Sizes) -> int:
    if entry.isdigit():
        return int(entry)
    exact = {name: Fraction(value) for name, value in sizes.items()} if "/" in entry else sizes
    return int(eval(compiled(entry), PYTHON, exact))


def shapes_at(input: str | dict[str, str], sizes: Sizes) -> list[list[int]]:
    shapes = input.values() if isinstance(input, dict) else [input]
    return [[entry_at(entry, sizes) for entry in shape.split()] for shape in shapes]


def fits(output: str, shape: tuple[int, ...], sizes: Sizes) -> bool:
    """Whether a shape is what the rule file says."""
    entries = output.split()
    if "..." in entries:
        at = entries.index("...")
        entries[at : at + 1] = ["_"] * (len(shape) - len(entries) + 1)
    alike = len(entries) == len(shape)
    return alike and all(
        e == "_" or entry_at(e, sizes) == n for e, n in zip(entries, shape, strict=True)
    )


def shape_given(model: nn.Module, shapes: list[list[int]]) -> tuple[int, ...] | None:
    """The output's shape, ``None`` if the model refuses."""
    try:
        with torch.no_grad():
            return tuple(model(*(torch.zeros(shape) for shape in shapes)).shape)
    except Exception:
        return None


def box_of(names: list[str], zero: tuple[str, ...]) -> list[Sizes]:
    """All sizes near the origin and some farther out, the smallest sum first."""
    few = len(set(names) - {"N"}) < 3
    sides = [*range(1, 8), 9, 12] if few else [*range(1, 6), 8]
    ranges = [[0] * (n in zero) + ([1, 2] if n == "N" else sides) for n in names]
    points = [dict(zip(names, values, strict=True)) for values in itertools.product(*ranges)]
    return sorted(points, key=rank)


def rank(sizes: Sizes) -> tuple[int, ...]:
    return sum(sizes.values()), *sizes.values()


ENTRIES = ["N", "{0}", "{1}", "{0}-1", "{1}-1", "{0}+1", "{0}//2", "{1}//2", "ceil({0}/2)",
           "2*{0}", "2*{1}", "{0}+{1}", "{0}-2", "{1}-2", "1", "2", "3", "4", "8"]  # fmt: skip


def output_of(ran: list[tuple[Sizes, tuple[int, ...]]], names: list[str], pick: random.Random):
    """An output as a rule file says it: of what some sizes gave, and of what only they may give."""
    ran = pick.sample(ran, min(len(ran), pick.choice([1, 3, 200])))
    shapes = [shape for _, shape in ran]
    if len({len(s) for s in shapes}) > 1:
        return "..."
    sides = [n for n in names if n != "N"] * 2
    known = [e.format(*sides) for e in ENTRIES if e != "N" or "N" in names]
    entries = []
    for i in range(len(shapes[0])):
        fit = [e for e in known if all(entry_at(e, at) == shape[i] for at, shape in ran)]
        entries.append(pick.choice([*fit[:2], "_"]) if fit else "_")
    if entries and pick.random() < 0.25:
        entries[pick.randrange(len(entries))] = pick.choice(known)
    if pick.random() < 0.1:
        entries[: pick.randrange(3)] = ["..."]
    return " ".join(entries)


@dataclass(frozen=True)
class Case:
    """A contract, its model, and what running says of it at the sizes of a box."""

    model: nn.Module
    input: str | dict[str, str]
    kind: str
    said: CapturedOutput
    output: str | None
    names: list[str]
    at: list[tuple[Sizes, tuple[int, ...] | None]]

    @classmethod
    def of(cls, model, input, kind, many: list[CapturedOutput], seed: int) -> Case:
        """With one of many promises: at times one that the sizes of the box keep."""
        pick = random.Random(seed)
        plain = cls(model, input, kind, many[0], None, names_of(input), [])
        zero = tuple(n for said in many for n in said.from_zero)
        ran = plain.run(box_of(plain.names, zero))
        cases = [
            replace(plain, said=said, at=[r for r in ran if said.about(r[0])]) for said in many
        ]
        true = [c for c in cases if not any(c.broken_at(*there) for there in c.at)]
        case = pick.choice(true) if true and pick.random() < 0.7 else pick.choice(cases)
        named = [(at, shape) for at, shape in case.at if shape is not None and case.said.holds(at)]
        if named and kind != "rejects" and pick.random() < 0.6:
            return replace(case, output=output_of(named, case.names, pick) or None)
        return case

    def run(self, box: list[Sizes]) -> list[tuple[Sizes, tuple[int, ...] | None]]:
        """The sizes of the box at which there is an input, with the shape that comes out."""
        points = [(at, shapes_at(self.input, at)) for at in box]
        return [(at, shape_given(self.model, s)) for at, s in points if min(map(min, s)) >= 0]

    def broken_at(self, sizes: Sizes, shape: tuple[int, ...] | None) -> bool:
        """Whether what the model gives there breaks the promise."""
        if not self.said.holds(sizes):
            return self.kind == "only" and shape is not None
        if self.kind == "rejects":
            return shape is not None
        return shape is None or not (self.output is None or fits(self.output, shape, sizes))

    def words(self) -> dict[str, object]:
        word, kind = ("rejects", "any") if self.kind == "rejects" else ("accepts", self.kind)
        return {"input": self.input, word: f"{kind} {self.said.words}", "output": self.output}


def names_of(input: str | dict[str, str]) -> list[str]:
    """The sizes in the order in which they are first written; those of one entry by name."""
    entries = (input if isinstance(input, str) else " ".join(input.values())).split()
    return list(dict.fromkeys(n for e in entries for n in sorted(re.findall("[A-Z]", e))))


def check_case(case: Case, seconds: float = 20) -> str:
    """Decide, compare with what ran; the verdict in a word."""
    words = case.words()
    contract = replace(contract_of(**words), budget=Budget(64, seconds))
    verdict = check_source(contract, from_instance(case.model), samples=0)
    story = f"{words}\n{case.model}\n{verdict.word}: {verdict.message}"
    broken = [sizes for sizes, shape in case.at if case.broken_at(sizes, shape)]
    named = any(case.said.holds(sizes) for sizes, _ in case.at)
    if verdict.word == "proved":
        assert not broken, f"proved, but broken at {broken[0]}\n{story}"
    elif verdict.word == "vacuous":
        assert not named, f"vacuous, but sizes are named\n{story}"
    elif verdict.word == "broken":
        point = verdict.counterexample
        assert point is not None
        assert list(point) == case.names
        shape = shape_given(case.model, shapes_at(case.input, point))
        assert case.broken_at(point, shape), f"{point} gives {shape} and breaks nothing\n{story}"
        if broken and "smallest" in verdict.details["fails at"]:
            assert rank(point) <= rank(broken[0]), f"{broken[0]} is smaller\n{story}"
    else:
        assert "disagree" not in verdict.message, story
    return verdict.word


@st.composite
def drawn(
    draw: st.DrawFn,
) -> tuple[nn.Module, str | dict[str, str], str, list[CapturedOutput], int]:
    """What :meth:`Case.of` takes."""
    model, input = draw(networks())
    kind = draw(st.sampled_from(["any", "any", "only", "rejects"]))
    names = names_of(input)
    many = draw(st.lists(promises(names), min_size=1, max_size=8))
    if kind == "only":
        zero = CapturedOutput(f"{names[-1]} >= 0", "True", (names[-1],))
        many = [zero if said.from_zero or said.python == "True" else said for said in many]
    return model.eval(), input, kind, many, draw(st.integers(0, 1 << 16))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of a model's own, which torch gives only once
@examples(20)
@given(drawn())
def test_what_is_decided_is_what_running_shows(parts):
    check_case(Case.of(*parts), seconds=3)
