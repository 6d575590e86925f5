"""The size algebra: exact integer expressions over input sizes, in one normal form.

A *size* is a Python ``int`` or an :class:`Expr`. An ``Expr`` is a polynomial with integer
coefficients over *atoms*: a :class:`Symbol` (``H``), a :class:`FloorDiv` (``H//32``), a
:class:`Min`, a :class:`Max` or a :class:`StepFunction` (``isqrt(H)``), or an :class:`Unknown`,
which depends on tensor values. Expressions are interned: equal sizes are the same object and
compare by identity. Every operation returns an
``int`` as soon as nothing symbolic is left, so that one shape rule serves integers and formulas::

    >>> H = symbol("H")
    >>> out = (H + 2 * 3 - 7) // 2 + 1
    >>> str(out), out.evaluate({"H": 224})
    ('ceil(H/2)', 112)

The normal form makes the common cases cancel by themselves: ``x % k`` is ``x - k*(x//k)``, whole
multiples leave a floor division, nested floor divisions become one, and a negative numerator is
turned into a ceiling. Division and remainder are Python's: they round towards minus infinity.

The modules, each using those before it: ``atom``, ``printing``, ``expr`` (the operators),
``division``, ``minmax``, ``totals`` and ``step_functions``, ``substitution``; then ``formula``
(comparisons of sizes) and ``intervals`` (bounds), then the modules that rewrite and solve formulas.
"""

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
    atoms,
    evaluate,
    evaluate_defined,
    factor_text,
)
from archlint.symbolic.division import as_quotient, ceildiv, exact_quotient, mod
from archlint.symbolic.expr import (
    Expr,
    cached,
    divide_polynomial,
    floordiv,
    from_atom,
    polynomial,
    symbol,
    unknown,
)
from archlint.symbolic.minmax import maximum, minimum
from archlint.symbolic.printing import PrintedTerm, printed_terms, sum_text
from archlint.symbolic.step_functions import (
    BitLength,
    ISqrt,
    PowerBelow,
    StepFunction,
    bit_length_of,
    isqrt_of,
    log10_below,
    log_below,
    power_below,
    square_root_of,
)
from archlint.symbolic.substitution import map_atoms, substitute, with_operands
from archlint.symbolic.totals import product, summed

__all__ = [
    "Atom",
    "BitLength",
    "Expr",
    "Extremum",
    "FloorDiv",
    "ISqrt",
    "Max",
    "Min",
    "Monomial",
    "PowerBelow",
    "PrintedTerm",
    "Size",
    "StepFunction",
    "Symbol",
    "Unknown",
    "as_quotient",
    "atoms",
    "bit_length_of",
    "cached",
    "ceildiv",
    "divide_polynomial",
    "evaluate",
    "evaluate_defined",
    "exact_quotient",
    "factor_text",
    "floordiv",
    "from_atom",
    "isqrt_of",
    "log10_below",
    "log_below",
    "map_atoms",
    "maximum",
    "minimum",
    "mod",
    "polynomial",
    "power_below",
    "printed_terms",
    "product",
    "square_root_of",
    "substitute",
    "sum_text",
    "summed",
    "symbol",
    "unknown",
    "with_operands",
]
