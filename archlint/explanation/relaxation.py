"""What would a model accept if some of its layers asked for nothing?

The model is traced again on paths that do not hear what the *spared* layers need. Nor do they hear
a need that lies behind a spared layer and says no more than that layer did: were a convolution
not to run out of pixels, the pooling behind it would not find an empty tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from archlint.contracts.region import bounds_of
from archlint.engine.explore import Exploration, explore
from archlint.engine.question import Question
from archlint.models.snapshot import keep
from archlint.symbolic.formula import Bool, Comparison, Formula, comparisons
from archlint.symbolic.intervals import Box
from archlint.tracing.events import Event
from archlint.tracing.fx_graph import tensors
from archlint.tracing.model_tracer import ModelTracer
from archlint.tracing.path import TracedPath
from archlint.tracing.python.builtins import shadowed
from archlint.tracing.trace import Call, Trace
from archlint.tracing.tracer import trace


@dataclass(frozen=True, order=True)
class Site:
    """Where a claim is made: a layer of PyTorch's own, or one line of a user's module.

    ``source`` is empty for the layers of ``torch.nn``, which do one thing each.
    """

    module: str
    op: str = ""
    source: str = ""


def site_of(call: Call, leaves: Collection[str]) -> Site:
    """The site of a call; ``leaves`` are the paths of the modules that are layers of PyTorch."""
    if call.module in leaves:
        return Site(call.module)
    return Site(call.module, call.op, call.source)


def layer_paths(model: Any) -> frozenset[str]:
    """The paths of a model's modules that come from ``torch.nn`` and hold no others."""
    return frozenset(
        name
        for name, module in model.named_modules()
        if type(module).__module__.startswith("torch.nn.") and not any(module.children())
    )


class RelaxedPath(TracedPath):
    """A path that does not hear some claims; ``unheard`` are those, with the call of each."""

    def __init__(self, env: Mapping[str, int], box: Box, spared: Callable[[Call], bool]) -> None:
        super().__init__(env, box)
        self.unheard: list[tuple[Call, Event]] = []
        self._spared = spared
        self._behind: dict[int, bool] = {}
        self._granted = box

    def claim(self, formula: Bool, text: str, *sizes: Any) -> None:
        if not isinstance(formula, Formula) or not self.calls_so_far:
            return super().claim(formula, text, *sizes)
        call = self.calls_so_far[-1]
        if self._spared(call):
            self._grant(formula)
            self.unheard.append((call, Event("claim", formula, True, text, sizes, self.calls - 1)))
            return None
        if self._is_granted(formula) and self._follows(len(self.calls_so_far) - 1):
            return None
        return super().claim(formula, text, *sizes)

    def _learn(self, formula: Formula, truth: bool) -> None:
        """What one layer needs is not known to the next: it must say so itself."""
        if self.events and self.events[-1].kind == "branch":
            super()._learn(formula, truth)

    def _grant(self, formula: Formula) -> None:
        if isinstance(formula, Comparison) and formula.op == ">=":
            ranges = dict(self._granted.ranges)
            for name, (low, high) in bounds_of(formula).items():
                l0, h0 = ranges.get(name, (None, None))
                lows = [v for v in (l0, low) if v is not None]
                highs = [v for v in (h0, high) if v is not None]
                ranges[name] = (max(lows, default=None), min(highs, default=None))
            self._granted = Box(ranges)

    def _is_granted(self, formula: Formula) -> bool:
        bounds = all(c.op == ">=" for c in comparisons(formula))
        return self._granted is not self.box and bounds and self._granted.decide(formula) is True

    def _follows(self, index: int) -> bool:
        """Whether a call works on what a spared one made."""
        found = self._behind.get(index)
        if found is None:
            call = self.calls_so_far[index]
            found = self._spared(call) or any(
                0 <= t.made_by < index and self._follows(t.made_by)
                for t in tensors((call.args, call.kwargs))
            )
            self._behind[index] = found
        return found


def accepted_without(
    subject: ModelTracer, question: Question, spared: Collection[Site], paths: int, deadline: float
) -> Exploration:
    """What the model would accept of the question's domain if the ``spared`` sites needed nothing.

    Lowers no guard: whatever else ends a path is still heard. ``deadline`` is a
    ``time.monotonic()`` value.
    """
    leaves = layer_paths(subject.model)

    def run(point: Mapping[str, int]) -> Trace:
        path = RelaxedPath(point, question.box, lambda call: site_of(call, leaves) in spared)
        model, input = subject.model, subject.contract.input
        with keep(model), shadowed(subject.shadowed):
            return trace(model, input, point, question.box, rules=subject.rules, path=path)

    return explore(
        run, question.names, question.box, question.domain, paths=paths, deadline=deadline
    )


@dataclass(frozen=True)
class Needs:
    """All calls at ``point`` if nothing were needed, and every need, with the call of each."""

    calls: list[Call]
    each: list[tuple[Call, Event]]


def needs_of(subject: ModelTracer, box: Box, point: Mapping[str, int]) -> Needs:
    """Every need on the path of ``point``, also those that an earlier layer had already."""
    path = RelaxedPath(point, box, lambda call: True)
    model, input = subject.model, subject.contract.input
    with keep(model), shadowed(subject.shadowed):
        walked = trace(model, input, point, box, rules=subject.rules, path=path)
    return Needs(walked.calls, path.unheard)
