"""The indivisible parts of a size: symbols, unknowns, floor divisions, minima and maxima.

Atoms are interned: equal atoms are one object. :mod:`.expr` and :mod:`.minmax` simplify a quotient
or an extremum before they make an atom of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from archlint.symbolic.expr import Expr

Size = Union[int, "Expr"]
Monomial = tuple["Atom", ...]
"""A product of atoms, sorted by :attr:`Atom.order`; an atom may occur more than once."""


class Atom:
    """An indivisible factor of a monomial. ``order`` sorts the factors and the terms of a sum."""

    __slots__ = ("order",)
    order: tuple[int, str]

    def evaluate(self, env: Mapping[str, int]) -> int:
        """The value at concrete sizes. ``KeyError`` for a symbol that ``env`` lacks."""
        raise NotImplementedError

    def operands(self) -> tuple[Size, ...]:
        """The sizes this atom is made of (none for a symbol)."""
        return ()

    def factor_text(self) -> str:
        """The text of the atom inside a product, in parentheses where it needs them."""
        return repr(self)

    def __copy__(self) -> Atom:
        return self

    def __deepcopy__(self, memo: object) -> Atom:
        return self


class Symbol(Atom):
    """An input size with a name, such as ``H``."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name
        self.order = (0, name)

    def evaluate(self, env: Mapping[str, int]) -> int:
        return env[self.name]

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self) -> tuple[object, ...]:
        return symbol_atom, (self.name,)


class Unknown(Symbol):
    """A size that depends on the values in a tensor: how many elements a mask selects.

    ``number`` counts the unknowns of a run. The value is at least ``low`` (``None``: no lower
    bound) and at most each of ``most``. The bounds are sizes; they may name unknowns of lower
    numbers.
    """

    __slots__ = ("low", "most", "number")

    def __init__(self, number: int, low: Size | None, most: tuple[Size, ...]) -> None:
        super().__init__(f"?{number}")  # no size of a contract has such a name
        self.number = number
        self.low = low
        self.most = most

    def evaluate(self, env: Mapping[str, int]) -> int:
        """The value in ``env``; else the largest possible value, or a small one if unbounded."""
        if self.name in env:
            return env[self.name]
        if self.most:
            return min(evaluate(m, env) for m in self.most)
        return 1 if self.low is None else max(1, evaluate(self.low, env))

    def __reduce__(self) -> tuple[object, ...]:
        return unknown_atom, (self.number, self.low, self.most)


class FloorDiv(Atom):
    """``num // den``, rounded towards minus infinity; undefined where ``den == 0``."""

    __slots__ = ("den", "num")

    def __init__(self, num: Expr, den: Size) -> None:
        self.num = num
        self.den = den
        self.order = (1, repr(self))

    def evaluate(self, env: Mapping[str, int]) -> int:
        return self.num.evaluate(env) // evaluate(self.den, env)

    def operands(self) -> tuple[Size, ...]:
        return self.num, self.den

    def _is_ceiling(self) -> bool:
        """Whether it is ``(x + den-1) // den``, which is printed as ``ceil(x/den)``."""
        return isinstance(self.den, int) and self.num.const == self.den - 1

    def factor_text(self) -> str:
        return repr(self) if self._is_ceiling() else f"({self})"

    def __repr__(self) -> str:
        if self._is_ceiling():
            return f"ceil({factor_text(self.num - self.num.const)}/{self.den})"
        return f"{factor_text(self.num)}//{factor_text(self.den)}"

    def __reduce__(self) -> tuple[object, ...]:
        return floordiv_atom, (self.num, self.den)


class Extremum(Atom):
    """The smallest or the largest of two or more sizes. ``function`` is its name in Python."""

    __slots__ = ("args",)
    function = ""

    def __init__(self, args: tuple[Size, ...]) -> None:
        self.args = args
        self.order = (2, repr(self))

    def operands(self) -> tuple[Size, ...]:
        return self.args

    def __repr__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.args))})"

    def __reduce__(self) -> tuple[object, ...]:
        return extremum_atom, (type(self), self.args)


class Min(Extremum):
    """The smallest of its arguments."""

    __slots__ = ()
    function = "min"

    def evaluate(self, env: Mapping[str, int]) -> int:
        return min(evaluate(a, env) for a in self.args)


class Max(Extremum):
    """The largest of its arguments."""

    __slots__ = ()
    function = "max"

    def evaluate(self, env: Mapping[str, int]) -> int:
        return max(evaluate(a, env) for a in self.args)


_ATOMS: dict[object, Atom] = {}


def symbol_atom(name: str) -> Atom:
    """The one symbol of this name."""
    return _ATOMS.get(("s", name)) or _ATOMS.setdefault(("s", name), Symbol(name))


def unknown_atom(number: int, low: Size | None, most: tuple[Size, ...]) -> Unknown:
    """The one unknown of this number and these bounds."""
    key = ("?", number, low, most)
    atom = _ATOMS.get(key) or _ATOMS.setdefault(key, Unknown(number, low, most))
    assert isinstance(atom, Unknown)
    return atom


def floordiv_atom(num: Expr, den: Size) -> Atom:
    """The one atom for ``num // den``, which must not simplify further."""
    key = ("//", num, den)
    return _ATOMS.get(key) or _ATOMS.setdefault(key, FloorDiv(num, den))


def extremum_atom(kind: type[Extremum], args: tuple[Size, ...]) -> Atom:
    """The one extremum of these sizes, which must be sorted."""
    key = (kind, args)
    return _ATOMS.get(key) or _ATOMS.setdefault(key, kind(args))


def evaluate(size: Size, env: Mapping[str, int]) -> int:
    """The value of a size at concrete sizes. ``KeyError`` for a symbol that ``env`` lacks."""
    return size if isinstance(size, int) else size.evaluate(env)


def evaluate_defined(size: Size, env: Mapping[str, int]) -> int | None:
    """As :func:`evaluate`; ``None`` where the size divides by 0, as those of refused sizes may."""
    try:
        return evaluate(size, env)
    except ZeroDivisionError:
        return None


def atom_order(atom: Atom) -> tuple[int, str]:
    """The sort key of the atoms in a monomial."""
    return atom.order


def divide_monomial(monomial: Monomial, divisor: Monomial) -> Monomial | None:
    """The monomial without the factors of ``divisor``; ``None`` if it lacks one of them."""
    rest = list(monomial)
    for atom in divisor:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)


def shared_factors(one: Monomial, other: Monomial) -> Monomial:
    """The atoms that are factors of both monomials, as often as they are."""
    left = list(other)
    shared = []
    for atom in one:
        if atom in left:
            left.remove(atom)
            shared.append(atom)
    return tuple(shared)


def factor_text(size: Size) -> str:
    """The text of a size inside a product or quotient, in parentheses where it needs them."""
    if isinstance(size, int):
        return str(size) if size >= 0 else f"({size})"
    if not size.const and len(size.terms) == 1:
        (monomial, coef) = size.terms[0]
        if coef == 1 and len(monomial) == 1:
            return monomial[0].factor_text()
    return f"({size})" if size.terms else factor_text(size.const)


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
