"""Where a term over one size changes its sign."""

from __future__ import annotations

import math
from collections.abc import Iterator

from archlint.symbolic import Expr, FloorDiv, Size, Symbol, evaluate

FAR = 1 << 40  # beyond it no sign change is looked for


def sign_changes(
    expr: Expr, name: str, low: int, high: int | None, period: int
) -> Iterator[tuple[int, int]]:
    """Ranges inside ``low..high``, outside of which the sign of ``expr`` does not change."""
    line = _line(expr)
    if line is not None:
        slope, const, slack = line
        if slope == 0:
            return
        root, wide = -const / slope, slack / abs(slope)
        if root + wide + 1 >= low and (high is None or root - wide - 1 <= high):
            yield max(low, math.floor(root - wide) - 1), math.ceil(root + wide) + 1
        return
    top = FAR if high is None else high
    yield low, min(low + max(64, period), top)
    values = [low]
    while values[-1] < top:
        values.append(min(top, values[-1] + max(1, (values[-1] - low) // 2)))
    env = {name: low}

    def sign(value: int) -> int:
        env[name] = value
        try:
            result = evaluate(expr, env)
        except ZeroDivisionError:
            return 2
        return (result > 0) - (result < 0)

    signs = [sign(v) for v in values]
    for a, b, sa, sb in zip(values, values[1:], signs, signs[1:], strict=False):
        if sa == sb:
            continue
        while b - a > 1:
            middle = (a + b) // 2
            if sign(middle) == sa:
                a = middle
            else:
                b = middle
        yield max(low, a - 2 * period), b + 2 * period


def _line(size: Size) -> tuple[float, float, float] | None:
    """``slope, const, slack``: the size differs from the line by at most ``slack``."""
    if isinstance(size, int):
        return 0.0, float(size), 0.0
    slope, const, slack = 0.0, float(size.const), 0.0
    for monomial, coef in size.terms:
        atom = monomial[0]
        if len(monomial) > 1:
            return None
        if isinstance(atom, Symbol):
            slope += coef
            continue
        if not isinstance(atom, FloorDiv) or not isinstance(atom.den, int):
            return None
        inner = _line(atom.num)
        if inner is None:
            return None
        slope += coef * inner[0] / atom.den
        const += coef * (inner[1] / atom.den - 0.5)
        slack += abs(coef) * (inner[2] / atom.den + 0.5)
    return (0.0 if abs(slope) < 1e-9 else slope), const, slack
