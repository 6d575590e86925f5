"""A run of a model whose weights have symbolic sizes.

The sizes of each parameter and buffer become symbols of their own, so that the claims of the run
say which size of which weight has to equal which formula of the input's sizes, through every
operator between them. Nothing is learned from a claim or a branch on the way: a size keeps the
formula that it has, also where it was compared with a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    path.
    """

    trace: Trace
    sizes: Mapping[str, WeightSize]
    claims: list[WeightClaim]
    branches: list[Formula]


class _RecordingPath(TracedPath):
    """A path that records every claim, refuses nothing and learns nothing."""

    def __init__(self, env: Mapping[str, int], box: Box) -> None:
        super().__init__(env, box, value_choices=())
        self.made: list[WeightClaim] = []
        self.taken: list[Formula] = []

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
        if kind == "branch" and isinstance(formula, Formula):
            self.taken.append(formula)

    def learn(self, formula: Formula, truth: bool) -> None:
        """Nothing: what was compared with a number keeps its formula."""


class _SymbolicWeights:
    """The arguments of a run's calls, its weights replaced by symbolic tensors.

    Sizes of 1, which broadcast, and the windows of convolutions stay numbers. A number that a
    reshape gives for the elements of an image is left to the reshape, which has the formula.
    """

    def __init__(self, model: torch.nn.Module) -> None:
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
        return reshaped_by_formula(func, args, kwargs, self.numbers)

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


def reshaped_by_formula(
    func: Any, args: Any, kwargs: dict[str, Any], numbers: Mapping[str, Size]
) -> tuple[Any, dict[str, Any]]:
    """The arguments of a reshape with -1 for the last number that is a formula of sizes.

    In ``x.view(N, 256)`` that is ``256``: the shape then has the formula, and no claim is made.
    ``numbers`` are the sizes of weights by their symbols. Other calls keep their arguments.
    """
    if func not in _RESHAPES or not args or type(args[0]) is not SymbolicTensor:
        return args, kwargs
    input, *given = args
    many = len(given) == 1 and isinstance(given[0], (tuple, list))
    sizes = list(given[0]) if many else given
    known = [known_of(s) for s in sizes]
    elements = substitute(input.spec.numel(), numbers)
    if isinstance(elements, Expr) and all(
        isinstance(s, Expr) or (isinstance(s, int) and s > 0) for s in known
    ):
        plain = [substitute(s, numbers) for s in known]
        for i in reversed(range(len(plain))):
            others = product(n for j, n in enumerate(plain) if j != i)
            if (
                isinstance(plain[i], int)
                and plain[i] != 1
                and isinstance(exact_quotient(elements, others), Expr)
            ):
                sizes = [*sizes[:i], -1, *sizes[i + 1 :]]
                break
    return (input, *((tuple(sizes),) if many else sizes)), kwargs


def weight_claims(run: CheckRun, point: Mapping[str, int]) -> WeightClaims:
    """The claims on the path of ``point`` with symbolic weights."""
    model, tracer = run.model, run.tracer
    weights = _SymbolicWeights(model)
    env = {**point, **{name: size.number for name, size in weights.sizes.items()}}
    box = Box({**run.question.box.ranges, **dict.fromkeys(weights.sizes, (2, None))})
    path = _RecordingPath(env, box)
    with keep(model), shadowed(tracer.shadowed):
        result = trace(
            model,
            run.contract.input,
            env,
            box,
            rules=tracer.rules,
            path=path,
            stand_ins=weights,
        )
    return WeightClaims(result, weights.sizes, path.made, path.taken)


__all__ = ["WeightClaim", "WeightClaims", "WeightSize", "reshaped_by_formula", "weight_claims"]
