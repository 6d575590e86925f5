"""The size algebra: exact integer expressions over input sizes, in one normal form.

A *size* is a Python ``int`` or an :class:`Expr`. An ``Expr`` is a polynomial with integer
coefficients over *atoms*: a :class:`Symbol` (``H``), a :class:`FloorDiv` (``H//32``), a
:class:`Min` or a :class:`Max`. Everything is interned, so equal sizes are the same object and
compare by identity; every operation returns an ``int`` as soon as nothing symbolic is left, which
is why one shape rule serves integers and formulas alike::

    >>> H = symbol("H")
    >>> out = (H + 2 * 3 - 7) // 2 + 1
    >>> str(out), out.evaluate({"H": 224})
    ('ceil(H/2)', 112)

The normal form makes the common cases cancel by themselves: ``x % k`` is ``x - k*(x//k)``, whole
multiples leave a floor division, nested floor divisions become one, and a negative numerator is
turned into a ceiling. Division and remainder are Python's: they round towards minus infinity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar, Union, cast

Size = Union[int, "Expr"]
Monomial = tuple["Atom", ...]
F = TypeVar("F", bound=Callable[..., Any])


def remembered(function: F) -> F:
    """With a memory: a trace asks for the same few sums and quotients again and again."""
    return cast(F, lru_cache(maxsize=1 << 15)(function))


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
        return _symbol_atom, (self.name,)


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
        return _floordiv_atom, (self.num, self.den)


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
        return _extremum_atom, (type(self), self.args)


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


class Expr:
    """A polynomial over atoms: ``const + sum(coef * monomial)``, never a bare integer.

    Interned: two equal expressions are one object, so ``==`` and ``hash`` are by identity.
    Build one with :func:`symbol` and Python's operators; divide two with ``//`` and ``%``.
    """

    __slots__ = ("const", "terms")
    const: int
    terms: tuple[tuple[Monomial, int], ...]

    def __add__(self, other: Size) -> Size:
        return _sum(self, other) if isinstance(other, (int, Expr)) else NotImplemented

    __radd__ = __add__

    def __neg__(self) -> Expr:
        return _negative(self)

    def __sub__(self, other: Size) -> Size:
        if not isinstance(other, (int, Expr)):
            return NotImplemented
        return _sum(self, -other)

    def __rsub__(self, other: int) -> Size:
        return -self + other

    def __mul__(self, other: Size) -> Size:
        return _product(self, other) if isinstance(other, (int, Expr)) else NotImplemented

    __rmul__ = __mul__

    def __floordiv__(self, other: Size) -> Size:
        if not isinstance(other, (int, Expr)):
            return NotImplemented
        return floordiv(self, other)

    def __rfloordiv__(self, other: int) -> Size:
        return floordiv(other, self)

    def __mod__(self, other: Size) -> Size:
        if not isinstance(other, (int, Expr)):
            return NotImplemented
        return mod(self, other)

    def __rmod__(self, other: int) -> Size:
        return mod(other, self)

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
        raise TypeError(f"comparing the size {self} gives a formula; use archlint.formula.lt")

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
        return written(*pieces(self))

    __repr__ = __str__

    def __reduce__(self) -> tuple[object, ...]:
        return polynomial, (self.const, self.terms)

    def __copy__(self) -> Expr:
        return self

    def __deepcopy__(self, memo: object) -> Expr:
        return self


_EXPRS: dict[object, Expr] = {}
_ATOMS: dict[object, Atom] = {}


def _atom_order(atom: Atom) -> tuple[int, str]:
    return atom.order


def _monomial_order(term: tuple[Monomial, int]) -> tuple[object, ...]:
    # Graded: the exact division below needs an order that multiplication respects.
    monomial = term[0]
    return (-len(monomial), [a.order for a in monomial])


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
def _sum(left: Expr, right: Size) -> Size:
    if isinstance(right, int):
        return left if right == 0 else polynomial(left.const + right, left.terms)
    terms = dict(left.terms)
    for monomial, coef in right.terms:
        terms[monomial] = terms.get(monomial, 0) + coef
    return _make(left.const + right.const, terms)


@remembered
def _negative(expr: Expr) -> Expr:
    return polynomial(-expr.const, tuple((m, -c) for m, c in expr.terms))


@remembered
def _product(left: Expr, right: Size) -> Size:
    if isinstance(right, int):
        if right == 0:
            return 0
        if right == 1:
            return left
        return polynomial(left.const * right, tuple((m, c * right) for m, c in left.terms))
    terms: dict[Monomial, int] = {}
    ours = (*left.terms, ((), left.const)) if left.const else left.terms
    theirs = (*right.terms, ((), right.const)) if right.const else right.terms
    for m1, c1 in ours:
        for m2, c2 in theirs:
            m = tuple(sorted(m1 + m2, key=_atom_order)) if m1 and m2 else m1 or m2
            terms[m] = terms.get(m, 0) + c1 * c2
    return _make(terms.pop((), 0), terms)


def _make(const: int, terms: Mapping[Monomial, int]) -> Size:
    kept = [(m, c) for m, c in terms.items() if c]
    if len(kept) > 1:
        for monomial, coef in kept:
            if len(monomial) == 1 and isinstance(monomial[0], FloorDiv):
                halved = _join_halves(const, dict(kept), monomial[0], coef)
                if halved is not None:
                    return halved
    if not kept:
        return const
    if len(kept) > 1:
        kept.sort(key=_monomial_order)
    return polynomial(const, tuple(kept))


def _join_halves(const: int, terms: dict[Monomial, int], half: FloorDiv, coef: int) -> Size | None:
    """``x//2 + (x+1)//2`` is ``x``, and ``x - x//2`` is ``(x+1)//2``; ``None`` if neither is there.

    ``half`` is ``x//2``; for ``a//8``, ``x`` is ``a//4``.
    """
    if not isinstance(half.den, int) or half.den % 2:
        return None
    x = floordiv(half.num, half.den // 2)
    if not isinstance(x, Expr):
        return None
    other_half = floordiv(x + 1, 2)
    if isinstance(other_half, Expr) and not other_half.const and len(other_half.terms) == 1:
        (monomial, _) = other_half.terms[0]
        both = terms.get(monomial, 0)
        if both and (both > 0) == (coef > 0):
            times = min(abs(both), abs(coef)) * (1 if coef > 0 else -1)
            terms[monomial] -= times
            terms[half,] -= times
            return _make(const, terms) + x * times
    whole = [(m, c * -coef) for m, c in x.terms]
    if all(abs(terms.get(m, 0)) >= abs(c) and terms.get(m, 0) * c > 0 for m, c in whole):
        for m, c in whole:
            terms[m] -= c
        del terms[half,]
        return _make(const + x.const * coef, terms) + other_half * -coef
    return None


def _of_atom(atom: Atom) -> Expr:
    return polynomial(0, (((atom,), 1),))


def _symbol_atom(name: str) -> Atom:
    return _ATOMS.get(("s", name)) or _ATOMS.setdefault(("s", name), Symbol(name))


def _floordiv_atom(num: Expr, den: Size) -> Atom:
    key = ("//", num, den)
    return _ATOMS.get(key) or _ATOMS.setdefault(key, FloorDiv(num, den))


def _extremum_atom(kind: type[Extremum], args: tuple[Size, ...]) -> Atom:
    key = (kind, args)
    return _ATOMS.get(key) or _ATOMS.setdefault(key, kind(args))


def symbol(name: str) -> Expr:
    """The size called ``name``."""
    return _of_atom(_symbol_atom(name))


def evaluate(size: Size, env: Mapping[str, int]) -> int:
    """The value of a size at concrete sizes."""
    return size if isinstance(size, int) else size.evaluate(env)


@remembered
def floordiv(num: Size, den: Size) -> Size:
    """``num // den``. ``ZeroDivisionError`` if ``den`` is the number 0.

    Where ``den`` is symbolic the result is meant where ``den != 0`` only; whoever divides claims
    that (a zero divisor raises in Python as it does here).
    """
    if isinstance(den, int):
        if isinstance(num, int):
            return num // den
        if den == 1:
            return num
        if den < 0:
            return floordiv(-num, -den)
        if den == 0:
            raise ZeroDivisionError(f"{num} // 0")
        return _floordiv_number(num, den)
    if isinstance(num, int) and num == 0:
        return 0
    quotient, rest = _divide(num, den)
    if isinstance(rest, int) and rest == 0:
        return quotient
    if isinstance(num, int):
        num = polynomial(num, ())
    return _of_atom(_floordiv_atom(num, den))


def _floordiv_number(num: Expr, den: int) -> Size:
    outer: dict[Monomial, int] = {}
    inner: dict[Monomial, int] = {}
    for monomial, coef in num.terms:
        whole = int(Fraction(coef, den))  # towards zero, so that -H stays -H
        if whole:
            outer[monomial] = whole
        if coef - whole * den:
            inner[monomial] = coef - whole * den
    whole_const, const = divmod(num.const, den)
    result = _make(whole_const, outer)
    if not inner:
        return result
    common = math.gcd(den, *inner.values())
    if common > 1:
        inner = {m: c // common for m, c in inner.items()}
        const //= common
        den //= common
        if den == 1:
            return result + _make(const, inner)
    rest = _make(const, inner)
    assert isinstance(rest, Expr)
    sign = 1
    if rest.terms[0][1] < 0:  # (-x)//k == -((x+k-1)//k)
        sign = -1
        lift, const = divmod(den - 1 - rest.const, den)
        result = result - lift
        rest = polynomial(const, (-rest).terms)
    if len(rest.terms) == 1:
        (monomial, coef) = rest.terms[0]
        if coef == 1 and len(monomial) == 1:
            atom = monomial[0]
            if isinstance(atom, FloorDiv) and isinstance(atom.den, int):  # (a//m + c)//n
                nested = floordiv(atom.num + rest.const * atom.den, atom.den * den)
                return result + nested * sign
    return result + _of_atom(_floordiv_atom(rest, den)) * sign


def _divide(num: Size, den: Expr) -> tuple[Size, Size]:
    """Polynomial division: ``num == quotient * den + rest``; ``rest`` is 0 iff it divides."""
    lead, lead_coef = den.terms[0]
    quotient: Size = 0
    rest = num
    for _ in range(4 * _size_of(num) + 8):
        if not isinstance(rest, Expr):
            break
        for monomial, coef in rest.terms:
            factor = _without(monomial, lead)
            if factor is not None and coef % lead_coef == 0:
                break
        else:
            break
        step = _make(0, {factor: coef // lead_coef}) if factor else coef // lead_coef
        quotient = quotient + step
        following = rest - step * den
        if following is rest or _size_of(following) > 4 * _size_of(num) + 8:
            break
        rest = following
    return quotient, rest


def _size_of(size: Size) -> int:
    return len(size.terms) if isinstance(size, Expr) else 0


def _without(monomial: Monomial, factors: Monomial) -> Monomial | None:
    rest = list(monomial)
    for atom in factors:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest)


@remembered
def exact_quotient(num: Size, den: Size) -> Size | None:
    """``q`` with ``num == q * den`` for all sizes, or ``None`` if the algebra finds none."""
    if isinstance(den, int):
        if den == 0:
            return None
        if isinstance(num, int):
            return num // den if num % den == 0 else None
        if num.const % den == 0 and all(c % den == 0 for _, c in num.terms):
            return floordiv(num, den)
        return None
    quotient, rest = _divide(num, den)
    return quotient if isinstance(rest, int) and rest == 0 else None


def mod(num: Size, den: Size) -> Size:
    """``num % den``, with the sign of ``den`` as in Python."""
    if isinstance(num, int) and isinstance(den, int):
        return num % den
    return num - floordiv(num, den) * den


def ceildiv(num: Size, den: Size) -> Size:
    """``num / den`` rounded up."""
    return -floordiv(-num, den)


def minimum(*sizes: Size) -> Size:
    """The smallest of the sizes."""
    return _extremum(Min, sizes)


def maximum(*sizes: Size) -> Size:
    """The largest of the sizes."""
    return _extremum(Max, sizes)


def _extremum(kind: type[Extremum], sizes: Iterable[Size]) -> Size:
    flat: list[Size] = []
    for size in sizes:
        if isinstance(size, Expr) and not size.const and len(size.terms) == 1:
            (monomial, coef) = size.terms[0]
            if coef == 1 and len(monomial) == 1 and isinstance(monomial[0], kind):
                flat.extend(monomial[0].args)
                continue
        flat.append(size)
    smaller = kind is Min
    kept: list[Size] = []
    for size in flat:
        for i, other in enumerate(kept):
            gap = size - other
            if isinstance(gap, int):
                if (gap < 0) == smaller:
                    kept[i] = size
                break
        else:
            kept.append(size)
    if len(kept) == 1:
        return kept[0]
    return _of_atom(_extremum_atom(kind, tuple(sorted(kept, key=str))))


def product(sizes: Iterable[Size]) -> Size:
    """All sizes multiplied; 1 for none (the number of elements of a scalar)."""
    result: Size = 1
    for size in sizes:
        result = result * size
    return result


def substitute(size: Size, values: Mapping[str, Size]) -> Size:
    """The size with symbols replaced, in normal form again. Symbols not in ``values`` stay."""
    return with_atoms(size, lambda atom: _substitute_atom(atom, values))


def with_atoms(size: Size, change: Callable[[Atom], Size]) -> Size:
    """The size with every atom of it changed, in normal form again. Operands are not entered."""
    if isinstance(size, int):
        return size
    result: Size = size.const
    for monomial, coef in size.terms:
        term: Size = coef
        for atom in monomial:
            term = term * change(atom)
        result = result + term
    return result


def _substitute_atom(atom: Atom, values: Mapping[str, Size]) -> Size:
    if isinstance(atom, Symbol):
        return values[atom.name] if atom.name in values else _of_atom(atom)
    return operated(atom, [substitute(a, values) for a in atom.operands()])


def operated(atom: Atom, operands: list[Size]) -> Size:
    """What the atom makes of other ``operands``; a symbol has none and stays."""
    if isinstance(atom, Symbol):
        return _of_atom(atom)
    if isinstance(atom, FloorDiv):
        return floordiv(*operands)
    return minimum(*operands) if isinstance(atom, Min) else maximum(*operands)


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


class Piece(NamedTuple):
    """A printed term: its coefficient, its text as a factor, and its text when it stands alone."""

    coef: int
    factor: str
    alone: str


def pieces(expr: Expr) -> tuple[list[Piece], int]:
    """The terms and the constant as a person writes them.

    What belongs together is put together: ``c*x - c*k*(x//k)`` is ``c`` times ``x % k``.
    """
    terms = dict(expr.terms)
    const = expr.const
    remainders: list[Piece] = []
    for monomial, _ in expr.terms:
        for atom in monomial:
            if isinstance(atom, FloorDiv) and monomial in terms:
                found = _take_remainder(terms, monomial, atom)
                if found is not None:
                    remainders.append(found[0])
                    const -= found[1]
    return [_piece(m, c) for m, c in terms.items() if c] + remainders, const


def written(parts: Iterable[Piece], const: int) -> str:
    """The sum of printed terms and a constant."""
    ordered = sorted(parts, key=lambda p: p.coef < 0)
    single = len(ordered) == 1 and not const
    out = ""
    for coef, factor, alone in ordered:
        if coef == 1 and (single or " % " not in alone):
            out += f"+{alone}"
        else:
            times = "" if abs(coef) == 1 else f"{abs(coef)}*"
            out += f"{'-' if coef < 0 else '+'}{times}{factor}"
    if const or not out:
        out += f"{const:+d}"
    return out.removeprefix("+")


def _take_remainder(
    terms: dict[Monomial, int], monomial: Monomial, atom: FloorDiv
) -> tuple[Piece, int] | None:
    """Take a multiple of ``atom.num % atom.den`` out of ``terms``, if it is in there.

    Also gives the constant that goes with it.
    """
    den: Monomial = ()
    den_coef = atom.den
    if isinstance(den_coef, Expr):
        if den_coef.const or len(den_coef.terms) != 1:
            return None
        (den, den_coef) = den_coef.terms[0]
    others = _without(monomial, (atom, *den))
    if others is None or not atom.num.terms:
        return None
    times, odd = divmod(-terms[monomial], den_coef)
    if odd or not times:
        return None
    num: Size = atom.num
    text = f"{tight(num)} % {tight(atom.den)}"
    sign = 1
    if times < 0 and isinstance(atom.den, int) and atom.num.const == atom.den - 1:
        num = num - atom.num.const  # k*ceil(x/k) - x is (-x) % k
        text = f"{tight(-num)} % {atom.den}"
        sign = -1
    lifted = num * (_make(0, {others: times}) if others else times)
    assert isinstance(lifted, Expr)
    left = {m: terms.get(m, 0) - c for m, c in lifted.terms}
    if not all(abs(c) < abs(terms.get(m, 0)) for m, c in left.items()):
        return None
    terms.update(left)
    del terms[monomial]
    factor = "*".join([*map(_factor, others), f"({text})"])
    return Piece(sign * times, factor, factor if others else text), lifted.const


def _piece(monomial: Monomial, coef: int) -> Piece:
    if len(monomial) == 1 and coef == 1:
        return Piece(coef, _factor(monomial[0]), repr(monomial[0]))
    factors = []
    for atom in monomial:
        text = _factor(atom)
        if coef < 0 and isinstance(atom, FloorDiv) and isinstance(atom.den, Expr):
            num = -atom.num
            if all(c > 0 for _, c in num.terms) and num.const >= 0:
                text = f"ceil({tight(num)}/{tight(atom.den)})"
                coef = -coef
        factors.append(text)
    text = "*".join(factors)
    return Piece(coef, text, text)


def _is_call(atom: Atom) -> bool:
    """Whether it is printed as ``min(...)``, ``max(...)`` or ``ceil(...)``."""
    if isinstance(atom, FloorDiv):
        return isinstance(atom.den, int) and atom.num.const == atom.den - 1
    return isinstance(atom, Extremum)


def _factor(atom: Atom) -> str:
    return f"({atom})" if isinstance(atom, FloorDiv) and not _is_call(atom) else repr(atom)


def tight(size: Size) -> str:
    """The text of a size where a factor may stand."""
    if isinstance(size, int):
        return str(size) if size >= 0 else f"({size})"
    if not size.const and len(size.terms) == 1:
        (monomial, coef) = size.terms[0]
        if coef == 1 and len(monomial) == 1:
            return _factor(monomial[0])
    return f"({size})" if size.terms else tight(size.const)
