"""Concrete sizes as text."""

from __future__ import annotations

from collections.abc import Mapping


def size_text(point: Mapping[str, object]) -> str:
    """Sizes by name, as messages print them: ``N=1 H=224 W=224``."""
    return " ".join(f"{name}={size}" for name, size in point.items())
