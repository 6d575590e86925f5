"""Which layer refuses which sizes: the claims that together bound the accepted set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from archlint.contracts.accepted_set import Refusal
from archlint.engine.describe.describe import describe
from archlint.engine.describe.restrict import simplified
from archlint.engine.exploration import Exploration, ExploredPath
from archlint.ops.rules.assertions import ASSERT
from archlint.symbolic.formula import Bool, conj, negate
from archlint.symbolic.solver.solver import Solver, Unsolved

MOST = 12  # refusals
LONGEST = 300  # characters of the description of refused sizes, and of a reason


def refusals(exploration: Exploration, deadline: float) -> tuple[Refusal, ...]:
    """At most :data:`MOST` layers that together refuse what is refused, in the order of the model.

    Later layers are tried first, because their claims imply most of the earlier ones. The result is
    incomplete if ``deadline`` (a time of :mod:`.effort_clock`) passes.
    """
    result: dict[Refusal, None] = {}
    solver = Solver(exploration.names, exploration.box, deadline)
    solver.add(exploration.region)
    try:
        for path in exploration.paths:
            here: dict[Refusal, None] = {}
            for where, refusal in reversed(list(_refused_by(path))):
                if len(result) + len(here) == MOST:
                    break
                where = simplified(where, exploration.box)
                if where is False or solver.find(where) is None:
                    continue
                solver.add(negate(where))
                here[replace(refusal, where=_words(exploration, where, deadline))] = None
            result.update(reversed(here.items()))
    except Unsolved:
        pass
    return tuple(result)


def _words(exploration: Exploration, where: Bool, deadline: float) -> str:
    words = describe(exploration.names, exploration.box, where, solver_deadline=deadline)
    return words.text if words.exact and len(words.text) <= LONGEST else ""


def _refused_by(path: ExploredPath) -> Iterator[tuple[Bool, Refusal]]:
    """Which sizes of the path each of its claims refuses, in the order of the path.

    Where values decide the path, only those that are refused for all values.
    """
    trace = path.trace
    here: Bool = conj(path.known, negate(path.accepted)) if trace.others else True
    for event in trace.path.events:
        if event.kind == "branch":
            here = conj(here, event.formula)
            continue
        call = trace.call_of(event)
        at, op = (call.module, call.op) if call else ("", "")
        why = f"needs {event.needs()}"
        if call is not None and call.func is ASSERT:
            op, why = "", f"fails the assertion: {event.needs()}"
        yield conj(here, negate(event.formula)), Refusal("", at, op, _short(why))
    if trace.outcome == "raised":
        yield conj(path.known, here), Refusal("", trace.module, "", _short(f"raises {trace.error}"))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
