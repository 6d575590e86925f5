"""What there is before a turn of a loop, and again after it."""

from __future__ import annotations

from types import FrameType
from typing import TYPE_CHECKING

from archlint.tracing.loops.counted_while import TURN
from archlint.tracing.loops.segments import segments_of
from archlint.tracing.loops.state import Reader, State
from archlint.tracing.loops.turn_starts import UNBOUND, may_vary

if TYPE_CHECKING:
    from archlint.tracing.loops.loop_iterator import Loop

_OURS = (".0", TURN)  # names of variables that are not the model's


class Before:
    """The state at the start of a turn: what was read, the lists' contents, the variables.

    ``start``: the variables that may have other values in other turns, where turns choose.
    """

    def __init__(self, loop: Loop, frame: FrameType) -> None:
        reader = Reader(loop.host.path)
        self.locals = dict(frame.f_locals)
        names, chooses = loop.names, loop.host.plans.of(loop.site).chooses
        kept = names.carried | names.left if chooses else names.carried
        roots = {
            n: v for n, v in self.locals.items()
            if (n in kept or n not in names.assigned) and not n.startswith(_OURS)
        }  # fmt: skip
        start = {n: roots.get(n, UNBOUND) for n in sorted(kept)} if chooses else {}
        self.start = {n: v for n, v in start.items() if may_vary(v)}
        for name in self.start:
            roots.pop(name, None)
        for number, builder in enumerate(loop.host.builders):
            roots[f"*list {number}"] = builder
        self.state: State = reader.read(roots, [frame.f_globals])
        self.objects = reader.objects
        self.lists = {key: (lst, segments_of(lst)) for key, lst in reader.lists.items()}
        self.unknowns = len(loop.host.path.unknowns)
