"""The size algebra: exact integer expressions over input sizes, in one normal form.

A *size* is a Python ``int`` or an :class:`Expr`. An ``Expr`` is a polynomial with integer
coefficients over *atoms*: a :class:`Symbol` (``H``), a :class:`FloorDiv` (``H//32``), a
:class:`Min` or a :class:`Max`, or an :class:`Unknown`, which values decide. Everything is interned,
so equal sizes are the same object and compare by identity; every operation returns an ``int`` as
soon as nothing symbolic is left, which is why one shape rule serves integers and formulas alike::

    >>> H = symbol("H")
    >>> out = (H + 2 * 3 - 7) // 2 + 1
    >>> str(out), out.evaluate({"H": 224})
    ('ceil(H/2)', 112)

The normal form makes the common cases cancel by themselves: ``x % k`` is ``x - k*(x//k)``, whole
multiples leave a floor division, nested floor divisions become one, and a negative numerator is
turned into a ceiling. Division and remainder are Python's: they round towards minus infinity.

The rooms, each made of those before it: atoms, expressions, sums and products, division, extrema,
substitution, and how all of it is written.
"""

from archlint.symbolic.arithmetic import add, multiply
from archlint.symbolic.atom import (
    Atom,
    Extremum,
    FloorDiv,
    Max,
    Min,
    Monomial,
    Size,
    Symbol,
    Unknown,
    evaluate,
    tight,
)
from archlint.symbolic.division import ceildiv, divided, exact_quotient, floordiv, mod
from archlint.symbolic.expr import (
    Expr,
    atoms,
    hand_in,
    polynomial,
    product,
    remembered,
    symbol,
    unknown,
)
from archlint.symbolic.minmax import maximum, minimum
from archlint.symbolic.printing import Piece, pieces, printed, written
from archlint.symbolic.substitution import operated, substitute, with_atoms

hand_in(add, multiply, floordiv, printed)

__all__ = [
    "Atom",
    "Expr",
    "Extremum",
    "FloorDiv",
    "Max",
    "Min",
    "Monomial",
    "Piece",
    "Size",
    "Symbol",
    "Unknown",
    "atoms",
    "ceildiv",
    "divided",
    "evaluate",
    "exact_quotient",
    "floordiv",
    "maximum",
    "minimum",
    "mod",
    "operated",
    "pieces",
    "polynomial",
    "product",
    "remembered",
    "substitute",
    "symbol",
    "tight",
    "unknown",
    "with_atoms",
    "written",
]
