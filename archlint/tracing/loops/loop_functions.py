"""The functions of one model whose loops are followed."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import CodeType, FunctionType

from archlint.tracing.loops.loops import Loops
from archlint.tracing.loops.names import BodyNames
from archlint.tracing.loops.plans import Plans
from archlint.tracing.loops.rewriting import HELPER, Site, rewritten
from archlint.tracing.path import TracedPath
from archlint.tracing.python.rewritten_functions import code_replaced, contains, functions_with


class FollowedLoops:
    """Keeps the plans for the loops of a model from one trace to the next."""

    def __init__(self) -> None:
        self.plans = Plans()
        self._functions: list[tuple[FunctionType, CodeType]] = []
        self._sites: dict[Site, BodyNames] = {}
        self._unfit: set[CodeType] = set()

    def in_run(self) -> tuple[Loops, AbstractContextManager[None]]:
        """The loops of a new run, and the context in which the functions run with them."""
        loops = Loops(self.plans, self._sites, self._add)
        return loops, code_replaced(self._functions, HELPER, loops)

    def changed_by(self, path: TracedPath) -> bool:
        """Whether a run has to start again: it found other plans, or a turn did not end.

        A turn that does not end may have left its loop, or refused, so it stands for no other.
        """
        if path.turns and not self.plans.changed:
            self.plans.more(path.turns[0].site, first=1)
        return self.plans.take_changed()

    def _add(self, code: CodeType) -> bool:
        """Rewrite the function that runs this code; whether there was something to rewrite."""
        if code in self._unfit or any(contains(new, code) for _, new in self._functions):
            return False
        added = False
        known = {id(f) for f, _ in self._functions}
        for function in functions_with(code):
            new = rewritten(function) if id(function) not in known else None
            if new is not None:
                self._functions.append((function, new.code))
                self._sites.update(new.sites)
                added = True
        if not added:
            self._unfit.add(code)
        return added
