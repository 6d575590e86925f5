"""Where in the model a run is: the module whose ``forward`` runs, and the line of user code."""

from __future__ import annotations

import inspect
import re
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from archlint.runtime.code_owner import is_user_code
from archlint.runtime.user_frames import is_chosen_first, users_frame
from archlint.tracing.call_log import CalledModule, CallLog
from archlint.tracing.python.layer_calls import calls_forward
from archlint.tracing.python.module_calls import ModuleCall, replaced_module_call
from archlint.tracing.run import TraceRun
from archlint.tracing.signals import UnknownOutcome

if TYPE_CHECKING:
    from archlint.tracing.events import Event
    from archlint.tracing.merge.first_branches import FirstBranches
    from archlint.tracing.trace import Call

_ARGUMENT = re.compile(r", (?![^()]*\))")
_new = tuple.__new__  # as a named tuple makes itself, without a call of Python's


class ModuleStack:
    """The modules of ``model`` that are being called, by their names in it, outermost first.

    Each call is noted in ``log``; ``calls`` and ``events`` are the run's lists of calls of
    operators and of claims and branches. ``on_second_branch`` is called with the classes that have
    branched once two calls of modules of one class have. ``first_branches`` merges the branches of
    calls that were made, of modules whose own code branched.
    """

    def __init__(
        self,
        model: nn.Module,
        run: TraceRun,
        log: CallLog,
        calls: Sequence[Call],
        events: Sequence[Event],
    ) -> None:
        self.run = run
        self.modules: list[str] = []
        self._log, self._calls, self._events = log, calls, events
        self._names = _names(model)
        self.on_second_branch: Callable[[list[str]], None] | None = None
        self.first_branches: FirstBranches | None = None
        self.answer: Callable[..., Any] | None = None  # as of :meth:`followed`
        self._chosen: dict[int, types.CodeType] = {}  # by ``id``, as of :meth:`user_frame`

    @property
    def innermost(self) -> str:
        """The module that is being called, by its name; ``""`` outside of all."""
        return self.modules[-1] if self.modules else ""

    def followed(self) -> AbstractContextManager[None]:
        """A context in which the calls of modules are followed, those in other threads left out.

        ``answer``, if set, is called with each call before it is made: with the module, its
        positional arguments and those by name. It returns what is then called with the module, for
        what the call returns, or ``None``.
        """

        run, open_modules, enter = self.run, self.modules, self._enter
        calls, events, branched = self._calls, self._events, self._log.branched
        called = self._log.modules.append

        def wrap(original: ModuleCall) -> ModuleCall:
            plain = calls_forward(original)

            def call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
                if not run.in_thread():
                    return original(module, *args, **kwargs)
                enter(module)
                first, first_event, before = len(calls), len(events), len(branched)
                merges, start, own = self.first_branches, None, False
                try:
                    answer = self.answer if plain else None
                    found = None if answer is None else answer(module, args, kwargs)
                    if merges is not None and found is None:
                        start = merges.start(module, args, kwargs)
                    returned = found(module) if found else original(module, *args, **kwargs)
                finally:
                    path = open_modules.pop()
                    called(_new(CalledModule, (path, first, len(calls), args)))
                    if len(events) > first_event and len(branched) == before:
                        own = any(e.kind == "branch" for e in events[first_event:])
                        if own:
                            branched.append(class_name(module))
                if own and start is not None and merges is not None:
                    returned = merges.merge(start, returned)
                again = len(branched) > before and len(set(branched)) < len(branched)
                if again and self.on_second_branch is not None:
                    self.on_second_branch(branched)
                return returned

            return call

        return replaced_module_call(wrap)

    def raising(self, error: BaseException) -> str:
        """The module whose code raised the error, by its name in the model; else the model."""
        frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
        for frame in reversed(frames):
            if frame.f_code.co_varnames[:1] == ("self",):
                name = self._names.get(id(frame.f_locals.get("self")))
                if name is not None:
                    return name
        return ""

    def user_frame(self, start: types.CodeType) -> tuple[types.CodeType | None, int]:
        """The code and line of user code that makes the call now; ``(None, 0)`` if there is none.

        Frames are looked at up to the one that runs ``start``: what lies beyond started the run.
        Code of a library that was chosen once for its module with parts is chosen again: modules of
        one class are alike.
        """
        frame: types.FrameType | None = sys._getframe(3)  # past the tracer's own
        while frame is not None:
            code = frame.f_code
            if is_user_code(code.co_filename):
                if id(code) in self._chosen:
                    return code, frame.f_lineno
                if not is_chosen_first(frame):
                    break
                self._chosen[id(code)] = code
                return code, frame.f_lineno
            if code is start:
                return None, 0
            frame = frame.f_back
        frame = users_frame(_callers(frame, start))
        return (frame.f_code, frame.f_lineno) if frame is not None else (None, 0)

    def _enter(self, module: nn.Module) -> None:
        kind: Any = type(module)
        if _is_scripted(kind):
            raise UnknownOutcome(
                f"{kind.__name__} at {self._names.get(id(module)) or 'the model'} is "
                "compiled TorchScript, whose sizes cannot be followed"
            )
        self.modules.append(self._names.get(id(module), kind.__name__))


def class_name(module: nn.Module) -> str:
    """The full name of its class, which is the same where each run makes the class again."""
    return f"{type(module).__module__}.{type(module).__qualname__}"


@cache
def _is_scripted(kind: type) -> bool:
    return issubclass(kind, torch.jit.ScriptModule)


def _names(model: nn.Module) -> dict[int, str]:
    """``named_modules`` by ``id``, in a sixth of its time."""
    names = {id(model): ""}
    todo = [("", iter(model._modules.items()))]
    while todo:
        start, children = todo[-1]
        for name, module in children:
            if module is not None and id(module) not in names:
                names[id(module)] = path = start + name
                if module._modules:  # what is below it comes before what is beside it
                    todo.append((f"{path}.", iter(module._modules.items())))
                    break
        else:
            todo.pop()
    return names


def _callers(frame: types.FrameType | None, start: types.CodeType) -> Iterator[types.FrameType]:
    while frame is not None and frame.f_code is not start:
        yield frame
        frame = frame.f_back


def layer_name(model: nn.Module, path: str) -> str:
    """The module at a dotted path as its author would write it, or empty if there is none.

    Defaults are left out: ``MaxPool2d(kernel_size=2, stride=2)``.
    """
    module: Any = model
    for part in path.split(".") if path else ():
        module = getattr(module, part, None)
    if not isinstance(module, nn.Module):
        return ""
    name = type(module).__name__
    text = module.extra_repr()
    if not text or "\n" in text:
        return name
    defaults = _defaults(type(module))
    arguments = [a for a in _ARGUMENT.split(text) if not _is_default(a, defaults)]
    text = ", ".join(
        w.removeprefix("in_features=").removeprefix("out_features=") for w in arguments
    )
    return f"{name}({text})" if len(text) <= 72 else name


def _defaults(kind: type) -> dict[str, str]:
    try:
        parameters = inspect.signature(kind).parameters
    except (TypeError, ValueError):
        return {}
    return {n: str(p.default) for n, p in parameters.items() if p.default is not p.empty}


def _is_default(word: str, defaults: dict[str, str]) -> bool:
    """Whether ``name=value`` is the default, which may be one number for all axes."""
    name, _, value = word.partition("=")
    each = set(value.strip("()").split(", ")) if value.startswith("(") else {value}
    return name in defaults and each == {defaults[name]}
