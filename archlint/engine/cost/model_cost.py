"""What a model costs at every size that it accepts, path by path and layer by layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import torch

from archlint.contracts.contract import ANY_SIZE_CLAUSE, Budget, Contract, Input
from archlint.contracts.cost_budget import OPTIMIZERS, parse_bytes
from archlint.contracts.region import batch_symbol
from archlint.contracts.size_text import size_text
from archlint.engine.check_run import CheckRun
from archlint.engine.cost.activations import Peak, peak
from archlint.engine.cost.amount import Amount, total
from archlint.engine.cost.fits import Fits, fits
from archlint.engine.cost.flops import ByModule, Flops, flops
from archlint.engine.cost.parameters import bytes_of, parameters
from archlint.engine.cost.saved import saved
from archlint.engine.cost.trained import trained
from archlint.engine.cost.training import Training, training
from archlint.engine.describe.describe import describe
from archlint.engine.example_sizes import common_sizes, parse_sizes
from archlint.engine.exploration import Exploration, ExploredPath
from archlint.engine.input_guess import explore_accepted_input
from archlint.engine.limited_run import limited_run
from archlint.errors import ArchlintError
from archlint.models.targets import ModelSource
from archlint.runtime.effort_clock import now
from archlint.symbolic.formula import Bool, disj
from archlint.tracing.module_stack import layer_name

if TYPE_CHECKING:
    from torch import nn

    from archlint.engine.python_contracts import Shapes

WORDING = 10.0  # seconds for descriptions, after the exploration


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs on its own: without the layers inside it.

    ``saved``: the bytes that autograd keeps of its calls, in training.
    """

    module: str
    layer: str
    flops: Amount
    saved: Amount
    parameters: int
    parameter_bytes: int


@dataclass(frozen=True)
class PathCost:
    """What the sizes ``where`` cost, as a formula ``when``.

    ``at``: whether the sizes shown are among them.
    ``activations`` are the bytes that must be alive at once, at the least; ``largest`` is the layer
    that runs when they are, at the sizes shown. In training they are what autograd keeps, and
    ``alive`` is the larger of that and of what must be alive at once.
    """

    where: str
    flops: Amount
    activations: Amount | Peak
    largest: str
    layers: tuple[LayerCost, ...]
    at: bool
    when: Bool
    alive: Amount | Peak


@dataclass(frozen=True)
class ModelCost:
    """What a model costs as formulas of its input sizes, and at the sizes ``point``.

    ``paths``: the formulas, each with the sizes that it is for; the first is that of ``point``.
    ``training``: what training needs besides, if an optimizer is stated. ``fits``: what fits in
    memory. ``notes``: what the formulas do not contain, and sizes that were not explored.
    """

    model: str
    mode: str
    input: Input
    point: Mapping[str, int]
    parameters: int
    parameter_bytes: int
    buffer_bytes: int
    paths: tuple[PathCost, ...]
    training: Training | None = None
    fits: Fits | None = None
    notes: tuple[str, ...] = ()

    @property
    def flops(self) -> Amount:
        """The floating-point operations on the path of ``point``."""
        return self.paths[0].flops

    @property
    def activations(self) -> Amount | Peak:
        """The bytes of activations on the path of ``point``, at the least."""
        return self.paths[0].activations

    def memory_at(self, sizes: Mapping[str, int]) -> int:
        """The bytes that these sizes, of the first path, need at the least."""
        return self.constant_bytes + self.paths[0].alive.at(sizes)

    @property
    def constant_bytes(self) -> int:
        """The memory that no size changes: weights, and in training what is kept for each."""
        more = self.training
        extra = more.gradient_bytes + more.optimizer_bytes if more is not None else 0
        return self.parameter_bytes + self.buffer_bytes + extra


@dataclass(frozen=True)
class Options:
    """What to compute besides the formulas.

    ``dtype``: what floating-point tensors would have. ``optimizer``: one of
    :data:`OPTIMIZERS`, where the model is trained. ``fits``: an amount of memory.
    """

    dtype: str | None = None
    optimizer: str | None = None
    fits: str | None = None


def cost(
    model: nn.Module | str,
    input: Shapes | None = None,
    *,
    at: str | Mapping[str, int] | None = None,
    mode: str = "eval",
    dtype: str | None = None,
    optimizer: str | None = None,
    fits: str | None = None,
    paths: int = 128,
    seconds: float = 60.0,
) -> ModelCost:
    """What ``model`` costs as formulas of its input sizes, and at the sizes ``at``.

    Floating-point operations are those that ``torch.utils.flop_counter`` counts. Activations are
    bytes, a lower bound of the peak without gradients (:mod:`.activations`).

    Args:
        model: as for :func:`archlint.infer`, like ``input``, ``mode``, ``paths`` and ``seconds``.
        at: sizes, ``"256x256"`` for the last ones or ``{"H": 256, "W": 320}`` by name. By default
            common sizes that the model accepts.
        dtype: count bytes as if floating-point tensors had this dtype, ``"bfloat16"``.
        optimizer: one of :data:`OPTIMIZERS`, ``"adamw"``. The model is then in training:
            activations are what autograd keeps, gradients and the optimizer's state count too.
        fits: an amount of memory, ``"24GiB"``, for the largest batches and sizes that fit in it.

    Raises:
        ArchlintError: the model cannot be found or built or does not accept ``at``, or a dtype, an
            optimizer or an amount is not valid.
    """
    from archlint.engine.python_contracts import input_of, source_of

    parsed = input_of(input, mode)
    options = Options(dtype, optimizer, fits)
    with source_of(model) as source:
        return cost_source(source, parsed, at, mode, Budget(paths, seconds), options)


def cost_source(
    source: ModelSource,
    input: Input,
    at: str | Mapping[str, int] | None = None,
    mode: str = "eval",
    budget: Budget | None = None,
    options: Options | None = None,
) -> ModelCost:
    """As :func:`cost`, for a model that is already located; an empty ``input`` is guessed."""
    budget = budget or Budget(128)
    wanted = _Wanted.of(options or Options())
    mode = "train" if wanted.optimizer else mode
    contract = Contract("cost", input, ANY_SIZE_CLAUSE, mode=mode, budget=budget)
    with limited_run(contract, source, 2 * WORDING) as start:
        run, exploration = explore_accepted_input(start)
        return cost_of_run(run, exploration, at, wanted)


@dataclass(frozen=True)
class _Wanted:
    """The :class:`Options`, parsed."""

    dtype: torch.dtype | None
    optimizer: str | None
    limit: int | None
    text: str

    @classmethod
    def of(cls, options: Options) -> _Wanted:
        """Raises ``ArchlintError`` for a dtype, an optimizer or an amount that does not exist."""
        optimizer = options.optimizer
        if optimizer is not None and optimizer not in OPTIMIZERS:
            known = ", ".join(OPTIMIZERS)
            raise ArchlintError(f"found the optimizer {optimizer!r}; expected one of {known}")
        try:
            limit = None if options.fits is None else parse_bytes(options.fits)
        except ValueError as e:
            raise ArchlintError(f"fits: {e}") from None
        if limit == 0:
            raise ArchlintError(f"fits: found {options.fits!r}, expected more than 0 bytes")
        return cls(_dtype(options.dtype), optimizer, limit, (options.fits or "").strip())


@dataclass(frozen=True)
class _Spent:
    """What a path costs; ``saved`` is what autograd keeps, by module, in training."""

    path: ExploredPath
    flops: Flops
    activations: Amount | Peak
    alive: Amount | Peak
    saved: ByModule = field(default_factory=dict)

    @classmethod
    def of(cls, path: ExploredPath, wanted: _Wanted) -> _Spent:
        counted = flops(path.trace)
        most = peak(path.trace, wanted.dtype)
        if wanted.optimizer is None:
            return cls(path, counted, most, most)
        kept = saved(path.trace, wanted.dtype)
        whole = total(kept.values())
        return cls(path, counted, whole, most.or_more(whole), kept)


def cost_of_run(
    run: CheckRun,
    exploration: Exploration,
    at: str | Mapping[str, int] | None = None,
    wanted: _Wanted | None = None,
) -> ModelCost:
    """As :func:`cost`, for a model whose paths are explored; by default without options."""
    wanted = wanted or _Wanted.of(Options())
    deadline = now() + WORDING
    point = _point(run.source.name, exploration, at, deadline)
    spent = [_Spent.of(path, wanted) for path in exploration.accepting]
    dtype = wanted.dtype
    every = [p for own in parameters(run.model).values() for p in own]
    found = ModelCost(
        model=run.source.name,
        mode=run.contract.mode,
        input=run.contract.input,
        point=point,
        parameters=sum(p.numel() for p in every),
        parameter_bytes=sum(bytes_of(p, dtype) for p in every),
        buffer_bytes=sum(bytes_of(b, dtype) for b in run.model.buffers()),
        paths=_paths(run, exploration, spent, point, deadline, dtype),
        training=_training(run, exploration, wanted),
        notes=(
            *_notes(exploration, [s.flops for s in spent]),
            *(_training_notes(exploration) if wanted.optimizer else ()),
        ),
    )
    if wanted.limit is None:
        return found
    amounts = [(s.path, s.alive) for s in spent]
    batch, constant = batch_symbol(run.contract.input), found.constant_bytes
    fitting = fits(exploration, amounts, point, batch, constant, wanted.limit, wanted.text)
    return replace(found, fits=fitting)


def _point(
    name: str,
    exploration: Exploration,
    at: str | Mapping[str, int] | None,
    deadline: float,
) -> dict[str, int]:
    """The sizes ``at``, or common ones that the model accepts."""
    if at is None:
        point = common_sizes(exploration, deadline)
    else:
        point = parse_sizes(exploration.names, at)
    accepts = exploration.accepts(point) if point is not None else None
    if point is None or not accepts:
        where = size_text(point or {}) or "any size"
        known = f"{name} does not accept {where}; archlint infer shows what it accepts"
        unknown = f"it is not known whether {name} accepts {where}"
        if any(size < 1 for size in (point or {}).values()):
            unknown += "; sizes are followed from 1 on"
        elif exploration.reasons:
            unknown += f": {exploration.reasons[0]}"
        raise ArchlintError(known if accepts is False else unknown)
    return point


def _training(run: CheckRun, exploration: Exploration, wanted: _Wanted) -> Training | None:
    if wanted.optimizer is None:
        return None
    read = trained((path.trace for path in exploration.accepting), run.tracer.models)
    named = run.model.named_parameters(remove_duplicate=False)
    reached = {id(p): p for name, p in named if name in read}
    return training(reached.values(), wanted.optimizer, wanted.dtype)


def _training_notes(exploration: Exploration) -> Iterator[str]:
    repeated = (r for path in exploration.accepting for r in path.trace.log.repeated)
    if not all(r.at_once for r in repeated):
        yield "what autograd keeps of the turns of a loop over a size is not counted"


def _paths(
    run: CheckRun,
    exploration: Exploration,
    spent: Sequence[_Spent],
    point: Mapping[str, int],
    deadline: float,
    dtype: torch.dtype | None,
) -> tuple[PathCost, ...]:
    """One entry for paths with the same formulas, that of ``point`` first."""
    groups: dict[tuple[Amount, Amount | Peak], tuple[Bool, _Spent]] = {}
    here = exploration.path_at(point)
    for one in spent:
        formulas = one.flops.total, one.activations
        where, example = groups.get(formulas, (False, one))
        example = one if one.path is here else example
        groups[formulas] = disj(where, one.path.accepted), example
    result = []
    for (amount, most), (where, one) in groups.items():
        words = "any size that it accepts"
        if len(groups) > 1:
            text = describe(exploration.names, exploration.box, where, solver_deadline=deadline)
            words = text.text
        at = one.path is here
        largest = _largest(one, point) if at else ""
        layers = _layers(run.model, one, dtype)
        result.append(PathCost(words, amount, most, largest, layers, at, where, one.alive))
    return tuple(sorted(result, key=lambda p: not p.at))


def _largest(spent: _Spent, point: Mapping[str, int]) -> str:
    """The layer that runs when most is alive, or of which autograd keeps most."""
    if isinstance(spent.activations, Peak):
        moment = spent.activations.moment(point)
        return spent.path.trace.calls[moment].module if moment >= 0 else ""
    return max(spent.saved, key=lambda m: spent.saved[m].at(point), default="")


def _layers(model: nn.Module, spent: _Spent, dtype: torch.dtype | None) -> tuple[LayerCost, ...]:
    weights, counted = parameters(model), spent.flops.modules
    names = (name for name, _ in model.named_modules())
    layers = []
    for module in dict.fromkeys([*names, *counted, *spent.saved]):
        own, amount = weights.get(module, []), counted.get(module, Amount())
        kept = spent.saved.get(module, Amount())
        if own or amount != Amount() or kept != Amount():
            count, size = sum(p.numel() for p in own), sum(bytes_of(p, dtype) for p in own)
            name = layer_name(model, module)
            layers.append(LayerCost(module, name, amount, kept, count, size))
    return tuple(layers)


def _dtype(name: str | None) -> torch.dtype | None:
    found = getattr(torch, name, None) if name else None
    if name and not (isinstance(found, torch.dtype) and found.is_floating_point):
        raise ArchlintError(f"dtype {name!r} is not a floating-point dtype of torch")
    return found


def _notes(exploration: Exploration, counted: Sequence[Flops]) -> tuple[str, ...]:
    notes = [f"not counted: {text}" for found in counted for text in found.uncounted]
    if any(found.bounded for found in counted):
        notes.append("tensor values determine how much is computed; the formula is an upper bound")
    notes += exploration.reasons
    return tuple(dict.fromkeys(notes))
