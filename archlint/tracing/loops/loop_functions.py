"""The functions of one model whose loops, or whose look-ups of keys, are followed."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import CodeType, FunctionType

from archlint.models.model_code import ModelCode
from archlint.runtime.code_owner import Owner, owner_of
from archlint.tracing.identity.asking_code import CALLED, asking_names
from archlint.tracing.identity.asking_code import HELPER as IDENTITY
from archlint.tracing.identity.identity_questions import Questions
from archlint.tracing.keys.look_ups import LookUps
from archlint.tracing.keys.watched_code import HELPER as KEYS
from archlint.tracing.loops.loops import Loops
from archlint.tracing.loops.names import BodyNames
from archlint.tracing.loops.plans import Plans
from archlint.tracing.loops.rewriting import HELPER, Site, rewritten
from archlint.tracing.path import TracedPath
from archlint.tracing.python.reachable_code import codes, codes_in, reachable_functions
from archlint.tracing.python.rewritten_functions import code_replaced, contains, functions_with
from archlint.tracing.python.run_code import RunCode

_USERS = (Owner.USER, Owner.TEXT)


@dataclass
class _Function:
    """A function with its own code, the code that it runs, and what is replaced in that.

    ``names``: those by which it asks for identity or types, or whose calls are replaced.
    """

    function: FunctionType
    own: CodeType
    code: CodeType
    loops: bool
    keys: bool
    names: frozenset[str] = frozenset()


class FollowedLoops:
    """Keeps the plans for the loops of a model from one trace to the next."""

    def __init__(self) -> None:
        self.plans = Plans()
        self._functions: dict[int, _Function] = {}
        self._sites: dict[Site, BodyNames] = {}
        self._unfit: set[CodeType] = set()
        self._unfit_to_call: set[CodeType] = set()  # whose calls cannot be replaced
        self._watched: set[CodeType] = set()
        self._unwatched: set[CodeType] = set()  # code whose look-ups cannot be followed
        self.unanswered: set[CodeType] = set()  # asks for identity or types, and is not followed

    def answer_identity(self, code: ModelCode, shadowed: Collection[str]) -> None:
        """Follow the code of a model, in each run, that asks whether two objects are one.

        Also code that asks for a type, but in modules whose name ``type`` is ``shadowed``.
        Of functions that cannot be followed, those count that the model's own modules define, in
        the runs in which they run.
        """
        homes = {kind.__module__ for kind in code.classes}
        spaces = {id(vars(sys.modules[name])) for name in shadowed}
        for function in reachable_functions(code):
            if id(function) in self._functions:
                continue
            names = asking_names(function, shadowed=id(function.__globals__) in spaces)
            if names is None:
                continue
            known = self._known(function)
            known.names = names
            followed = self._rewrite(known, loops=False, keys=False)
            own = function.__module__ in homes or owner_of(function.__code__.co_filename) in _USERS
            if own and not followed:
                self.unanswered.update(codes(function))

    def replace_calls(self, code: CodeType, names: frozenset[str]) -> bool:
        """Replace the calls of ``int`` and the like in functions; whether there were new ones.

        ``code``: that of the functions, or of one in them. ``names``: those of :data:`CALLED`.
        """
        followed = [f for f in self._functions.values() if contains(f.code, code)]
        called = CALLED & names
        if not called or code in self._unfit_to_call or any(called <= f.names for f in followed):
            return False
        changed = False
        for function in followed or list(map(self._known, functions_with(code))):
            before, function.names = function.names, function.names | called
            if function.names == before:
                continue
            if self._rewrite(function, loops=function.loops, keys=function.keys):
                changed = True
            else:
                function.names = before
        if not changed:
            self._unfit_to_call.add(code)
        return changed

    def in_run(self) -> tuple[Loops, AbstractContextManager[None]]:
        """The loops of a new run, and the context in which the functions run with them."""
        look_ups, questions = LookUps(), Questions()
        loops = Loops(self.plans, self._sites, self._add, look_ups, questions)
        replaced = [(f.function, f.code) for f in self._functions.values()]
        helpers = {HELPER: loops, KEYS: look_ups, IDENTITY: questions}
        return loops, code_replaced(replaced, helpers)

    def changed_by(self, path: TracedPath) -> bool:
        """Whether a run has to start again: it found other plans, or a turn did not end.

        A turn that does not end may have left its loop, or refused, so it stands for no other.
        """
        if path.turns and not self.plans.changed:
            self.plans.more(path.turns[0].site, first=1)
        return self.plans.take_changed()

    def watches(self, run: RunCode) -> bool:
        """Whether the look-ups of all code that ran while keys were sizes are followed.

        If not, those that can be are from now on, and the run has to start again.
        """
        new = [code for code in run.codes if code not in self._watched | self._unwatched]
        found = [f for f in self._functions.values() if any(contains(f.code, c) for c in new)]
        others = [c for c in new if not any(contains(f.code, c) for f in found)]
        found += map(self._known, functions_with(*others) if others else [])
        for function in found:
            if not function.keys and self._rewrite(function, loops=function.loops, keys=True):
                self._watched.update(codes_in(function.code))
        self._unwatched.update(new)  # if they run once more
        return not new

    def unwatched(self, run: RunCode) -> bool:
        """Whether code ran that looks up keys in a way that is not followed."""
        return any(code in self._unwatched and code not in self._watched for code in run.codes)

    def _known(self, function: FunctionType) -> _Function:
        own = function.__code__
        return self._functions.get(id(function)) or _Function(function, own, own, False, False)

    def _rewrite(self, function: _Function, *, loops: bool, keys: bool) -> bool:
        new = rewritten(function.own, loops=loops, keys=keys, names=function.names)
        if new is None:
            return False
        function.code, function.loops, function.keys = new.code, loops, keys
        self._functions[id(function.function)] = function
        self._sites.update(new.sites)
        return True

    def _add(self, code: CodeType) -> bool:
        """Rewrite the function that runs this code; whether there was something to rewrite."""
        followed = [f for f in self._functions.values() if contains(f.code, code)]
        if code in self._unfit or any(f.loops for f in followed):
            return False
        functions: Iterable[_Function] = followed or map(self._known, functions_with(code))
        added = [
            f for f in functions if not f.loops and rewritten(f.own, names=f.names) is not None
            and self._rewrite(f, loops=True, keys=f.keys)
        ]  # fmt: skip
        for function in added:
            if function.keys:
                self._watched.update(codes_in(function.code))
        if not added:
            self._unfit.add(code)
        return bool(added)
