"""Which layer refuses which sizes: of all claims, those that make the accepted set what it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archlint.contracts.accepted_set import Refusal
from archlint.engine.describe.describe import describe
from archlint.engine.describe.restrict import simplified
from archlint.engine.explore import Exploration, ExploredPath
from archlint.symbolic.formula import Bool, conj, negate
from archlint.symbolic.solver.solver import Solver, Unsolved

MOST = 12  # refusals
LONGEST = 300  # characters of the words for refused sizes, and of a reason


def refusals(found: Exploration, deadline: float) -> tuple[Refusal, ...]:
    """Few layers that together refuse what is refused, at most :data:`MOST`, first to last.

    The last layers come first to mind: their needs imply most of those before them. Stops at
    ``deadline`` (a ``time.monotonic()`` value): the record is then incomplete.
    """
    kept: dict[Refusal, None] = {}
    solver = Solver(found.names, found.box, deadline)
    solver.add(found.region)
    try:
        for path in found.paths:
            here: dict[Refusal, None] = {}
            for where, refusal in reversed(list(_of(path))):
                if len(kept) + len(here) == MOST:
                    break
                where = simplified(where, found.box)
                if where is False or solver.find(where) is None:
                    continue
                solver.add(negate(where))
                here[replace(refusal, where=_words(found, where, deadline))] = None
            kept.update(reversed(here.items()))
    except Unsolved:
        pass
    return tuple(kept)


def _words(found: Exploration, where: Bool, deadline: float) -> str:
    said = describe(found.names, found.box, where, solver_deadline=deadline)
    return said.text if said.exact and len(said.text) <= LONGEST else ""


def _of(path: ExploredPath) -> Iterator[tuple[Bool, Refusal]]:
    """What each claim of the path refuses of the sizes that come this way, in the path's order."""
    trace = path.trace
    here: Bool = True
    for event in trace.path.events:
        if event.kind == "branch":
            here = conj(here, event.formula)
            continue
        call = trace.calls[event.call] if 0 <= event.call < len(trace.calls) else None
        at, op = (call.module, call.op) if call else ("", "")
        why = _short(f"needs {event.needs()}")
        yield conj(here, negate(event.formula)), Refusal("", at, op, why)
    if trace.outcome == "raised":
        last = trace.calls[-1].module if trace.calls else ""
        yield conj(path.decided, here), Refusal("", last, "", _short(f"raises {trace.error}"))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
