"""The floating-point operations of a path, module by module, as formulas.

They are counted as ``torch.utils.flop_counter`` counts them: matrix products, convolutions and
attention, two for each multiplication with an addition; everything else counts nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from archlint.engine.cost.amount import Amount, largest, one_of_each, total
from archlint.ops.registry import NoRule
from archlint.ops.traits import traits_of
from archlint.symbolic import Size, floordiv
from archlint.symbolic.linear_sums import linear_parts
from archlint.symbolic.quantify_unknowns import unknowns_in, upper_bound
from archlint.tracing.call_log import CallLog, RepeatedCalls, Span
from archlint.tracing.tensors.specs import known_of
from archlint.tracing.trace import Call, Trace

ByModule = dict[str, Amount]
"""Amounts by the dotted path of the module whose own code makes the calls."""


@dataclass
class Flops:
    """The operations of one path by module.

    ``uncounted``: calls that are not part of them, each with the reason. ``bounded``: values decide
    how many there are, and the formulas are what they are at most.
    """

    modules: ByModule = field(default_factory=dict)
    uncounted: list[str] = field(default_factory=list)
    bounded: bool = False

    @property
    def total(self) -> Amount:
        """The operations of the whole model."""
        return total(self.modules.values())


def flops(trace: Trace) -> Flops:
    """The operations of a trace; where values choose between calls, at most so many."""
    found, *others = map(_flops_of, (trace, *trace.others))
    if all(other.modules == found.modules for other in others):
        return found
    every = [found, *others]
    modules = dict.fromkeys(m for each in every for m in each.modules)
    most = {m: largest(each.modules.get(m, Amount()) for each in every) for m in modules}
    uncounted = dict.fromkeys(text for each in every for text in each.uncounted)
    return Flops(most, list(uncounted), bounded=True)


def _flops_of(trace: Trace) -> Flops:
    result = Flops()
    counted = _Count(result).stretch(trace.calls, 0, trace.log)
    for module, amount in counted.items():
        if any(unknowns_in(size) for size in amount.sizes):
            result.bounded = True
            amount = amount.mapped(upper_bound)
        if amount != Amount():
            result.modules[module] = amount
    return result


class _Count:
    def __init__(self, result: Flops) -> None:
        self.result = result

    def stretch(self, calls: Sequence[Call], start: int, log: CallLog) -> ByModule:
        """The operations of calls, the first of which has the index ``start`` in the log."""
        plain: dict[str, Size] = {}
        by_module: list[ByModule] = [{}]
        spans = outermost(log.spans())
        inside = {k for span in spans for k in span.weights}
        for k, call in enumerate(log.on_weights):
            if k not in inside:
                self._add(plain, call)
        position = start
        for span in spans:
            for call in calls[position - start : span.first - start]:
                self._add(plain, call)
            inner = calls[span.first - start : span.end - start]
            by_module.append(self._span(span, inner, log.within(span)))
            position = span.end
        for call in calls[position - start :]:
            self._add(plain, call)
        by_module[0] = {module: Amount(size) for module, size in plain.items()}
        return added(by_module)

    def _span(self, span: Span, calls: Sequence[Call], inside: CallLog) -> ByModule:
        if isinstance(span, RepeatedCalls):
            one = self.stretch(span.calls, span.first, inside)
            return {module: self._repeated(a, span, module) for module, a in one.items()}
        cases = [(span.when, self.stretch(calls, span.first, inside))]
        cases += [(b.when, self.stretch(b.calls, b.start, b.log)) for b in span.others]
        return one_of_each(cases)

    def _add(self, plain: dict[str, Size], call: Call) -> None:
        count = traits_of(call.func).flops
        if count is None or call.result is None:  # it was refused
            return
        settings = {name: known_of(value) for name, value in call.kwargs.items()}
        settings.pop("out", None)
        try:
            made = count(known_of(call.result), *map(known_of, call.args), **settings)
        except NoRule as e:
            self.result.uncounted.append(f"{call.op} in {call.module or 'the model'} ({e})")
        else:
            plain[call.module] = plain.get(call.module, 0) + made

    def _repeated(self, amount: Amount, turns: RepeatedCalls, module: str) -> Amount:
        """The sum over the turns of a loop, of what one turn takes."""
        name = turns.index.name
        if not any(name in {u.name for u in unknowns_in(s)} for s in amount.sizes):
            return amount.times(turns.last - turns.low + 1)
        summed = None if amount.parts else _summed(amount.always, turns)
        if summed is None:
            self.result.uncounted.append(
                f"a loop in {module or 'the model'} (its iterations differ)"
            )
            return Amount()
        return Amount(summed)


def _summed(size: Size, turns: RepeatedCalls) -> Size | None:
    """The sum of a size for all values of the index; ``None`` if it is not linear in it."""
    parts = linear_parts(size, turns.index.name)
    if parts is None:
        return None
    factor, rest = parts
    count = turns.last - turns.low + 1
    return rest * count + floordiv(factor * (turns.low + turns.last) * count, 2)


def outermost(spans: Sequence[Span]) -> list[Span]:
    """The spans that are in no other; an outer one comes before those inside it."""
    result: list[Span] = []
    for span in spans:
        if not result or span.first >= result[-1].end:
            result.append(span)
    return result


def added(parts: Sequence[ByModule]) -> ByModule:
    parts = [part for part in parts if part]
    if len(parts) == 1:
        return dict(parts[0])
    modules = dict.fromkeys(m for part in parts for m in part)
    return {m: total(part[m] for part in parts if m in part) for m in modules}
