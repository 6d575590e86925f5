"""Powers of numbers made from sizes, and shifts by them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from archlint import symbolic as dims
from archlint.symbolic import BitLength, Expr, Size, formula, power_below
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.symbolic.rational import whole_of
from archlint.tracing.symint import float_domains, numbers
from archlint.tracing.symint.numbers import SizePath

_LARGEST = 2**31  # of the sizes whose powers are looked at
_MAX_POWER = 4  # of a float exponent: the power of a size below 2**13 is exact


def power(path: SizePath, a: Any, b: Any) -> Any:
    """``a ** b``. A float power of a negative number, which is complex, is not proved."""
    a, b = numbers.settled(path, a), numbers.settled(path, b)
    if numbers.kind_of(a) is int and numbers.kind_of(b) is int:
        return _power(path, a, b)
    whole = numbers.kind_of(b) is int or (isinstance(b, float) and b.is_integer())
    if not _is_plain_positive(a) and not (whole and _is_at_least_0(b)):
        if float_domains.holds(path, "0", a) and float_domains.holds(path, "below 0", b):
            raise ZeroDivisionError("0.0 cannot be raised to a negative power")
        if not whole and float_domains.holds(path, "below 0", a):
            path.unproved("a float power of a negative number, which is complex")
    _claim_no_overflow(path, a, b)
    return _power(path, a, b)


def _power(path: SizePath, a: Any, b: Any) -> Any:
    if numbers.kind_of(a) is int and numbers.kind_of(b) is int:
        if a == 2:
            two = _power_of_two(path, path.simplified(b))
            if two is not None:
                return two
        times = path.pin(b)
        if times >= 0:
            return a**times
        return numbers.truediv(path, 1, a**-times)
    if isinstance(b, float) and numbers.kind_of(a) is int and isinstance(a, Expr):
        if b == 0.5 and path.branch(formula.ge(a, 0)):
            return numbers.square_root(path, a)
        if b.is_integer() and 0 <= b <= _MAX_POWER:
            return numbers.as_ratio(a ** int(b))
        if b.is_integer() and -_MAX_POWER <= b < 0:
            return numbers.truediv(path, 1.0, a ** int(-b))
    return numbers.opaque(path, lambda x, y: float(x**y), a, b)


def _power_of_two(path: SizePath, exponent: Size) -> Size | None:
    """``2**exponent`` for a bit length plus a number; ``None`` for other exponents."""
    if not isinstance(exponent, Expr) or len(exponent.terms) != 1:
        return None
    (monomial, coef) = exponent.terms[0]
    if coef != 1 or len(monomial) != 1 or not isinstance(monomial[0], BitLength):
        return None
    size = monomial[0].arg
    if not path.branch(formula.ge(size, 1)):
        return 1 << exponent.const if exponent.const >= 0 else None
    more = exponent.const + 1
    if more < 0:  # 2**exponent is a size only where it is no fraction
        whole = path.branch(formula.ge(exponent, 0))
        return dims.floordiv(power_below(size), 1 << -more) if whole else None
    return power_below(size) * (1 << more)


def _is_plain_positive(number: Any) -> bool:
    return isinstance(number, (int, float)) and number > 0


def _is_at_least_0(number: Any) -> bool:
    return isinstance(number, (int, float)) and number >= 0


def _claim_no_overflow(path: SizePath, a: Any, b: Any) -> None:
    """Raise ``OverflowError`` where a power of a size, or with one as exponent, is too large."""
    plain = a if isinstance(a, (int, float)) else b
    size = whole_of(b if isinstance(a, (int, float)) else a)
    if not isinstance(plain, (int, float)) or not isinstance(size, Expr) or not plain:
        return
    if not math.isfinite(plain) or unknowns_in(size):
        return
    of: Callable[[int], float] = (
        (lambda n: float(abs(plain)) ** n) if plain is a else (lambda n: float(n) ** plain)
    )
    for sign in (1, -1):
        least = _first_overflow(lambda n, s=sign: of(s * n))  # type: ignore[misc]
        if least is not None and path.branch(formula.ge(sign * size, least)):
            raise OverflowError(34, "Numerical result out of range")


def _first_overflow(of: Callable[[int], float]) -> int | None:
    """The smallest number from 1 on whose power is too large for a float."""

    def fits(n: int) -> bool:
        try:
            of(n)
        except OverflowError:
            return False
        return True

    low, high = 1, _LARGEST
    if fits(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if fits(middle) else (low, middle)
    return low


def shifted(path: SizePath, a: Any, b: Any) -> Any:
    """``a << b``."""
    times = numbers.settled(path, b)
    two = _power_of_two(path, path.simplified(times))
    return numbers.mul(path, a, 1 << int(numbers.pinned(path, times)) if two is None else two)


def shifted_back(path: SizePath, a: Any, b: Any) -> Any:
    """``a >> b``."""
    return numbers.floordiv(path, a, 1 << int(numbers.pinned(path, b)))
