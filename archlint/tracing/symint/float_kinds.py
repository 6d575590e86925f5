"""Floats made from sizes that are known exactly although no ratio states them."""

from __future__ import annotations

from typing import Any

from archlint.symbolic import Expr


class Root:
    """The float ``math.sqrt(size)`` of a size that is not negative and no known square.

    For sizes below 2**52 its floor is that of the exact root, and it compares with whole numbers as
    the exact root does: the distance of two such roots is more than a rounding.
    """

    __slots__ = ("size",)

    def __init__(self, size: Expr) -> None:
        self.size = size

    def __repr__(self) -> str:
        return f"sqrt({self.size})"


class Logarithm:
    """The float ``math.log2(size)`` of a size of at least 1.

    It is a whole number for powers of two only, and for sizes below 2**46 its floor is that of the
    exact logarithm.
    """

    __slots__ = ("size",)

    def __init__(self, size: Expr) -> None:
        self.size = size

    def __repr__(self) -> str:
        return f"log2({self.size})"


class FloatExtremum:
    """The largest or smallest of some floats made from sizes."""

    __slots__ = ("items", "larger")

    def __init__(self, items: tuple[Any, ...], larger: bool) -> None:
        self.items = items
        self.larger = larger

    def __repr__(self) -> str:
        return f"{'max' if self.larger else 'min'}({', '.join(map(str, self.items))})"
