"""Sums of products of atoms: what a size is, and what Python's operators make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, TypeVar, cast

from archlint.symbolic.atom import Atom, Monomial, Size, Symbol, symbol_atom, unknown_atom

F = TypeVar("F", bound=Callable[..., Any])


def remembered(function: F) -> F:
    """With a memory: a trace asks for the same few sums and quotients again and again."""
    return cast(F, lru_cache(maxsize=1 << 15)(function))


class Expr:
    """A polynomial over atoms: ``const + sum(coef * monomial)``, never a bare integer.

    Interned: two equal expressions are one object, so ``==`` and ``hash`` are by identity.
    Build one with :func:`symbol` and Python's operators; divide two with ``//`` and ``%``.
    """

    __slots__ = ("const", "terms")
    const: int
    terms: tuple[tuple[Monomial, int], ...]

    def __add__(self, other: Size) -> Size:
        return _add(self, other) if isinstance(other, (int, Expr)) else NotImplemented

    __radd__ = __add__

    def __neg__(self) -> Expr:
        return _negative(self)

    def __sub__(self, other: Size) -> Size:
        if not isinstance(other, (int, Expr)):
            return NotImplemented
        return _add(self, -other)

    def __rsub__(self, other: int) -> Size:
        return -self + other

    def __mul__(self, other: Size) -> Size:
        return _multiply(self, other) if isinstance(other, (int, Expr)) else NotImplemented

    __rmul__ = __mul__

    def __floordiv__(self, other: Size) -> Size:
        if not isinstance(other, (int, Expr)):
            return NotImplemented
        return _floordiv(self, other)

    def __rfloordiv__(self, other: int) -> Size:
        return _floordiv(other, self)

    def __mod__(self, other: Size) -> Size:
        if not isinstance(other, (int, Expr)):
            return NotImplemented
        return self - self // other * other

    def __rmod__(self, other: int) -> Size:
        return other - other // self * self

    def __pow__(self, power: int) -> Size:
        if not isinstance(power, int) or power < 0:
            return NotImplemented
        result: Size = 1
        for _ in range(power):
            result = self * result
        return result

    def __bool__(self) -> bool:
        raise TypeError(f"the truth of the size {self} depends on the input; compare it instead")

    def __lt__(self, other: object) -> bool:
        raise TypeError(
            f"comparing the size {self} gives a formula; use archlint.symbolic.formula.lt"
        )

    __le__ = __gt__ = __ge__ = __lt__

    def evaluate(self, env: Mapping[str, int]) -> int:
        """The value at concrete sizes. ``KeyError`` for a symbol that ``env`` lacks."""
        total = self.const
        for monomial, coef in self.terms:
            for atom in monomial:
                coef *= atom.evaluate(env)
            total += coef
        return total

    def symbols(self) -> frozenset[str]:
        """The names of the symbols that occur anywhere in the expression."""
        return frozenset(a.name for a in atoms(self) if isinstance(a, Symbol))

    def __str__(self) -> str:
        return _text(self)

    __repr__ = __str__

    def __reduce__(self) -> tuple[object, ...]:
        return polynomial, (self.const, self.terms)

    def __copy__(self) -> Expr:
        return self

    def __deepcopy__(self, memo: object) -> Expr:
        return self


# What the operators of an expression call is itself made of expressions, so later rooms have it.
# Plain names, because these are the most frequent calls of a trace.
_add: Callable[[Expr, Size], Size]
_multiply: Callable[[Expr, Size], Size]
_floordiv: Callable[[Size, Size], Size]
_text: Callable[[Expr], str]


def hand_in(
    add: Callable[[Expr, Size], Size],
    multiply: Callable[[Expr, Size], Size],
    floordiv: Callable[[Size, Size], Size],
    text: Callable[[Expr], str],
) -> None:
    """Give the operators of an expression what they call; done once, by the package itself."""
    global _add, _multiply, _floordiv, _text
    _add, _multiply, _floordiv, _text = add, multiply, floordiv, text


_EXPRS: dict[object, Expr] = {}


def polynomial(const: int, terms: tuple[tuple[Monomial, int], ...]) -> Expr:
    """The one object for ``const + terms``; ``terms`` not empty, in order, no zero coefficient."""
    key = (const, terms)
    found = _EXPRS.get(key)
    if found is None:
        found = object.__new__(Expr)
        found.const = const
        found.terms = terms
        found = _EXPRS.setdefault(key, found)
    return found


@remembered
def _negative(expr: Expr) -> Expr:
    return polynomial(-expr.const, tuple((m, -c) for m, c in expr.terms))


def of_atom(atom: Atom) -> Expr:
    """The atom as a size."""
    return polynomial(0, (((atom,), 1),))


def symbol(name: str) -> Expr:
    """The size called ``name``."""
    return of_atom(symbol_atom(name))


def unknown(number: int, low: Size | None, most: tuple[Size, ...]) -> Expr:
    """The ``number``-th unknown of a run, within its bounds."""
    return of_atom(unknown_atom(number, low, most))


def product(sizes: Iterable[Size]) -> Size:
    """All sizes multiplied; 1 for none (the number of elements of a scalar)."""
    result: Size = 1
    for size in sizes:
        result = result * size
    return result


def atoms(size: Size) -> Iterator[Atom]:
    """Every atom of the size, those inside other atoms included, each once."""
    seen: set[Atom] = set()
    todo: list[Size] = [size]
    while todo:
        current = todo.pop()
        if isinstance(current, int):
            continue
        for monomial, _ in current.terms:
            for atom in monomial:
                if atom not in seen:
                    seen.add(atom)
                    yield atom
                    todo.extend(atom.operands())
