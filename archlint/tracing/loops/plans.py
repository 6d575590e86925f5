"""How the turns of each loop are followed, improved from one trace to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import lcm
from typing import Any

from archlint.tracing.loops.rewriting import Site

MOST_FIRST = 4
MOST_LAST = 3
MOST_PERIOD = 6
MOST_STARTS = 4
_MOST_GUESSES = 3


@dataclass(frozen=True)
class Plan:
    """``first`` turns one by one, then one turn for all others but the ``last``, one by one.

    With a ``period``, ``first`` counts groups of so many turns, and one group stands for all
    others; what is left of the turns is followed one by one. With ``unrolled`` every turn is
    followed, and each number of turns is a path of its own. ``chooses``: values decide what a turn
    does, so that it starts from one of several states (:mod:`.turn_starts`).
    """

    first: int = 0
    last: int = 0
    period: int = 1
    unrolled: bool = False
    chooses: bool = False


class Plans:
    """The plans of all loops of a model.

    ``changed``: a trace found that its plans do not suffice, so it has to start again. ``version``
    counts these changes: what traces of one path with different choices show together holds for one
    version. ``starts``: the states that turns of a loop may start from, besides the one before it.
    ``lengthened``: by what a turn lengthens lists, the same for all choices.
    """

    def __init__(self) -> None:
        self.version = 0
        self.starts: dict[Site, list[Any]] = {}
        self.lengthened: dict[Any, Any] = {}
        self._changed = False
        self._plans: dict[Site, Plan] = {}
        self._changing: set[Site] = set()
        self._falls: dict[Site, list[int]] = {}

    @property
    def changed(self) -> bool:
        return self._changed

    @changed.setter
    def changed(self, changed: bool) -> None:
        self._changed = changed
        if changed:
            self.version += 1
            self.lengthened.clear()

    def begin_path(self) -> None:
        """Forget what was found on another path."""
        self.starts.clear()
        self.lengthened.clear()

    def of(self, site: Site) -> Plan:
        """The plan of a loop."""
        return self._plans.get(site, Plan())

    def more(self, site: Site, first: int = 0, last: int = 0) -> None:
        """Follow more turns of a loop one by one, or all if that is too many."""
        plan = self.of(site)
        self.starts.pop(site, None)
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
        self.starts.pop(site, None)
        self._plans[site] = replace(plan, first=0, period=period)
        self.changed = True
        return True

    def choose(self, site: Site) -> None:
        """Let the turns of a loop start from one of several states, as values decide in them."""
        self._plans[site] = replace(self.of(site), chooses=True)
        self.changed = True

    def start(self, site: Site, start: Any) -> None:
        """Let a turn start from this state, too, or follow every turn if these are too many."""
        found = self.starts.setdefault(site, [])
        found.append(start)
        if len(found) < MOST_STARTS:
            self.changed = True
        else:
            self.unroll(site)

    def unroll(self, site: Site) -> None:
        """Follow every turn of a loop, unless the last one alone may be what differs.

        The last of the slices ``x[:, i : i + 4]`` may be shorter than the others.
        """
        plan = self.of(site)
        self.starts.pop(site, None)
        tried = plan.last or plan.unrolled
        self._plans[site] = Plan(unrolled=True) if tried else replace(plan, first=0, last=1)
        self.changed = True

    def note_change(self, site: Site) -> None:
        """Count the turns of this ``while`` no more: a turn changes what they were counted by."""
        self._changing.add(site)
        self.changed = True

    def changes(self, site: Site) -> bool:
        """Whether :meth:`note_change` was called."""
        return site in self._changing

    def fall(self, site: Site) -> int:
        """By how much the distance that ends this loop may fall in a turn; 0 if not known."""
        return next(iter(self._falls.get(site, ())), 0)

    def guess_fall(self, site: Site, fall: int) -> bool:
        """Count the turns by this :meth:`fall`; whether that is a new guess."""
        tried = self._falls.setdefault(site, [0])
        if fall in tried or len(tried) > _MOST_GUESSES:
            return False
        tried.insert(0, fall)
        self.changed = True
        return True

    def wrong_fall(self, site: Site) -> None:
        """Count the turns no more, unless by another guess."""
        self._falls[site].insert(0, 0)
        self.changed = True

    def take_changed(self) -> bool:
        """Whether the plans changed since the last call."""
        changed, self.changed = self.changed, False
        return changed
