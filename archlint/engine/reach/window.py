"""The positions of the input that each position of a tensor depends on, along one dimension."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from archlint.ops.read_positions import Taps

Ends = tuple[int, int]
_LONGEST = 4096  # a period beyond which nothing is looked for


@dataclass(frozen=True)
class Window:
    """From the first to the last input position of each output position, on a line without ends.

    ``ends``: those of the positions of one period, ``None`` for a position that depends on none;
    the next period's are ``step`` further.
    """

    step: int = 1
    ends: tuple[Ends | None, ...] = ((0, 0),)

    def of(self, position: int) -> Ends | None:
        """The first and last input position of a position."""
        period, phase = divmod(position, len(self.ends))
        ends = self.ends[phase]
        return (
            None if ends is None else (ends[0] + period * self.step, ends[1] + period * self.step)
        )

    def through(self, taps: Taps) -> Window | None:
        """What a result depends on that reads ``taps`` of this; ``None`` if its period is long."""
        times = len(self.ends) // gcd(len(self.ends), taps.shift)
        if taps.period * times > _LONGEST:
            return None
        ends = (_hull(map(self.of, taps.at(o))) for o in range(taps.period * times))
        return Window(self.step * (taps.shift * times) // len(self.ends), tuple(ends)).shortest()

    def joined(self, other: Window) -> Window | None:
        """What depends on both; ``None`` if they move at different speeds."""
        period = lcm(len(self.ends), len(other.ends))
        if self.stride != other.stride or period > _LONGEST:
            return None
        ends = tuple(_hull((self.of(o), other.of(o))) for o in range(period))
        return Window(self.step * period // len(self.ends), ends).shortest()

    def shortest(self) -> Window:
        """The same with the shortest period."""
        for period in range(1, len(self.ends)):
            if len(self.ends) % period == 0 and self.step * period % len(self.ends) == 0:
                short = Window(self.step * period // len(self.ends), self.ends[:period])
                if all(short.of(o) == ends for o, ends in enumerate(self.ends)):
                    return short
        return self

    @property
    def size(self) -> int:
        """The largest number of positions from the first to the last."""
        return max((e[1] - e[0] + 1 for e in self.ends if e is not None), default=0)

    @property
    def stride(self) -> Fraction:
        """By how much the input position moves for each output position."""
        return Fraction(self.step, len(self.ends))

    @property
    def first_centre(self) -> Fraction | None:
        """The middle of what position 0 depends on; 0 is the middle of the first input position."""
        ends = self.ends[0]
        return None if ends is None else Fraction(ends[0] + ends[1], 2)


def _hull(ends: Iterable[Ends | None]) -> Ends | None:
    known = [e for e in ends if e is not None]
    return (min(e[0] for e in known), max(e[1] for e in known)) if known else None
