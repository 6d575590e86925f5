"""An amount as a formula of the sizes: a sum, of which parts may be due at some sizes only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from archlint.symbolic import Expr, Size, evaluate, maximum, minimum, sum_text, summed
from archlint.symbolic.division import exact_quotient
from archlint.symbolic.expr import content, from_atom
from archlint.symbolic.formula import (
    Bool,
    Formula,
    Junction,
    conj,
    disj,
    holds,
    negate,
    simplify,
)
from archlint.symbolic.printing import printed_terms

Part = tuple[Bool, Size]


@dataclass(frozen=True)
class Amount:
    """``always``, and each of ``parts`` where its condition holds."""

    always: Size = 0
    parts: tuple[Part, ...] = ()

    def __add__(self, other: Amount) -> Amount:
        return total((self, other))

    def times(self, factor: Size) -> Amount:
        """The amount, multiplied."""
        return self.mapped(lambda size: size * factor)

    def mapped(self, change: Callable[[Size], Size]) -> Amount:
        """The amount with each of its sizes changed."""
        return Amount(change(self.always), tuple((w, change(s)) for w, s in self.parts))

    def where(self, condition: Bool) -> Amount:
        """The amount where the condition holds, else 0."""
        if condition is True:
            return self
        own = ((condition, self.always),) if self.always != 0 else ()
        return Amount(0, _joined((*own, *((_both(condition, w), s) for w, s in self.parts))))

    def at(self, sizes: Mapping[str, int]) -> int:
        """The value at concrete sizes. ``ZeroDivisionError`` where a divisor is 0."""
        due = (evaluate(s, sizes) for w, s in self.parts if holds(w, sizes))
        return evaluate(self.always, sizes) + sum(due)

    @property
    def sizes(self) -> tuple[Size, ...]:
        """All sizes that it is made of."""
        return (self.always, *(s for _, s in self.parts))

    def __str__(self) -> str:
        conditional = [f"({product_text(s)} if {w})" for w, s in self.parts]
        always = [] if self.always == 0 and conditional else [product_text(self.always)]
        return " + ".join([*always, *conditional])


def at_most(
    value: Callable[[Mapping[str, int]], int], sizes: Mapping[str, int], limit: int
) -> bool:
    """Whether a value is at most ``limit``, or has a divisor that is 0: its path is elsewhere."""
    try:
        return value(sizes) <= limit
    except ZeroDivisionError:
        return True


def total(amounts: Iterable[Amount]) -> Amount:
    """The sum; parts under the same condition are added up."""
    always: list[Size] = []
    parts: list[Part] = []
    for amount in amounts:
        always.append(amount.always)
        parts += amount.parts
    joined = _joined(parts)
    always += [size for when, size in joined if when is True]
    return Amount(summed(always), tuple(p for p in joined if p[0] is not True))


def one_of(cases: Iterable[tuple[Bool, Amount]]) -> Amount:
    """The amount of the case whose condition holds; one formula where all cases have the same."""
    known = list(cases)
    if len({amount for _, amount in known}) == 1:
        return known[0][1]
    common = known[0][1].always
    if all(amount.always == common for _, amount in known):
        rest = (Amount(0, amount.parts).where(when) for when, amount in known)
        return total((Amount(common), *rest))
    return total(amount.where(when) for when, amount in known)


def one_of_each(cases: Sequence[tuple[Bool, Mapping[str, Amount]]]) -> dict[str, Amount]:
    """:func:`one_of` for each module that any of the cases has an amount of."""
    modules = dict.fromkeys(m for _, amounts in cases for m in amounts)
    return {m: one_of((when, a.get(m, Amount())) for when, a in cases) for m in modules}


def largest(amounts: Iterable[Amount]) -> Amount:
    """At least each of the amounts, and equal to the largest where none has conditions."""
    every = list(dict.fromkeys(amounts))
    if any(amount.parts for amount in every):
        return total(every)
    sizes = {amount.always for amount in every}
    kept = [s for s in sizes if not any(plainly_larger(other, s) for other in sizes)]
    return Amount(maximum(*sorted(kept, key=str)))


def smallest(amounts: Iterable[Amount]) -> Amount:
    """At most each of the amounts, and equal to the smallest where none has conditions."""
    every = list(dict.fromkeys(amounts))
    if len(every) == 1:
        return every[0]
    sizes = {amount.always for amount in every}
    kept = [s for s in sizes if not any(plainly_larger(s, other) for other in sizes)]
    return Amount(minimum(*sorted(kept, key=str)))


def plainly_larger(one: Size, other: Size) -> bool:
    """Whether ``one`` is larger by terms that are not negative."""
    rest = one - other
    if isinstance(rest, int):
        return rest > 0
    return rest.const >= 0 and all(c > 0 for _, c in rest.terms)


def _joined(parts: Iterable[Part]) -> tuple[Part, ...]:
    """The parts, those under one condition added up, and equal ones that exclude each other one."""
    sums: dict[Bool, Size] = {}
    for when, size in parts:
        sums[when] = sums.get(when, 0) + size
    joined: dict[Bool, Size] = {}
    for when, size in sums.items():
        if when is False or size == 0:
            continue
        for other in [w for w, s in joined.items() if s == size]:
            if _both(other, when) is False:
                del joined[other]
                when = disj(other, when)
        joined[when] = joined.get(when, 0) + size
    return tuple(joined.items())


def _both(one: Bool, other: Bool) -> Bool:
    """Both conditions, each without the parts that the other decides."""
    other = simplify(other, _decided_by(one))
    return conj(simplify(one, _decided_by(other)), other)


def _decided_by(condition: Bool) -> Callable[[Formula], bool | None]:
    """What is true, and what is not, where all parts of a condition hold."""
    if isinstance(condition, Junction) and condition.op == "and":
        true = condition.args
    else:
        true = (condition,) if isinstance(condition, Formula) else ()
    known: dict[Formula, bool | None] = dict.fromkeys(true, True)
    known |= {opposite: False for part in true if isinstance(opposite := negate(part), Formula)}
    return known.get


def product_text(size: Size) -> str:
    """The text of a size with the factors that all of its terms share in front."""
    if isinstance(size, int):
        return str(size)
    shared, _ = content(size)
    rest = exact_quotient(size, from_atom(*shared)) if shared and len(size.terms) > 1 else None
    if not isinstance(rest, Expr):
        return _from_constant(size)
    front = "*".join(a.factor_text() for a in shared)
    return f"{front}*({_from_constant(rest)})"


def _from_constant(expr: Expr) -> str:
    """The sum with its constant first, then growing: ``4096 + 2*H + 3*H*W``."""
    terms, const = printed_terms(expr)
    ordered = sorted(terms, key=lambda t: abs(t.coef))
    text = sum_text(ordered, 0) if ordered else ""
    if const and text:
        text = f"{const}{text}" if text.startswith("-") else f"{const}+{text}"
    return text or str(const)
