"""Padding in front of the model, and cropping behind it, as a module around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import lcm
from typing import Any

from archlint.contracts.contract import ANY_SIZE, TensorOutput, Wildcard
from archlint.contracts.nested import leaves
from archlint.contracts.region import bounds_of
from archlint.engine.sampling.sizes import moduli
from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.proposal import Proposal
from archlint.explanation.fixes.wrap import (
    Argument,
    arguments_of,
    call_text,
    free_sizes,
    wrapped,
    wrapper,
)
from archlint.runtime.effort_clock import now
from archlint.symbolic import Expr, Size, ceildiv, evaluate, maximum, symbol
from archlint.symbolic.formula import Bool, conj, disj, eq, ge, negate, substitute_formula
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.symbolic.substitution import substitute
from archlint.tracing.trace import dims_of

_LARGEST = 512  # a multiple to pad to
_WORDS = {"T": "time", "L": "length", "D": "depth", "H": "height", "W": "width"}


@dataclass(frozen=True)
class _Padding:
    """Sizes ``names`` are padded to a multiple of ``multiple`` and to at least ``least``."""

    names: tuple[str, ...]
    multiple: int
    least: int

    @property
    def words(self) -> str:
        words = [f"to a multiple of {self.multiple}"] if self.multiple > 1 else []
        if self.least > self.multiple:
            words.append(f"{'' if words else 'to '}at least {self.least}")
        return ", ".join(words)

    def sizes(self) -> dict[str, Size]:
        """The sizes that the model gets, by name."""
        return {
            n: maximum(self.multiple * ceildiv(symbol(n), self.multiple), self.least)
            for n in self.names
        }


@dataclass(frozen=True)
class _Crop:
    """What the output is cropped to: axes from its end, each with a factor and a size's name.

    ``kind``: "tensor", "list" or "dict", of such tensors.
    """

    axes: Mapping[int, tuple[int, str]]
    kind: str

    def of(self, names: Sequence[str]) -> _Crop:
        """The axes with these sizes only."""
        return _Crop({a: c for a, c in self.axes.items() if c[1] in names}, self.kind)


def padding(broken: BrokenContract) -> Iterator[Proposal]:
    """Zeros at the ends, up to the smallest multiple at which every size is accepted.

    Raises ``Unsolved`` if that is not known in time.
    """
    arguments = arguments_of(broken.contract)
    names = free_sizes(arguments)
    if not names:
        return
    crop = _crop(broken, names)
    found = _smallest_padding(broken, names, crop)
    if found is None:
        return
    crop = crop.of(found.names)
    several = "s" if len(arguments) > 1 else ""
    where = "each size" if found.names == names else f"size {', '.join(found.names)}"
    cropped = "; crops the output" if crop.axes else ""
    doc = f"Pads with zeros at the end of {where} {found.words}{cropped}."
    code = wrapper("Padded", doc, arguments, _lines(arguments, found, crop))
    note = "the model sees zeros at the borders" + ("; the output is cropped" if crop.axes else "")
    yield Proposal(
        f"pad the input{several} {found.words}",
        broken.contract,
        wrapped(broken.source, code, "Padded"),
        (),
        code,
        note,
    )


def _smallest_padding(
    broken: BrokenContract, names: tuple[str, ...], crop: _Crop
) -> _Padding | None:
    """The smallest multiple, and the least size, with which the contract holds; of few sizes."""
    exploration, question = broken.exploration, broken.run.question
    divisors, least = {1}, {1}
    for path in exploration.paths:
        for name, values in moduli(path.trace).items():
            if name in names:
                divisors |= values
        for event in path.trace.path.events:
            lows = bounds_of(event.formula)
            least |= {low for n, (low, _) in lows.items() if n in names and low is not None}
    divisors |= {lcm(a, b) for a in divisors for b in divisors}
    deadline = now() + broken.contract.budget.seconds / 4
    solver = Solver(exploration.names, question.box, deadline)
    solver.add(question.premise)

    def suffices(padding: _Padding) -> bool:
        return solver.find(negate(_holds_padded(broken, padding, crop.of(padding.names)))) is None

    for multiple in sorted(d for d in divisors if d <= _LARGEST):
        for low in sorted({-(-v // multiple) * multiple for v in least}):
            found = _Padding(names, multiple, low)
            if not found.words or not suffices(found):
                continue
            for name in names:
                rest = tuple(n for n in found.names if n != name)
                fewer = _Padding(rest, multiple, low)
                found = fewer if rest and suffices(fewer) else found
            return found
    return None


def _holds_padded(broken: BrokenContract, padding: _Padding, crop: _Crop) -> Bool:
    """The sizes at which the contract holds for the padded model."""
    sizes = padding.sizes()
    target = broken.contract.output
    wanted = target.dims if isinstance(target, TensorOutput) else ()
    holding = []
    for path in broken.exploration.accepting:
        parts = [substitute_formula(path.accepted, sizes)]
        for dims in _tensors(dims_of(path.trace.output)):
            for axis in range(-len(dims), 0):
                if dims[axis] is ANY_SIZE:
                    continue
                size = substitute(dims[axis], sizes)
                if axis in crop.axes:
                    factor, name = crop.axes[axis]
                    parts.append(ge(size, factor * symbol(name)))
                elif len(wanted) == len(dims) and not isinstance(wanted[axis], Wildcard):
                    parts.append(eq(size, wanted[axis]))  # type: ignore[arg-type]
        holding.append(conj(*parts))
    return disj(*holding)


def _tensors(output: Any) -> list[tuple[Any, ...]]:
    """The sizes of all tensors in an output."""
    return [part for _, part in leaves(output) if isinstance(part, tuple)]


def _crop(broken: BrokenContract, names: Sequence[str]) -> _Crop:
    """The axes of the output that are a whole multiple of an input's size: of dense predictions.

    These are the ones that the contract names, or, where it names none, those that are such
    multiples at all accepted sizes.
    """
    target = broken.contract.output
    if isinstance(target, TensorOutput):
        wanted = target.dims
        found = {a: _factor(wanted[a], names) for a in range(-len(wanted), 0)}
        return _Crop({a: f for a, f in found.items() if f is not None}, "tensor")
    outputs = [dims_of(p.trace.output) for p in broken.exploration.accepting]
    kind = "dict" if any(isinstance(o, dict) for o in outputs) else "list"
    kind = "tensor" if all(isinstance(o, tuple) for o in outputs) else kind
    common: dict[int, tuple[int, str]] | None = None
    for path, output in zip(broken.exploration.accepting, outputs, strict=True):
        for dims in _tensors(output):
            here = _same_everywhere(broken, path.accepted, dims, names)
            common = here if common is None else dict(common.items() & here.items())
    return _Crop(common or {}, kind)


def _factor(size: Any, names: Sequence[str]) -> tuple[int, str] | None:
    """The factor and the name of ``2*H``."""
    for name in names if isinstance(size, Expr) else ():
        if size.symbols() == {name}:
            factor = evaluate(size, {name: 1})
            if factor > 0 and size == factor * symbol(name):
                return factor, name
    return None


def _same_everywhere(
    broken: BrokenContract, accepted: Bool, dims: tuple[Any, ...], names: Sequence[str]
) -> dict[int, tuple[int, str]]:
    """The axes that are a multiple of a size at all accepted sizes."""
    exploration, point = broken.exploration, broken.accepted_point
    deadline = now() + broken.contract.budget.seconds / 4
    solver = Solver(exploration.names, exploration.box, deadline)
    solver.add(conj(exploration.region, accepted))
    found = {}
    for axis in range(-len(dims), 0):
        size = dims[axis]
        used: set[str] = set(size.symbols()) if isinstance(size, Expr) else set()
        if point is None or size is ANY_SIZE or len(used) != 1 or not used <= set(names):
            continue
        (name,) = used
        factor, rest = divmod(evaluate(size, point), point[name])
        if rest or not factor:
            continue
        try:
            if solver.find(negate(eq(size, factor * symbol(name)))) is None:
                found[axis] = factor, name
        except Unsolved:
            continue
    return found


def _lines(arguments: Sequence[Argument], padding: _Padding, crop: _Crop) -> Iterator[str]:
    words = {n: _WORDS.get(n, f"size_{n.lower()}") for n in padding.names}
    seen: set[str] = set()
    for argument in arguments:
        axes = argument.axes(padding.names)
        new = [n for n in axes if n not in seen]
        seen |= set(new)
        rank = len(argument.dims)
        if new and [axes[n] for n in new] == list(range(rank - len(new), rank)):
            comma = "," * (len(new) == 1)
            names = ", ".join(words[n] for n in new)
            yield f"{names}{comma} = {argument.name}.shape[{-len(new)}:]"
        else:
            yield from (f"{words[n]} = {argument.name}.shape[{axes[n]}]" for n in new)
        amounts = []
        named = {axis: words[n] for n, axis in axes.items()}
        for axis in range(rank - 1, min(named, default=rank) - 1, -1):
            amounts.append(f"0, {_amount(named[axis], padding)}" if axis in named else "0, 0")
        if amounts:
            pad = "torch.nn.functional.pad"
            yield f"{argument.name} = {pad}({argument.name}, ({', '.join(amounts)}))"
    call = call_text(arguments)
    cut = ""
    if crop.axes:
        slices = []
        for axis in range(min(crop.axes), 0):
            factor, name = crop.axes.get(axis, (0, ""))
            times = f"{factor} * " if factor > 1 else ""
            slices.append(f":{times}{words[name]}" if name else ":")
        cut = f"[..., {', '.join(slices)}]"
    if not cut or crop.kind == "tensor":
        yield f"return {call}{cut}"
        return
    yield f"out = {call}"
    if crop.kind == "dict":
        yield f"return {{key: part{cut} for key, part in out.items()}}"
    else:
        yield f"return type(out)(part{cut} for part in out)"


def _amount(word: str, padding: _Padding) -> str:
    need = f"-{word} % {padding.multiple}" if padding.multiple > 1 else "0"
    if padding.least > padding.multiple:
        return f"max({need}, {padding.least} - {word})"
    return need
