"""Adaptive pooling before the flatten: the linear layer always gets the size it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product as combinations
from math import isqrt, prod
from types import CodeType, FunctionType

import torch
from torch import nn

from archlint.engine.exploration import ExploredPath
from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.code_change import InsertPool, run_with
from archlint.explanation.fixes.constructors import Place, joined, makers, pooled_flattens
from archlint.explanation.fixes.edit import Edit, SourceText
from archlint.explanation.fixes.proposal import Proposal, patched
from archlint.explanation.fixes.source_edits import definition_at, flatten_spans
from archlint.explanation.path_rows import back_to_input
from archlint.ops.registry import rule_for
from archlint.symbolic import Expr, Size, evaluate
from archlint.tracing.events import Event
from archlint.tracing.fx_graph import tensors, weights
from archlint.tracing.trace import Call, Trace

_FLATTENING = {rule_for(f) for f in (torch.flatten, torch.Tensor.view, torch.reshape)}
_VIEW = rule_for(torch.Tensor.view)
_CONCATENATION = rule_for(torch.cat)
_RANKS = (3, 4, 5)  # N C L, N C H W, N C T H W
_VARIANTS = 3  # of the lines of one place
Change = Callable[[nn.Module], nn.Module]


@dataclass(frozen=True)
class Head:
    """A call that flattens features to what a layer needs, and the grid that gives it that.

    ``channels_last``: the features are those of ``N T C`` or ``N H W C``.
    """

    call: Call
    grid: tuple[int, ...]
    trace: Trace = field(compare=False, repr=False)
    channels_last: bool = False

    @property
    def pool(self) -> str:
        return f"AdaptiveAvgPool{len(self.grid)}d({_tuple(self.grid)})"

    @property
    def function(self) -> str:
        """The call of the pool, with ``{}`` for the tensor."""
        name, grid = f"adaptive_avg_pool{len(self.grid)}d", _tuple(self.grid)
        if not self.channels_last:
            return f"{name}({{}}, {grid})"
        last = len(self.grid) + 1
        dense = ".contiguous()" if rule_for(self.call.func) is _VIEW else ""
        return f"{name}({{}}.movedim({last}, 1), {grid}).movedim(1, {last}){dense}"


def pooling(broken: BrokenContract) -> Iterator[Proposal]:
    """Pool to the sizes that the features have at accepted sizes, in all heads that need it."""
    heads = flattening_heads(broken)
    if not heads:
        return
    places = ", ".join(dict.fromkeys(f"`{h.call.module}`" for h in heads if h.call.module))
    title = f"{', '.join(dict.fromkeys(h.pool for h in heads))} before the flatten"
    title += " of channels-last features" if any(h.channels_last for h in heads) else ""
    title += f" in {places}" if places and len(heads) > 1 else ""
    for changes, edits in _variants(broken, heads):

        def change(model: nn.Module, changes: Sequence[Change] = changes) -> nn.Module:
            for each in changes:
                model = each(model)
            return model

        yield Proposal(title, broken.contract, patched(broken.source, change), tuple(edits))


def flattening_heads(broken: BrokenContract) -> list[Head]:
    """The heads of the violation's path, and of a path that reaches the output, once each."""
    accepted = broken.accepted_point
    found: dict[tuple[str, str, tuple[int, ...]], Head] = {}
    for trace, call, sizes in _refusing(broken):
        flattened, concatenated = _flattenings(trace, call)
        for flat in flattened:
            dims = tensors((flat.args, flat.kwargs))[0].spec.dims
            numbers = [s for s in sizes if isinstance(s, int)]
            if accepted is not None and (concatenated or (not numbers and flat is call)):
                numbers = [prod(evaluate(d, accepted) for d in dims[1:])]
            last = isinstance(dims[-1], int) and isinstance(dims[1], Expr)
            grid = _grid((dims[0], dims[-1], *dims[1:-1]) if last else dims, accepted, numbers)
            if grid is not None and not (last and prod(grid) == 1):  # one pixel: a matter of layout
                head = Head(flat, grid, trace, last)
                found.setdefault((flat.module, flat.source, grid), head)
    return list(found.values())


def _refusing(broken: BrokenContract) -> Iterator[tuple[Trace, Call, Sequence[Size]]]:
    """The calls that refuse sizes, with sizes of what they require.

    Of the path at accepted sizes these are all that use weights: what two of them require is one
    claim, of the first.
    """
    path, accepted = broken.violation.path, broken.accepted_point
    for event in _claims(path, broken):
        yield path.trace, path.trace.calls[event.call], event.sizes
    reaching = broken.exploration.path_at(accepted) if accepted is not None else None
    if reaching is not None:
        for event in _claims(reaching, broken):
            yield reaching.trace, reaching.trace.calls[event.call], event.sizes
        for call in reaching.trace.calls:
            used = weights((call.args, call.kwargs))
            yield from ((reaching.trace, call, tuple(w.shape)) for w in used if w.ndim == 2)


def _claims(path: ExploredPath, broken: BrokenContract) -> Iterator[Event]:
    failed = path.first_failed_claim(broken.violation.point)
    for event in path.trace.path.events:
        of_call = event.kind == "claim" and path.trace.call_of(event) is not None
        if of_call and (event is failed or any(isinstance(s, Expr) for s in event.sizes)):
            yield event


def _variants(
    broken: BrokenContract, heads: Sequence[Head]
) -> Iterator[tuple[list[Change], list[Edit]]]:
    """Changes of the model, with the edits of one file that may come to the same."""
    layers = dict(broken.model.named_modules())  # without those that forward makes
    inserted = [h for h in heads if h.call.module and type(layers.get(h.call.module)) is nn.Flatten]
    if any(h.channels_last for h in inserted):
        return
    coded = [h for h in heads if h not in inserted]
    constructed = [
        [
            place
            for maker in makers(broken.source, broken.model, head.call.module)
            for place in pooled_flattens(maker, head.pool)
        ]
        for head in inserted
    ]
    sources: dict[str, SourceText] = {}
    known: dict[CodeType, list[FunctionType]] = {}
    options: dict[str, list[Place]] = {}
    by_line: dict[str, list[Head]] = {}
    for head in coded:
        by_line.setdefault(head.call.source, []).append(head)
    for line, (head, *others) in by_line.items():
        here = []
        found = definition_at(head.call, known)
        if found is not None:
            source = sources.setdefault(str(found.source.file), found.source)
            pools = dict.fromkeys(h.function for h in (head, *others))
            here = [(source, s) for s in flatten_spans(found, head.call.line, list(pools))]
        options[line] = here[:_VARIANTS]
    for chosen in combinations(*options.values()):
        changes: list[Change] = [InsertPool(h.call.module, h.grid) for h in inserted]
        edits = [
            edit
            for made in combinations(*constructed)
            if (edit := joined([*chosen, *made])) is not None
        ]
        if coded:
            change = run_with(joined(chosen), [h.call for h in coded], known)
            if change is None:
                continue
            changes.append(change)
        yield changes, edits


def _flattenings(trace: Trace, refusing: Call) -> tuple[list[Call], bool]:
    """The calls that flatten features for ``refusing``, and whether it gets a concatenation."""
    for index in reversed(back_to_input(trace, refusing)):
        call = trace.calls[index]
        made = tensors(call.result)
        if rule_for(call.func) is _CONCATENATION and made and len(made[0].spec.dims) == 2:
            makers = [t.made_by for t in tensors((call.args, call.kwargs))]
            return [
                f for m in makers if m >= 0 for f in _flattenings(trace, trace.calls[m])[0]
            ], True
        if rule_for(call.func) in _FLATTENING:
            break
    flat = _flattening(trace, refusing)
    return [] if flat is None else [flat], False


def _flattening(trace: Trace, refusing: Call) -> Call | None:
    """The call, at or before ``refusing``, that flattens features."""
    first = None
    for index in reversed(back_to_input(trace, refusing)):
        call = trace.calls[index]
        before, made = tensors((call.args, call.kwargs)), tensors(call.result)
        if not before:
            return None
        if call is refusing and rule_for(call.func) not in _FLATTENING:
            continue
        rank, left = len(before[0].spec.dims), len(made[0].spec.dims) if made else 2
        if left < rank or not made:
            flat = rule_for(call.func) in _FLATTENING and rank in _RANKS
            if not flat or (first is None and left != 2):
                return first
            first = call
        elif first is not None:
            return first
    return first


def _grid(
    dims: tuple[Size, ...], accepted: Mapping[str, int] | None, needed: list[int]
) -> tuple[int, ...] | None:
    """The features' sizes at ``accepted``, else the square that the linear layer needs."""
    channels, features = dims[1], dims[2:]
    if not any(isinstance(d, Expr) for d in features) or not isinstance(channels, int):
        return None
    for count in needed:
        places, odd = divmod(count, channels)
        if odd or not places:
            continue
        if accepted is not None:
            grid = tuple(evaluate(d, accepted) for d in features)
            if prod(grid) == places and (len(set(grid)) == 1 or not _is_square(places, features)):
                return grid
        if _is_square(places, features):
            return isqrt(places), isqrt(places)
        if len(features) == 1:
            return (places,)
    return None


def _is_square(places: int, features: tuple[Size, ...]) -> bool:
    """Whether features of two free sizes can be pooled to a square of so many places."""
    free = len(features) == 2 and all(isinstance(d, Expr) for d in features)
    return free and isqrt(places) ** 2 == places


def _tuple(grid: tuple[int, ...]) -> str:
    return str(grid[0]) if len(grid) == 1 else f"({', '.join(map(str, grid))})"
