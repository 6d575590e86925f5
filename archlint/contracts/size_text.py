"""Sizes as text: concrete ones by name, and those of a shape in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def size_text(point: Mapping[str, object]) -> str:
    """Sizes by name, as messages print them: ``N=1 H=224 W=224``."""
    return " ".join(f"{name}={size}" for name, size in point.items())


def shape_words(dims: Iterable[object]) -> str:
    """The sizes of a shape as a rule file has them: ``N 3 H+1 W``; empty for a scalar."""
    return " ".join(str(size).replace(" ", "") for size in dims)
