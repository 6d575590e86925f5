"""Builds phrases of the rule file, each with its formula."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Union

from archlint.symbolic import Size, mod, symbol
from archlint.symbolic.formula import Bool, conj, disj, eq, ge, le, ne


@dataclass(frozen=True)
class Fact:
    """``subject tail``, such as ``H % 32`` and ``== 0``. Without a tail it is only the subject."""

    subject: str
    tail: str
    formula: Bool


@dataclass(frozen=True)
class Joined:
    """Phrases joined by ``and`` or ``or``; without parts these are true and false."""

    word: str
    parts: tuple[Phrase, ...]

    @property
    def formula(self) -> Bool:
        join = conj if self.word == "and" else disj
        return join(*(p.formula for p in self.parts))


Phrase = Union[Fact, Joined]
ANY = Joined("and", ())
NONE = Joined("or", ())


def every(*phrases: Phrase) -> Phrase:
    """All of them hold."""
    return _join("and", phrases)


def either(*phrases: Phrase) -> Phrase:
    """At least one holds."""
    return _join("or", phrases)


def _join(word: str, phrases: Iterable[Phrase]) -> Phrase:
    neutral, decisive = (ANY, NONE) if word == "and" else (NONE, ANY)
    kept: dict[Phrase, None] = {}
    for phrase in phrases:
        if phrase == decisive:
            return decisive
        if isinstance(phrase, Joined) and phrase.word == word:
            kept.update(dict.fromkeys(phrase.parts))
        elif phrase != neutral:
            kept[phrase] = None
    return next(iter(kept)) if len(kept) == 1 else Joined(word, tuple(kept))


def text(phrase: Phrase) -> str:
    """The phrase as text. Sizes with the same condition share it: ``H, W >= 32``.

    Not so ``H`` and ``W % 32``: of ``H, W % 32 in {0, 1}`` the remainder of both would be read.
    """
    if isinstance(phrase, Fact):
        return f"{phrase.subject} {phrase.tail}".strip()
    if not phrase.parts:
        return "any size" if phrase == ANY else "no size"
    if phrase.word == "or":
        return " or ".join(map(text, phrase.parts))
    subjects: dict[tuple[str, bool], list[str]] = {}
    for part in phrase.parts:
        if isinstance(part, Fact) and part.tail[:2] not in ("", "=="):
            subjects.setdefault(_shared(part), []).append(part.subject)
    parts: dict[str, None] = {}
    for part in phrase.parts:
        if isinstance(part, Joined):
            parts[f"({text(part)})"] = None
        elif _shared(part) in subjects:
            parts[f"{', '.join(subjects[_shared(part)])} {part.tail}"] = None
        else:
            parts[text(part)] = None
    return " and ".join(parts)


def _shared(fact: Fact) -> tuple[str, bool]:
    return fact.tail, "%" in fact.subject


def ranged(phrase: Phrase, lows: Mapping[str, int]) -> Phrase:
    """In a union with ranges of a size, write ``H <= 4`` as a range too: ``H in 1..4``."""
    facts = list(_facts(phrase))
    names = {f.subject for f in facts if re.match(r"in \d+\.\.", f.tail)}

    def change(part: Phrase) -> Phrase:
        if isinstance(part, Joined):
            return Joined(part.word, tuple(map(change, part.parts)))
        if part.subject in names and part.tail[:3] == "<= " and part.subject in lows:
            return Fact(part.subject, f"in {lows[part.subject]}..{part.tail[3:]}", part.formula)
        return part

    return change(phrase)


def _facts(phrase: Phrase) -> Iterator[Fact]:
    if isinstance(phrase, Fact):
        yield phrase
    else:
        for part in phrase.parts:
            yield from _facts(part)


def effort(words: str) -> int:
    """What a text costs to read: its words, numbers and signs."""
    return len(re.findall(r"\w+|//|\.\.|[<>=!]=|[^\w\s]", words))


# -- what can be said of one size ------------------------------------------------------------------


def within(name: str, low: int | None, high: int | None) -> Phrase:
    """``low <= name <= high``; ``None`` without a bound."""
    size = symbol(name)
    if low is None and high is None:
        return ANY
    if low is None or high is None:
        if high is None:
            return Fact(name, f">= {low}", ge(size, low))  # type: ignore[arg-type]
        return Fact(name, f"<= {high}", le(size, high))
    if low == high:
        return among(name, [low])
    return Fact(name, f"in {low}..{high}", conj(ge(size, low), le(size, high)))


def among(name: str, values: Sequence[int]) -> Phrase:
    """One of a few numbers, in order; five or more at equal distances are a range with a step."""
    size = symbol(name)
    steps = {b - a for a, b in itertools.pairwise(values)}
    if len(steps) == 1 and len(values) > 4:
        return stepped(name, values[0], values[-1], steps.pop())
    formula = disj(*(eq(size, v) for v in values))
    return Fact(name, f"== {values[0]}" if len(values) == 1 else f"in {_listed(values)}", formula)


def outside(name: str, values: Sequence[int]) -> Phrase:
    """None of a few numbers."""
    formula = conj(*(ne(symbol(name), v) for v in values))
    tail = f"!= {values[0]}" if len(values) == 1 else f"not in {_listed(values)}"
    return Fact(name, tail, formula)


def stepped(name: str, low: int, high: int, step: int) -> Phrase:
    """Every ``step``-th number from ``low`` to ``high``."""
    size = symbol(name)
    formula = conj(ge(size, low), le(size, high), eq(mod(size - low, step), 0))
    return Fact(name, f"in {low}..{high} step {step}", formula)


def remainder(name: str, modulus: int, residues: Sequence[int]) -> Phrase:
    """``name % modulus`` is one of ``residues``: sorted, not all of them, not none."""
    size = mod(symbol(name), modulus)
    subject = f"{name} % {modulus}"
    low, high = residues[0], residues[-1]
    missing = [r for r in range(modulus) if r not in residues]
    if len(residues) == 1:
        return Fact(subject, f"== {low}", eq(size, low))
    if len(missing) == 1:
        return Fact(subject, f"!= {missing[0]}", ne(size, missing[0]))
    if high - low + 1 == len(residues):
        return _span_of(subject, size, low, high, modulus)
    if len(residues) <= 6:
        return Fact(subject, f"in {_listed(residues)}", disj(*(eq(size, r) for r in residues)))
    if len(missing) <= 6:
        return Fact(subject, f"not in {_listed(missing)}", conj(*(ne(size, r) for r in missing)))
    if missing[-1] - missing[0] + 1 == len(missing):  # one span, around the end
        shift = modulus - 1 - missing[-1]
        size = mod(symbol(name) + shift, modulus)
        return _span_of(f"({name}+{shift}) % {modulus}", size, 0, len(residues) - 1, modulus)
    return Fact(subject, f"in {_listed(residues)}", disj(*(eq(size, r) for r in residues)))


def _span_of(subject: str, size: Size, low: int, high: int, modulus: int) -> Phrase:
    if low == 0:
        return Fact(subject, f"<= {high}", le(size, high))
    if high == modulus - 1:
        return Fact(subject, f">= {low}", ge(size, low))
    return Fact(subject, f"in {low}..{high}", conj(ge(size, low), le(size, high)))


def _listed(values: Sequence[int]) -> str:
    return "{" + ", ".join(map(str, values)) + "}"
