"""Checks that no weight needs a size that depends on the spatial sizes of the input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from archlint.contracts.region import in_box
from archlint.engine.diagnosis.size_chain import because
from archlint.engine.exploration import ExploredPath
from archlint.engine.structure.input_axes import spatial
from archlint.engine.structure.model_view import ModelView
from archlint.engine.structure.violation import Vacuous, Violation
from archlint.engine.weights.guards import without_guards
from archlint.engine.weights.symbolic_weights import WeightClaims
from archlint.engine.weights.ties import Pin, Tie, pins, reached, shape_formula, ties
from archlint.symbolic import Expr, Size, substitute, symbol
from archlint.symbolic.formula import Bool, conj, disj, ne, substitute_formula
from archlint.symbolic.intervals import Box
from archlint.tracing.trace import Call


def pooled_before_linear(view: ModelView, value: object) -> Iterator[Violation]:
    """No weight has to have a size that differs between two spatial sizes of the input.

    The operators behind the weights decide that, whatever they are called: a Linear, a product or
    ``einsum`` with a parameter, a recurrent layer, a table of positions that is added. A size that
    a weight only has to reach (a table of which a part is used) may depend on the input.
    """
    names = spatial(view.input)
    twice = _Twice(view, names)
    if not twice.find(True, True, disj(*(ne(symbol(n), twice.primed(n)) for n in names))):
        raise Vacuous(f"the contract allows a single value of {', '.join(names)}")
    accepted = disj(*(p.accepted for p in view.accepting))
    reported: set[tuple[str, str]] = set()
    pinned: dict[tuple[str, int], list[tuple[Pin, ExploredPath, WeightClaims]]] = {}

    def exists(formula: Bool) -> bool:
        return view.smallest(formula) is not None

    for path in view.paths:
        claims = view.weight_claims(path)
        for pin in pins(claims):
            pinned.setdefault((pin.name, pin.dim), []).append((pin, path, claims))
        for tie in ties(claims):
            key = (tie.call.module, tie.call.op)
            if tie.at_least or key in reported or not tie.needed.symbols() & set(names):
                continue
            branches, bounds = reached(tie.claim, claims)
            branches = without_guards(branches, accepted, exists)
            here = conj(*branches, *bounds)
            if not twice.find(here, here, ne(tie.needed, twice.other(tie.needed))):
                continue
            reported.add(key)
            yield _violation(view, path, tie, claims, conj(here, ne(tie.needed, tie.number)))
    for several in pinned.values():  # a number on each path, as Python counts with it
        for pin, path, claims in several:
            key = (pin.claim.call.module, pin.claim.call.op)
            numbers = {other.needed for other, _, _ in several}
            if pin.needed != pin.shape[pin.dim] and len(numbers) > 1 and key not in reported:
                reported.add(key)
                branches, bounds = reached(pin.claim, claims)
                yield _violation(view, path, pin, claims, conj(*branches, *bounds))


def _violation(
    view: ModelView, path: ExploredPath, tie: Tie | Pin, claims: WeightClaims, there: Bool
) -> Violation:
    call = tie.claim.call
    names = spatial(view.input)
    symbols = tie.needed.symbols() if isinstance(tie.needed, Expr) else frozenset(names)
    needed = shape_formula(tie)
    shape = "x".join(map(str, tie.shape))
    which = ", ".join(n for n in names if n in symbols)
    message = f"`{tie.name}` {shape} would have to be {needed}, which depends on {which}"
    same = _same_call(path.trace.calls, claims.trace.calls, call)
    return Violation(
        message, call.module, call.op, call.source, view.smallest(there),
        because(path.trace, same, "in_features") if same is not None else "",
    )  # fmt: skip


def _same_call(calls: Sequence[Call], others: Sequence[Call], other: Call) -> Call | None:
    """The call of one run that ``other`` is in another run of the same path."""

    def alike(call: Call) -> bool:
        return (call.func, call.module, call.source) == (other.func, other.module, other.source)

    at = [c for c in others if alike(c)].index(other)
    same = [c for c in calls if alike(c)]
    return same[at] if at < len(same) else None


class _Twice:
    """Two points of the region that differ only in the spatial sizes."""

    def __init__(self, view: ModelView, names: tuple[str, ...]) -> None:
        self._others: dict[str, Size] = {n: symbol(f"{n}'") for n in names}
        ranges = dict(view.box.ranges)
        ranges.update({f"{n}'": view.box.ranges[n] for n in names})
        self._box = Box(ranges)
        self._solver = view.solver((*view.names, *(f"{n}'" for n in names)), self._box)
        inside = conj(in_box(view.box), view.region)
        self._solver.add(conj(inside, substitute_formula(inside, self._others)))

    def primed(self, name: str) -> Size:
        return self._others[name]

    def other(self, size: Size) -> Size:
        """A size at the second point."""
        return substitute(size, self._others)

    def find(self, first: Bool, second: Bool, relation: Bool) -> bool:
        """Whether there are two points with these properties, and this relation between them."""
        second = substitute_formula(second, self._others)
        return self._solver.find(conj(first, second, relation)) is not None
