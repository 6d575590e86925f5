"""A run of a model whose weights have symbolic sizes.

The sizes of each parameter and buffer become symbols of their own, so that the claims of the run
say which size of which weight has to equal which formula of the input's sizes, through every
operator between them. Nothing is learned from a claim or a branch on the way: a size keeps the
formula that it has, also where it was compared with a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch

from archlint.engine.check_run import CheckRun
from archlint.models.snapshot import keep
from archlint.ops.registry import TensorSpec
from archlint.ops.traits import traits_of
from archlint.symbolic import Expr, Size, exact_quotient, product, substitute, symbol
from archlint.symbolic.formula import Bool, Formula
from archlint.symbolic.intervals import Box
from archlint.tracing.loops.turn import Retry
from archlint.tracing.path import TracedPath
from archlint.tracing.python.builtins import shadowed
from archlint.tracing.tensors.specs import known_of, map_tensors, spec_of
from archlint.tracing.tensors.symbolic_tensor import SymbolicTensor, symbolic_tensor
from archlint.tracing.trace import Call, Trace
from archlint.tracing.tracer import trace

_RESHAPES: tuple[Callable[..., Any], ...] = (
    torch.Tensor.view,
    torch.Tensor.reshape,
    torch.reshape,
)
_UNFLATTENS: tuple[Callable[..., Any], ...] = (torch.Tensor.unflatten, torch.unflatten)

_CONVOLVED = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_TRANSPOSED = (*_CONVOLVED[:5], "output_padding", "groups", "dilation")
_CONVOLUTIONS: dict[Any, tuple[str, ...]] = {
    **dict.fromkeys((torch.conv1d, torch.conv2d, torch.conv3d), _CONVOLVED),
    **dict.fromkeys(
        (torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d), _TRANSPOSED
    ),
}

Written = tuple[str, ...]
"""The sizes of a reshape in which code wrote numbers for what depends on the input's sizes."""

Readings = Mapping[Written, int]
"""Which of the numbers of a reshape, from the left, stands for a formula (default: the first)."""


@dataclass(frozen=True)
class WeightSize:
    """``shape[dim]`` of the parameter or buffer ``name``."""

    name: str
    shape: tuple[int, ...]
    dim: int

    @property
    def number(self) -> int:
        """The size that the weight has."""
        return self.shape[self.dim]


@dataclass(frozen=True)
class WeightClaim:
    """A claim of a call; ``branches`` is the number of the run's branches before it."""

    call: Call
    formula: Formula
    branches: int


@dataclass(frozen=True)
class WeightClaims:
    """What a run with symbolic weights claimed, and what it branched on.

    ``sizes``: the size that each symbol of a weight stands for. Each of ``branches`` is true on the
    path. ``written``: the reshapes that can be read in several ways, with the number of these.
    """

    trace: Trace
    sizes: Mapping[str, WeightSize]
    claims: list[WeightClaim]
    branches: list[Formula]
    written: Mapping[Written, int]


class _RecordingPath(TracedPath):
    """A path that records every claim, refuses nothing and learns nothing."""

    ignores_claims = True  # what broadcasts keeps its formula beside a number

    def __init__(self, env: Mapping[str, int], box: Box) -> None:
        super().__init__(env, box, value_choices=())
        self.made: list[WeightClaim] = []
        self.taken: list[Formula] = []
        self._seen: set[Formula] = set()

    def claim(
        self, formula: Bool, text: str, *sizes: Size, error: type[Exception] | None = None
    ) -> None:
        if not isinstance(formula, Formula) or not self.calls_so_far:
            return super().claim(formula, text, *sizes, error=error)
        if self.known(formula) is not True:
            self.made.append(WeightClaim(self.calls_so_far[-1], formula, len(self.taken)))
        return None

    def record(
        self, kind: str, formula: Bool, held: bool, text: str, sizes: tuple[Size, ...]
    ) -> None:
        super().record(kind, formula, held, text, sizes)
        if kind == "branch" and isinstance(formula, Formula) and formula not in self._seen:
            self._seen.add(formula)
            self.taken.append(formula)

    def learn(self, formula: Formula, truth: bool) -> None:
        """Nothing: what was compared with a number keeps its formula."""


class _SymbolicWeights:
    """The arguments of a run's calls, its weights replaced by symbolic tensors.

    Sizes of 1, which broadcast, and the windows of convolutions stay numbers. A number that a
    reshape gives for the elements of an image is left to the reshape, which has the formula.
    """

    def __init__(self, model: torch.nn.Module, readings: Readings) -> None:
        self._readings = readings
        self.written: dict[Written, int] = {}
        named = (*model.named_buffers(), *model.named_parameters())
        self._names = {id(t): name for name, t in named if any(n > 1 for n in t.shape)}
        self._made: dict[int, SymbolicTensor] = {}
        self.sizes: dict[str, WeightSize] = {}
        for name, tensor in named:
            for dim in range(tensor.ndim):
                each = WeightSize(name, tuple(tensor.shape), dim)
                if each.number > 1:
                    self.sizes[f"{name}[{dim}]"] = each
        self.numbers: dict[str, Size] = {k: each.number for k, each in self.sizes.items()}

    def __call__(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        slides = traits_of(func).slides

        def replaced(tensor: torch.Tensor) -> torch.Tensor:
            name = self._names.get(id(tensor))
            return tensor if name is None else self._stand_in(name, tensor, slides)

        args, kwargs = map_tensors((args, kwargs), replaced)
        if func in _CONVOLUTIONS:
            args, kwargs = self._depthwise(_CONVOLUTIONS[func], args, kwargs)
        return reshaped_by_formula(func, args, kwargs, self.numbers, self._chosen)

    def _depthwise(
        self, names: Sequence[str], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments of a convolution, the groups of a depthwise one by its weight's size.

        With other channels it has as many groups, for each as many outputs as before.
        """
        given = dict(zip(names, args, strict=False)) | kwargs
        weight, groups = given.get("weight"), given.get("groups", 1)
        if type(weight) is SymbolicTensor and isinstance(groups, int) and groups > 1:
            channels, *rest = weight.spec.dims
            each = substitute(channels, self.numbers) // groups
            if each and rest[:1] == [1] and isinstance(channels, Expr):
                return (), {**given, "groups": channels // each}
        return args, kwargs

    def _chosen(self, written: Written, places: Sequence[int], exact: bool) -> int | None:
        if len(places) > 1:
            self.written[written] = len(places)
        return places[self._readings.get(written, 0)]

    def _stand_in(self, name: str, tensor: torch.Tensor, slides: bool) -> SymbolicTensor:
        made = self._made.get(id(tensor))
        if made is None:
            dims: list[Size] = [
                symbol(f"{name}[{dim}]") if size > 1 and not (slides and dim > 1) else size
                for dim, size in enumerate(tensor.shape)
            ]
            spec = spec_of(tensor)
            made = symbolic_tensor(TensorSpec(tuple(dims), spec.dtype, None, spec.values))
            self._made[id(tensor)] = made
        return made


def last_if_exact(written: Written, places: Sequence[int], exact: bool) -> int | None:
    """The last place whose number is a formula of whole sizes, if there is one."""
    return places[-1] if exact else None


def reshaped_by_formula(
    func: Any,
    args: Any,
    kwargs: dict[str, Any],
    numbers: Mapping[str, Size],
    choose: Callable[[Written, Sequence[int], bool], int | None] = last_if_exact,
) -> tuple[Any, dict[str, Any]]:
    """The arguments of a reshape with -1 for a number that is a formula of sizes.

    In ``x.view(N, 256)`` that is ``256``: the shape then has the formula, and no claim is made.
    Of several such numbers, as in ``x.view(N, 4, 48)``, ``choose`` selects one, or none; it gets
    the sizes, the places of the numbers, and whether all have a formula without rounding.
    ``numbers`` are the sizes of weights by their symbols. Other calls keep their arguments.
    """
    unflattens = func in _UNFLATTENS and len(args) == 3 and isinstance(args[1], int)
    if not (unflattens or func in _RESHAPES) or not args or type(args[0]) is not SymbolicTensor:
        return args, kwargs
    before, given = (args[:2], args[2:]) if unflattens else (args[:1], args[1:])
    many = len(given) == 1 and isinstance(given[0], (tuple, list))
    sizes = list(given[0] if many else given)
    dims = args[0].spec.dims
    dims = (dims[args[1]],) if unflattens else dims
    known = [known_of(s) for s in sizes]
    places, exact = _written_numbers(dims, known, numbers)
    at = choose(tuple(map(str, known)), places, exact) if places else None
    if at is None:
        return args, kwargs
    sizes[at] = -1
    return (*before, *((tuple(sizes),) if many else sizes)), kwargs


def _written_numbers(
    dims: Sequence[Size], sizes: Sequence[Any], numbers: Mapping[str, Size]
) -> tuple[list[int], bool]:
    """The places of numbers in the ``sizes`` that ``dims`` become that may be formulas.

    These are not the sizes that ``dims`` begin or end with. With whether all of them have a formula
    without rounding, which excludes those that have none.
    """
    if not all(isinstance(s, Expr) or (isinstance(s, int) and s > 0) for s in sizes):
        return [], False
    plain = [substitute(s, numbers) for s in sizes]
    old = [substitute(d, numbers) for d in dims]
    first, last = 0, len(plain)
    while first < last and old and plain[first] == old[0]:
        old, first = old[1:], first + 1
    while first < last and old and plain[last - 1] == old[-1]:
        old, last = old[:-1], last - 1
    elements, new = product(old), plain[first:last]
    formulas = product(n for n in new if isinstance(n, Expr))
    if not isinstance(exact_quotient(elements, formulas), Expr):
        return [], False

    def exact(i: int) -> bool:
        others = product(n for j, n in enumerate(new) if j != i)
        return isinstance(exact_quotient(elements, others), Expr)

    places = [i for i, n in enumerate(new) if isinstance(n, int) and n != 1]
    whole = [i for i in places if exact(i)]
    return [first + i for i in whole or places], bool(whole)


def claims_of(run: CheckRun, point: Mapping[str, int], readings: Readings) -> WeightClaims:
    """The claims on the path of ``point`` with symbolic weights, and with these readings."""
    model, tracer = run.model, run.tracer
    while True:
        weights = _SymbolicWeights(model, readings)
        env = {**point, **{name: size.number for name, size in weights.sizes.items()}}
        box = Box({**run.question.box.ranges, **dict.fromkeys(weights.sizes, (2, None))})
        path = _RecordingPath(env, box)
        loops, functions = tracer.loops.in_run()
        result = None
        with suppress(Retry), keep(model), shadowed(tracer.shadowed), functions:
            result = trace(
                model,
                run.contract.input,
                env,
                box,
                rules=tracer.rules,
                path=path,
                loops=loops,
                stand_ins=weights,
            )
        if not tracer.loops.changed_by(path) and result is not None:
            return WeightClaims(result, weights.sizes, path.made, path.taken, weights.written)
