"""What a claim needs and what it gets, in words, with short names for intermediate sizes.

last size 512*h*w == in_features 25088, gets 512*1*1 = 512   (h = H//32, w = W//32)
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from archlint.contracts.output_match import OutputRequirement
from archlint.symbolic import Atom, Expr, Size, Symbol, evaluate, symbol, with_operands
from archlint.symbolic.formula import Bool, Formula
from archlint.tracing.events import Event, with_sizes

_EQUALITY = re.compile(r"([^{}]*)\{\} == ([^{}]*)\{\}")
_NAME = re.compile(r"[A-Za-z_]\w*")


def needs(claim: Event, point: Mapping[str, int]) -> str:
    """The claim with its formulas, and what it gets at the sizes ``point``."""
    text, sizes = claim.text, list(claim.sizes)
    if not any(isinstance(s, Expr) for s in sizes):
        return _without_sizes(claim.needs(), claim.formula, point)
    equality = _EQUALITY.fullmatch(text)
    if equality and not isinstance(sizes[0], Expr):  # the formula first, as people write it
        text = f"{equality[2]}{{}} == {equality[1]}{{}}"
        sizes.reverse()
    names = Names(point)
    shown = [names.shorten(s) for s in sizes]
    gets = list(dict.fromkeys(names.computed(s, point) for s in shown if isinstance(s, Expr)))
    head, own, tail = text.partition(", gets {}")
    if own and head.count("{}") == 0:  # the text of the claim names what it gets
        factors = [_factor(s) if " * " in tail else s for s in shown]
        tail = f"{{}}{tail}".replace(" * ", "*")
        numbers = [names.value(s, point) for s in shown]
        result = f"{head}, gets {tail.format(*factors)} = {tail.format(*numbers)}"
    else:
        result = f"{with_sizes(text, shown)}, gets {' and '.join(gets)}"
    return result + names.legend()


def _factor(size: Size) -> str:
    text = str(size)
    return f"({text})" if "+" in text or "-" in text or "//" in text else text


def mismatch(requirement: OutputRequirement, point: Mapping[str, int]) -> str:
    """How the output differs from the contract, with the values of its formulas at ``point``."""
    values = [f"{s} = {evaluate(s, point)}" for s in requirement.sizes if isinstance(s, Expr)]
    text = requirement.needs()
    return f"{text}, where {' and '.join(values)}" if values else text


def _without_sizes(words: str, formula: Bool, point: Mapping[str, int]) -> str:
    """A claim whose text has no sizes: its comparison, and the text beside it."""
    if not isinstance(formula, Formula):
        return words
    values = ", ".join(f"{n} = {point[n]}" for n in sorted(formula.symbols()) if n in point)
    if str(formula) in words:
        return f"{words}, gets {values}"
    return f"{formula}, gets {values}   ({words})"


class Names:
    """Short names for the sizes inside longer ones: ``h`` for ``H//32``.

    Only for sizes that depend on one input size; no name is the name of an input size.
    """

    def __init__(self, taken: Mapping[str, int]) -> None:
        self._taken = set(taken)
        self._named: dict[Atom, str] = {}

    def shorten(self, size: Size) -> Size:
        """``16*(H//4)`` as ``16*h``; a size that is only ``H//4`` stays."""
        if not isinstance(size, Expr) or " % " in str(size) or _is_single(size):
            return size
        return self._replace(size)

    def value(self, size: Size, point: Mapping[str, int]) -> int:
        """A shortened size as a number."""
        return evaluate(size, self._values(point))

    def _values(self, point: Mapping[str, int]) -> dict[str, int]:
        sizes = {name: with_operands(a, a.operands()) for a, name in self._named.items()}
        return {**point, **{name: evaluate(size, point) for name, size in sizes.items()}}

    def computed(self, size: Size, point: Mapping[str, int]) -> str:
        """``16*8*9 = 1152``, or the number alone where there is nothing to compute."""
        values = self._values(point)
        number = str(evaluate(size, values))
        text = str(size)
        if not isinstance(size, Expr) or _is_single(size) or " % " in text:
            return number
        filled = _NAME.sub(lambda m: str(values.get(m[0], m[0])), text)
        return f"{filled} = {number}"

    def legend(self) -> str:
        """``   (h = H//32, w = W//32)``, or nothing."""
        text = ", ".join(f"{name} = {atom}" for atom, name in self._named.items())
        return f"   ({text})" if text else ""

    def _replace(self, size: Size) -> Size:
        if not isinstance(size, Expr):
            return size
        total: Size = size.const
        for monomial, coefficient in size.terms:
            term: Size = coefficient
            for atom in monomial:
                term = term * self._short(atom)
            total = total + term
        return total

    def _short(self, atom: Atom) -> Size:
        if isinstance(atom, Symbol):
            return with_operands(atom, [])
        inside = sorted({s for o in atom.operands() if isinstance(o, Expr) for s in o.symbols()})
        if len(inside) == 1:
            return symbol(self._name(atom, inside[0]))
        operands = [self._replace(o) for o in atom.operands()]
        return with_operands(atom, operands)

    def _name(self, atom: Atom, of: str) -> str:
        if atom not in self._named:
            name, count = of.lower(), 1
            while name in self._taken:
                count += 1
                name = f"{of.lower()}{count}"
            self._taken.add(name)
            self._named[atom] = name
        return self._named[atom]


def _is_single(size: Expr) -> bool:
    """Whether the size is one symbol, quotient or extremum, and nothing else."""
    if size.const or len(size.terms) != 1:
        return False
    ((monomial, coefficient),) = size.terms
    if coefficient != 1 or len(monomial) != 1:
        return False
    return isinstance(monomial[0], Symbol) or len(size.symbols()) == 1
