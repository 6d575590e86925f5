"""What a contestant says of a contract."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """``holds``: yes, no, or None where there is no answer; ``told`` is what it said."""

    holds: bool | None
    told: str
    seconds: float = 0.0  # of processor time

    def grade(self, true: bool) -> str:
        """``right``, ``wrong`` or ``none``."""
        if self.holds is None:
            return "none"
        return "right" if self.holds == true else "wrong"
