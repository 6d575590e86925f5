"""The record of one run of a model: its calls in order, its path, and how it ended."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from archlint.contracts.contract import ANY_SIZE
from archlint.contracts.nested import map_leaves
from archlint.ops.registry import TensorSpec
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.tracing.call_log import CallLog
from archlint.tracing.call_scopes import Scope
from archlint.tracing.events import Event
from archlint.tracing.path import TracedPath


def call_name(func: Any) -> str:
    """The operator's short name: ``conv2d``, ``getitem``."""
    return getattr(func, "__name__", str(func)).strip("_") or str(func)


@dataclass(eq=False, slots=True)
class Call:
    """One call of the model: what was called, with what, where, and what came out."""

    func: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    module: str
    code: types.CodeType | None
    line: int
    how: str = "rule"  # "rule", "kernel"
    result: Any = None
    scopes: tuple[Scope, ...] = ()  # what is around it
    recorded: bool = True  # whether training would record gradients here

    @property
    def op(self) -> str:
        """The operator's short name."""
        return call_name(self.func)

    @property
    def source(self) -> str:
        """``file:line`` of the user's code, or empty."""
        return f"{self.code.co_filename}:{self.line}" if self.code else ""


@dataclass
class Trace:
    """The record of one run: its calls, its path, and how it ended.

    ``outcome``: "accepted" (``output`` holds the nested :class:`TensorSpec`), "refused" (the last
    claim did not hold), "raised" (user code or a kernel raised at these sizes, with the text in
    ``error``) or "unknown" (the outcome could not be determined, with the reason in ``error``).
    """

    path: TracedPath
    calls: list[Call]
    outcome: str
    output: Any = None
    error: str = ""
    source: str = ""  # where an exception was raised, in user code
    kind: str = ""  # the type of that exception
    module: str = ""  # the module whose code raised it
    kernels: dict[str, int] = field(default_factory=dict)  # operators without a rule -> calls
    faults: dict[str, str] = field(default_factory=dict)  # operators whose rule failed -> how
    others: tuple[Trace, ...] = ()  # the same sizes, where values decide otherwise
    log: CallLog = field(default_factory=CallLog)  # what the calls stand for besides themselves
    merged: bool = False  # whether branches that rejoin inside a module are merged

    def call_of(self, event: Event) -> Call | None:
        """The call that an event is of; ``None`` if no operator was called yet."""
        return self.calls[event.call] if 0 <= event.call < len(self.calls) else None


def dims_of(output: Any) -> Any:
    """A trace's output with each tensor as the tuple of its sizes.

    A size that values decide is :data:`~archlint.contracts.contract.ANY_SIZE`.
    """

    def dims(part: Any) -> Any:
        if not isinstance(part, TensorSpec):
            return part
        return tuple(ANY_SIZE if unknowns_in(d) else d for d in part.dims)

    return map_leaves(output, dims)
