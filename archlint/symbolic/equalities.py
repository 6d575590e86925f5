"""What equations between sizes let one write more simply.

Where ``8*((H+15)//128) == ceil(H/16)`` holds, ``ceil(H/16)`` *is* ``8*((H+15)//128)``, and so
``(256*N*ceil(H/16)) // (2048*((H+15)//128))`` is ``N``. Each equation is solved for one atom; sizes
and formulas are rewritten with what it equals, where fewer atoms are left then. What is written
differs, the value does not, at all sizes that satisfy the equations.
"""

from __future__ import annotations

from archlint.symbolic import (
    Atom,
    Expr,
    FloorDiv,
    Size,
    Symbol,
    Unknown,
    exact_quotient,
    floordiv,
    operated,
    polynomial,
    remembered,
    with_atoms,
)
from archlint.symbolic.formula import Bool, Comparison, Formula, Junction, compared, conj, disj


class Equations:
    """The equations known so far, each solved for an atom."""

    def __init__(self) -> None:
        self._steps: list[_Step] = []
        self._formulas: dict[Formula, Bool] = {}

    def __bool__(self) -> bool:
        return bool(self._steps)

    def copy(self) -> Equations:
        """The same equations, to which others can be added."""
        result = Equations()
        result._steps = list(self._steps)
        return result

    def learn(self, formula: Bool) -> None:
        """Use the formula, if it is an equation that can be solved, or an ``and`` of some."""
        if isinstance(formula, Junction) and formula.word == "and":
            for part in formula.args:
                self.learn(self.formula(part))
        if isinstance(formula, Comparison) and formula.op == "==":
            # Rewritten in full, so that no equation brings back what another put away.
            same = compared("==", self._all(formula.expr))
            solved = _solved(same.expr) if isinstance(same, Comparison) else None
            if solved is not None:
                self._steps.append(_Step(*solved))
                self._formulas.clear()

    def size(self, size: Size) -> Size:
        """The size, rewritten."""
        found = self._all(size)
        return found if found is not size and _weight(found) < _weight(size) else size

    def _all(self, size: Size) -> Size:
        for step in self._steps:
            size = step.size(size)
        return size

    def formula(self, formula: Bool) -> Bool:
        """The formula, rewritten."""
        if not self._steps or isinstance(formula, bool):
            return formula
        found = self._formulas.get(formula)
        if found is None:
            if isinstance(formula, Junction):
                join = conj if formula.word == "and" else disj
                found = join(*map(self.formula, formula.args))
            else:
                assert isinstance(formula, Comparison)
                size = self.size(formula.expr)
                found = formula if size is formula.expr else compared(formula.op, size)
            self._formulas[formula] = found
        return found


def _weight(size: Size) -> int:
    """How much there is to write: the atoms of a size, those inside others included."""
    return 0 if isinstance(size, int) else _weight_of(size)


@remembered
def _weight_of(expr: Expr) -> int:
    inner = (o for monomial, _ in expr.terms for atom in monomial for o in atom.operands())
    return sum(len(monomial) for monomial, _ in expr.terms) + sum(map(_weight, inner))


class _Step:
    """One equation: ``atom`` is ``value``."""

    def __init__(self, atom: Atom, value: Size) -> None:
        self.atom = atom
        self.value = value
        self._known: dict[Expr, Size] = {}

    def size(self, size: Size) -> Size:
        if isinstance(size, int):
            return size
        found = self._known.get(size)
        if found is None:
            found = self._known[size] = with_atoms(size, self._atom)
        return found

    def _atom(self, atom: Atom) -> Size:
        if atom is self.atom:
            return self.value
        if isinstance(atom, FloorDiv) and isinstance(self.atom, FloorDiv):
            coarser = self._coarser(atom, self.atom)
            if coarser is not None:
                return coarser
        return operated(atom, [self.size(a) for a in atom.operands()])

    def _coarser(self, atom: FloorDiv, known: FloorDiv) -> Size | None:
        """``(a + c*d) // (d*k)`` is ``(a//d + c) // k``."""
        if not isinstance(atom.den, int) or not isinstance(known.den, int) or atom.den % known.den:
            return None
        steps = exact_quotient(atom.num - known.num, known.den)
        return None if steps is None else floordiv(self.value + steps, atom.den // known.den)


def _solved(expr: Expr) -> tuple[Atom, Size] | None:
    """``atom, value`` where ``expr == 0`` says that the atom is the value."""
    expr = _even(expr)
    alone = [(m[0], c) for m, c in expr.terms if len(m) == 1 and abs(c) == 1]
    if not alone:
        return None
    atom, coef = min(alone, key=lambda part: _rank(part[0]))
    rest = expr - polynomial(0, (((atom,), coef),))
    return atom, rest * -coef


def _even(expr: Expr) -> Expr:
    """``x - 2*(x//2)`` for ``x//2 - ceil(x/2)``: both are 0 where ``x`` is even."""
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


def _rank(atom: Atom) -> tuple[int, int]:
    """Symbols first, then the finest divisions: most other atoms can be written with them.

    Unknowns come before all: written with sizes, they are none any more.
    """
    if isinstance(atom, Unknown):
        return -1, -atom.number
    if isinstance(atom, Symbol):
        return 0, 0
    if isinstance(atom, FloorDiv) and isinstance(atom.den, int):
        return 1, atom.den
    return 2, 0
