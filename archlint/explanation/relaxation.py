"""What would a model accept if some of its layers had no claims?

The model is traced again on paths that ignore the claims of the *relaxed* layers. They also ignore
a claim behind a relaxed layer that an ignored claim implies: if a convolution did not run out of
pixels, the pooling behind it would not get an empty tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from archlint.contracts.region import bounds_of
from archlint.engine.check_run import CheckRun
from archlint.engine.exploration import Exploration
from archlint.engine.explore import explore
from archlint.engine.weights.symbolic_weights import reshaped_by_formula
from archlint.models.snapshot import keep
from archlint.symbolic import Expr, FloorDiv, atoms
from archlint.symbolic.formula import Bool, Comparison, Formula, comparisons, ge
from archlint.symbolic.intervals import Box
from archlint.tracing.events import Event
from archlint.tracing.fx_graph import tensors
from archlint.tracing.path import TracedPath
from archlint.tracing.python.builtins import shadowed
from archlint.tracing.trace import Call, Trace
from archlint.tracing.tracer import trace

_RESHAPES = ("view", "reshape")


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
    """A path that ignores the claims of some calls; ``ignored`` are these, with their calls.

    Not the claims ``kept``.
    """

    def __init__(
        self,
        env: Mapping[str, int],
        box: Box,
        is_relaxed: Callable[[Call], bool],
        kept: Collection[Formula] = (),
    ) -> None:
        super().__init__(env, box)
        self._kept = kept
        self.ignored: list[tuple[Call, Event]] = []
        self._is_relaxed = is_relaxed
        self._behind: dict[int, bool] = {}
        self._implied = box

    def claim(
        self, formula: Bool, text: str, *sizes: Any, error: type[Exception] | None = None
    ) -> None:
        if not isinstance(formula, Formula) or not self.calls_so_far:
            return super().claim(formula, text, *sizes)
        call = self.calls_so_far[-1]
        if self._is_relaxed(call) and formula not in self._kept:
            self._assume(formula)
            self.ignored.append((call, Event("claim", formula, True, text, sizes, self.calls - 1)))
            return None
        if self._is_implied(formula) and self._follows(len(self.calls_so_far) - 1):
            return None
        return super().claim(formula, text, *sizes)

    @property
    def ignores_claims(self) -> bool:
        """Whether the claims of the last call are ignored."""
        return bool(self.calls_so_far) and self._is_relaxed(self.calls_so_far[-1])

    def learn(self, formula: Formula, truth: bool) -> None:
        """Learn branches only: each layer must make its claims, whatever others claimed before."""
        if self.events and self.events[-1].kind == "branch":
            super().learn(formula, truth)

    def _assume(self, formula: Formula) -> None:
        if isinstance(formula, Comparison) and formula.op == ">=":
            ranges = dict(self._implied.ranges)
            for name, (low, high) in bounds_of(formula).items():
                l0, h0 = ranges.get(name, (None, None))
                lows = [v for v in (l0, low) if v is not None]
                highs = [v for v in (h0, high) if v is not None]
                ranges[name] = (max(lows, default=None), min(highs, default=None))
            self._implied = Box(ranges)

    def _is_implied(self, formula: Formula) -> bool:
        bounds = all(c.op == ">=" for c in comparisons(formula))
        return self._implied is not self.box and bounds and self._implied.decide(formula) is True

    def _follows(self, index: int) -> bool:
        """Whether a call works on the result of a relaxed one."""
        result = self._behind.get(index)
        if result is None:
            call = self.calls_so_far[index]
            result = self._is_relaxed(call) or any(
                0 <= t.made_by < index and self._follows(t.made_by)
                for t in tensors((call.args, call.kwargs))
            )
            self._behind[index] = result
        return result


def accepted_without(run: CheckRun, relaxed: Collection[Site], paths: int) -> Exploration:
    """What the model would accept of the question's domain if the ``relaxed`` sites had no claims.

    Whatever else ends a path still ends it. At most ``paths`` are traced.
    """
    question, leaves = run.question, layer_paths(run.model)

    def trace_at(point: Mapping[str, int]) -> Trace:
        def is_relaxed(call: Call) -> bool:
            return site_of(call, leaves) in relaxed

        by_formula = any(s.op in _RESHAPES for s in relaxed)
        path = RelaxedPath(point, question.box, is_relaxed)
        result = _trace(run, point, path, by_formula)
        kept = _divisors(path)
        if kept:  # no size behind a division by 0 means anything
            path = RelaxedPath(point, question.box, is_relaxed, kept)
            result = _trace(run, point, path, by_formula)
        return result

    return explore(trace_at, question, paths=paths, deadline=run.deadline)


def _divisors(path: RelaxedPath) -> set[Formula]:
    """The ignored claims that a size is positive by which later sizes are divided."""
    events = (*path.events, *(event for _, event in path.ignored))
    sizes = [c.expr for event in events for c in comparisons(event.formula)]
    divided = {a.den for size in sizes for a in atoms(size) if isinstance(a, FloorDiv)}
    positive = {ge(size, 1) for size in divided if isinstance(size, Expr)}
    return {
        formula
        for _, event in path.ignored
        if isinstance(formula := event.formula, Formula) and formula in positive
    }


@dataclass(frozen=True)
class PathClaims:
    """All calls at some sizes if no claim were made, and every claim, with its call."""

    calls: list[Call]
    claims: list[tuple[Call, Event]]


def claims_at(run: CheckRun, point: Mapping[str, int]) -> PathClaims:
    """Every claim on the path of ``point``, also those that an earlier layer made already."""
    path = RelaxedPath(point, run.question.box, lambda call: True)
    result = _trace(run, point, path)
    return PathClaims(result.calls, path.ignored)


def _trace(
    run: CheckRun, point: Mapping[str, int], path: RelaxedPath, by_formula: bool = False
) -> Trace:
    """The trace along ``path``; ``by_formula``: reshapes to a number have its formula instead."""
    tracer, model = run.tracer, run.model

    def reshaped(func: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return reshaped_by_formula(func, args, kwargs, {})

    with keep(model), shadowed(tracer.shadowed):
        input, box = run.contract.input, run.question.box
        stand_ins = reshaped if by_formula else None
        return trace(model, input, point, box, rules=tracer.rules, path=path, stand_ins=stand_ins)
