"""What there is before a turn of a loop, and again after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from archlint.tracing.loops.consumers import Running
from archlint.tracing.loops.counted_while import TURN
from archlint.tracing.loops.rewriting import Site
from archlint.tracing.loops.segments import segments_of
from archlint.tracing.loops.state import Reader, State
from archlint.tracing.loops.turn_starts import UNBOUND, may_vary

if TYPE_CHECKING:
    from archlint.tracing.loops.loop_iterator import Loop

_OURS = (".0", TURN)  # names of variables that are not the model's


class Before:
    """The state at the start of a turn: what was read, the lists' contents, the variables.

    ``running``: the frames that run a turn together; ``names``: what their variables are called in
    the state, each with its own name and the site of its loop. ``start``: the variables that may
    have other values in other turns, where turns choose.
    """

    def __init__(self, loop: Loop, running: Sequence[Running]) -> None:
        generators = {id(each.generator) for each in running}
        reader = Reader(loop.host.path, generators)
        chooses = loop.host.plans.of(loop.site).chooses
        self.running = [(each.frame, each.site) for each in running]
        self.locals: dict[str, Any] = {}
        self.names: dict[str, tuple[str, Site]] = {}
        carried, varying, roots = set(), set(), {}
        for depth, (frame, site) in enumerate(self.running):
            names = loop.host.sites[site]
            kept = names.carried | names.left if chooses else names.carried
            called = {n: f"{n}@{depth}" if depth else n for n in (*frame.f_locals, *kept)}
            self.names.update({c: (n, site) for n, c in called.items()})
            self.locals.update({called[n]: v for n, v in frame.f_locals.items()})
            carried |= {called[n] for n in names.carried}
            varying |= {called[n] for n in kept}
            roots.update({
                called[n]: v for n, v in frame.f_locals.items()
                if (n in kept or n not in names.assigned) and not n.startswith(_OURS)
            })  # fmt: skip
        self.carried = frozenset(carried)
        start = {n: roots.get(n, UNBOUND) for n in sorted(varying)} if chooses else {}
        self.start = {n: v for n, v in start.items() if may_vary(v)}
        for name in self.start:
            roots.pop(name, None)
        for number, builder in enumerate(loop.host.builders):
            roots[f"*list {number}"] = builder
        self.state: State = reader.read(roots, [each.frame.f_globals for each in running])
        self.objects = reader.objects
        self.lists = {key: (lst, segments_of(lst)) for key, lst in reader.lists.items()}
        self.unknowns = len(loop.host.path.unknowns)
