"""The indivisible parts of a size: symbols, unknowns, floor divisions, minima and maxima.

Equal atoms are one object. They are printed here; what they mean is said in :mod:`.division` and
:mod:`.extrema`, which make them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Union

if TYPE_CHECKING:
    from archlint.symbolic.expr import Expr

Size = Union[int, "Expr"]
Monomial = tuple["Atom", ...]


class Atom:
    """An indivisible factor of a monomial. Interned; ordered by ``order``."""

    __slots__ = ("order",)
    order: tuple[int, str]

    def evaluate(self, env: Mapping[str, int]) -> int:
        raise NotImplementedError

    def operands(self) -> tuple[Size, ...]:
        """The sizes this atom is made of (none for a symbol)."""
        return ()

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
    """A number that values decide, of which only bounds are known: how many elements a mask keeps.

    It is the ``number``-th of its run. At least ``low``, at most each of ``most``; ``None`` for no
    bound below. The bounds are sizes, which may name unknowns of lower numbers.
    """

    __slots__ = ("low", "most", "number")

    def __init__(self, number: int, low: Size | None, most: tuple[Size, ...]) -> None:
        super().__init__(f"?{number}")  # no size of a contract has such a name
        self.number = number
        self.low = low
        self.most = most

    def evaluate(self, env: Mapping[str, int]) -> int:
        """One of the values that it may have: the largest, if there is one."""
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

    def __repr__(self) -> str:
        if isinstance(self.den, int) and self.num.const == self.den - 1:
            return f"ceil({tight(self.num - self.num.const)}/{self.den})"
        return f"{tight(self.num)}//{tight(self.den)}"

    def __reduce__(self) -> tuple[object, ...]:
        return floordiv_atom, (self.num, self.den)


class Extremum(Atom):
    """The smaller or the larger of several sizes."""

    __slots__ = ("args",)
    word = ""

    def __init__(self, args: tuple[Size, ...]) -> None:
        self.args = args
        self.order = (2, repr(self))

    def operands(self) -> tuple[Size, ...]:
        return self.args

    def __repr__(self) -> str:
        return f"{self.word}({', '.join(map(str, self.args))})"

    def __reduce__(self) -> tuple[object, ...]:
        return extremum_atom, (type(self), self.args)


class Min(Extremum):
    """The smallest of its arguments."""

    __slots__ = ()
    word = "min"

    def evaluate(self, env: Mapping[str, int]) -> int:
        return min(evaluate(a, env) for a in self.args)


class Max(Extremum):
    """The largest of its arguments."""

    __slots__ = ()
    word = "max"

    def evaluate(self, env: Mapping[str, int]) -> int:
        return max(evaluate(a, env) for a in self.args)


_ATOMS: dict[object, Atom] = {}


def symbol_atom(name: str) -> Atom:
    """The one symbol of this name."""
    return _ATOMS.get(("s", name)) or _ATOMS.setdefault(("s", name), Symbol(name))


def unknown_atom(number: int, low: Size | None, most: tuple[Size, ...]) -> Unknown:
    """The one unknown of this number and these bounds."""
    key = ("?", number, low, most)
    found = _ATOMS.get(key) or _ATOMS.setdefault(key, Unknown(number, low, most))
    assert isinstance(found, Unknown)
    return found


def floordiv_atom(num: Expr, den: Size) -> Atom:
    """The one atom for ``num // den``, which does not simplify."""
    key = ("//", num, den)
    return _ATOMS.get(key) or _ATOMS.setdefault(key, FloorDiv(num, den))


def extremum_atom(kind: type[Extremum], args: tuple[Size, ...]) -> Atom:
    """The one extremum of these sizes, which are sorted."""
    key = (kind, args)
    return _ATOMS.get(key) or _ATOMS.setdefault(key, kind(args))


def evaluate(size: Size, env: Mapping[str, int]) -> int:
    """The value of a size at concrete sizes."""
    return size if isinstance(size, int) else size.evaluate(env)


def _is_call(atom: Atom) -> bool:
    """Whether it is printed as ``min(...)``, ``max(...)`` or ``ceil(...)``."""
    if isinstance(atom, FloorDiv):
        return isinstance(atom.den, int) and atom.num.const == atom.den - 1
    return isinstance(atom, Extremum)


def as_factor(atom: Atom) -> str:
    """The text of an atom where it is multiplied."""
    return f"({atom})" if isinstance(atom, FloorDiv) and not _is_call(atom) else repr(atom)


def tight(size: Size) -> str:
    """The text of a size where a factor may stand."""
    if isinstance(size, int):
        return str(size) if size >= 0 else f"({size})"
    if not size.const and len(size.terms) == 1:
        (monomial, coef) = size.terms[0]
        if coef == 1 and len(monomial) == 1:
            return as_factor(monomial[0])
    return f"({size})" if size.terms else tight(size.const)
