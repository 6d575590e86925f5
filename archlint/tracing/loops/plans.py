"""How the turns of each loop are followed, improved from one trace to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import lcm

from archlint.tracing.loops.rewriting import Site

MOST_FIRST = 4
MOST_LAST = 3
MOST_PERIOD = 6


@dataclass(frozen=True)
class Plan:
    """``first`` turns one by one, then one turn for all others but the ``last``, one by one.

    With a ``period``, ``first`` counts groups of so many turns, and one group stands for all
    others; what is left of the turns is followed one by one. With ``unrolled`` every turn is
    followed, and each number of turns is a path of its own.
    """

    first: int = 0
    last: int = 0
    period: int = 1
    unrolled: bool = False


class Plans:
    """The plans of all loops of a model.

    ``changed``: a trace found that its plans do not suffice, so it has to start again.
    """

    def __init__(self) -> None:
        self.changed = False
        self._plans: dict[Site, Plan] = {}
        self._changing: set[Site] = set()

    def of(self, site: Site) -> Plan:
        """The plan of a loop."""
        return self._plans.get(site, Plan())

    def more(self, site: Site, first: int = 0, last: int = 0) -> None:
        """Follow more turns of a loop one by one, or all if that is too many."""
        plan = self.of(site)
        plan = replace(plan, first=plan.first + first, last=plan.last + last)
        if plan.first > MOST_FIRST or plan.last > MOST_LAST:
            self.unroll(site)
        else:
            self._plans[site] = plan
            self.changed = True

    def group(self, site: Site, period: int) -> bool:
        """Follow a loop by groups of turns; whether that is new, and the groups are small."""
        plan = self.of(site)
        period = lcm(plan.period, period)
        if period == plan.period or period > MOST_PERIOD or plan.unrolled:
            return False
        self._plans[site] = replace(plan, first=0, period=period)
        self.changed = True
        return True

    def unroll(self, site: Site) -> None:
        """Follow every turn of a loop, unless the last one alone may be what differs.

        The last of the slices ``x[:, i : i + 4]`` may be shorter than the others.
        """
        plan = self.of(site)
        tried = plan.last or plan.unrolled
        self._plans[site] = Plan(unrolled=True) if tried else Plan(last=1, period=plan.period)
        self.changed = True

    def note_change(self, site: Site) -> None:
        """Count the turns of this ``while`` no more: a turn changes what they were counted by."""
        self._changing.add(site)
        self.changed = True

    def changes(self, site: Site) -> bool:
        """Whether :meth:`note_change` was called."""
        return site in self._changing

    def take_changed(self) -> bool:
        """Whether the plans changed since the last call."""
        changed, self.changed = self.changed, False
        return changed
