"""Equations between sizes, used to simplify other sizes and formulas.

Where ``8*((H+15)//128) == ceil(H/16)`` holds, ``ceil(H/16)`` *is* ``8*((H+15)//128)``, and so
``(256*N*ceil(H/16)) // (2048*((H+15)//128))`` is ``N``. Each equation is solved for one atom, which
is then replaced by its value wherever the result has fewer atoms. A simplified size has the same
value as the original at all sizes that satisfy the equations.
"""

from __future__ import annotations

from collections.abc import Sequence

from archlint.symbolic import (
    Atom,
    Expr,
    FloorDiv,
    Monomial,
    Size,
    Symbol,
    Unknown,
    atoms,
    cached,
    exact_quotient,
    floordiv,
    from_atom,
    map_atoms,
    with_operands,
)
from archlint.symbolic.atom import divide_monomial
from archlint.symbolic.formula import (
    Bool,
    Comparison,
    Formula,
    Junction,
    compare_to_zero,
    conj,
    disj,
)


class Equalities:
    """A set of equations, each solved for an atom. False if there are none."""

    def __init__(self) -> None:
        self._replacements: list[_Replacement | _ProductReplacement] = []
        self._simplified: dict[Formula, Bool] = {}

    def __bool__(self) -> bool:
        return bool(self._replacements)

    def copy(self) -> Equalities:
        """A set of the same equations; adding to one set does not change the other."""
        result = Equalities()
        result._replacements = list(self._replacements)
        return result

    def add(self, formula: Bool) -> None:
        """Add the equations in the formula, a comparison or an ``and``; others are ignored."""
        if isinstance(formula, Junction) and formula.op == "and":
            for part in formula.args:
                self.add(self.simplify_formula(part))
        if isinstance(formula, Comparison) and formula.op == "==":
            # Replace in full, so that no equation reintroduces an atom that another eliminated.
            same = compare_to_zero("==", self._replace(formula.expr))
            if isinstance(same, Comparison):
                self._add(same.expr)
                self._simplified.clear()

    def _add(self, expr: Expr) -> None:
        """Add the equation ``expr == 0``."""
        earlier = [r for r in self._replacements if isinstance(r, _ProductReplacement)]
        if (solved := _solve(expr)) is not None:
            new = _Replacement(*solved)
            self._replacements.append(new)
            for replacement in earlier:
                again = new.apply(replacement.equation)
                if isinstance(again, Expr) and again is not replacement.equation:
                    self._add_product(again)
        self._add_product(expr)  # after the above, which makes it longer in places

    def _add_product(self, expr: Expr) -> None:
        product = _solve_for_product(expr)
        if product is not None:
            self._replacements.append(_ProductReplacement(*product, expr))

    def simplify_size(self, size: Size) -> Size:
        """The size with atoms replaced, if that leaves fewer atoms; else the size itself."""
        simplified = self._replace(size)
        return simplified if _atom_count(simplified) < _atom_count(size) else size

    def _replace(self, size: Size) -> Size:
        for replacement in self._replacements:
            size = replacement.apply(size)
        return size

    def simplify_formula(self, formula: Bool) -> Bool:
        """The formula with each side of its comparisons simplified."""
        if not self._replacements or isinstance(formula, bool):
            return formula
        result = self._simplified.get(formula)
        if result is None:
            if isinstance(formula, Junction):
                join = conj if formula.op == "and" else disj
                result = join(*map(self.simplify_formula, formula.args))
            else:
                assert isinstance(formula, Comparison)
                size = self.simplify_size(formula.expr)
                result = formula if size is formula.expr else compare_to_zero(formula.op, size)
            self._simplified[formula] = result
        return result


def _atom_count(size: Size) -> int:
    """The number of atoms in a size, those inside others included."""
    return 0 if isinstance(size, int) else _atom_count_of(size)


@cached
def _atom_count_of(expr: Expr) -> int:
    inner = (o for monomial, _ in expr.terms for atom in monomial for o in atom.operands())
    return sum(len(monomial) for monomial, _ in expr.terms) + sum(map(_atom_count, inner))


class _Equation:
    """An equation, applied from left to right."""

    def __init__(self) -> None:
        self._results: dict[Expr, Size] = {}

    def apply(self, size: Size) -> Size:
        """The size with the left side replaced, at every depth."""
        if isinstance(size, int):
            return size
        result = self._results.get(size)
        if result is None:
            result = self._results[size] = self._in_terms(map_atoms(size, self._atom))
        return result

    def _atom(self, atom: Atom) -> Size:
        return _applied(atom, [self.apply(a) for a in atom.operands()])

    def _in_terms(self, size: Size) -> Size:
        """The size with the left side replaced where it is a part of a term."""
        return size


class _Replacement(_Equation):
    """The equation ``atom == value``."""

    def __init__(self, atom: Atom, value: Size) -> None:
        super().__init__()
        self.atom = atom
        self.value = value

    def _atom(self, atom: Atom) -> Size:
        if atom is self.atom:
            return self.value
        if isinstance(atom, FloorDiv) and isinstance(self.atom, FloorDiv):
            coarser = self._coarser(atom, self.atom)
            if coarser is not None:
                return coarser
        return super()._atom(atom)

    def _coarser(self, atom: FloorDiv, replaced: FloorDiv) -> Size | None:
        """``(a + c*d) // (d*k)`` as ``(a//d + c) // k``, where ``a//d`` is replaced."""
        num, den = replaced.num, replaced.den
        if not isinstance(atom.den, int) or not isinstance(den, int) or atom.den % den:
            return None
        offset = exact_quotient(atom.num - num, den)
        return None if offset is None else floordiv(self.value + offset, atom.den // den)


def _applied(atom: Atom, operands: Sequence[Size]) -> Size:
    """The atom applied to other operands; itself where it would divide by 0: no size is there."""
    try:
        return with_operands(atom, operands)
    except ZeroDivisionError:
        return from_atom(atom)


class _ProductReplacement(_Equation):
    """The equation ``product == value``, where the product may be a part of larger ones."""

    def __init__(self, product: Monomial, value: Size, equation: Expr) -> None:
        super().__init__()
        self.equation = equation  # as an expression that is 0
        self.product = product
        self.value = value

    def _in_terms(self, size: Size) -> Size:
        if isinstance(size, int):
            return size
        result: Size = size.const
        for monomial, coef in size.terms:
            term: Size = coef
            while (rest := divide_monomial(monomial, self.product)) is not None:
                monomial, term = rest, term * self.value
            result = result + (term * from_atom(*monomial) if monomial else term)
        return result


def _solve_for_product(expr: Expr) -> tuple[Monomial, Size] | None:
    """``q * (x//q), x`` of ``x == q * (x//q)``: a product whose value is inside its factors.

    Such an equation says that ``q`` divides ``x``, not what ``x`` is.
    """
    products = [(m, c) for m, c in expr.terms if len(m) > 1]
    if len(products) != 1 or abs(products[0][1]) != 1:
        return None
    product, coef = products[0]
    value = (expr - from_atom(*product) * coef) * -coef
    inside = {part for atom in product for part in atom.operands()}
    return (product, value) if value in inside else None


def _solve(expr: Expr) -> tuple[Atom, Size] | None:
    """``atom, value`` such that ``expr == 0`` means ``atom == value``; ``None`` without one."""
    expr = _parity(expr)
    alone = [(m[0], c) for m, c in expr.terms if len(m) == 1 and abs(c) == 1]
    if not alone:
        return None
    # y == x // (x // y) says what the quotient is, not what y is.
    inside = {a for part, _ in alone for o in part.operands() for a in atoms(o)}
    alone = [(a, c) for a, c in alone if a not in inside] or alone
    atom, coef = min(alone, key=lambda term: _elimination_order(term[0]))
    rest = expr - from_atom(atom) * coef
    return atom, rest * -coef


def _parity(expr: Expr) -> Expr:
    """``x - 2*(x//2)`` in place of ``x//2 - ceil(x/2)``: both are 0 exactly where ``x`` is even."""
    if len(expr.terms) != 2 or expr.const or {c for _, c in expr.terms} != {1, -1}:
        return expr
    (low, *more), (high, *others) = expr.terms[0][0], expr.terms[1][0]
    if more or others or not isinstance(low, FloorDiv) or not isinstance(high, FloorDiv):
        return expr
    if not isinstance(low.den, int) or low.den % 2 or high.den != low.den:
        return expr
    half = low.den // 2
    for num, other in ((low.num, high.num), (high.num, low.num)):
        if other - num == half:
            x = floordiv(num, half)
            odd = x - 2 * floordiv(x, 2)
            return odd if isinstance(odd, Expr) else expr
    return expr


def _elimination_order(atom: Atom) -> tuple[int, int]:
    """The sort key of the atoms to solve for: unknowns, symbols, then the finest divisions.

    Most other atoms can be written with the finest division; an unknown that equals a size known
    from the input is not unknown any more.
    """
    if isinstance(atom, Unknown):
        return -1, -atom.number
    if isinstance(atom, Symbol):
        return 0, 0
    if isinstance(atom, FloorDiv) and isinstance(atom.den, int):
        return 1, atom.den
    return 2, 0
