"""Padding or resizing in front of the model, as a module around it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from math import lcm
from typing import Any

import torch
from torch import nn

from archlint.contracts.contract import ANY_SIZE, Contract, TensorInput
from archlint.contracts.region import bounds_of
from archlint.engine.explore import Exploration
from archlint.engine.question import Question
from archlint.engine.sampling.sizes import moduli
from archlint.explanation.fixes.proposal import Proposal, patched, spatial
from archlint.models.targets import ModelSource
from archlint.symbolic import Expr, Symbol, atoms, ceildiv, maximum, symbol
from archlint.symbolic.formula import conj, eq, negate, substitute_formula
from archlint.symbolic.solver.solver import Solver, Unsolved
from archlint.tracing.trace import dims_of

_LARGEST = 512  # a multiple to pad to

_WRAPPER = '''\
class {name}(torch.nn.Module):
    """{doc}"""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
{body}
'''


def padding(contract: Contract, source: ModelSource, found: Exploration) -> Iterator[Proposal]:
    """Zeros at the ends, up to the smallest multiple at which all promised sizes are accepted."""
    names = _spatial_symbols(contract)
    if not names:
        return
    choice = _multiple(contract, found, names)
    if choice is None:
        return
    multiple, least = choice
    deadline = time.monotonic() + contract.budget.seconds / 4
    crop = _same_sizes_out(found, names, deadline)
    words = f"to a multiple of {multiple}" if multiple > 1 else ""
    if least > multiple:
        words = f"{words}, at least {least}".removeprefix(", ") if words else f"to at least {least}"
    doc = f"Pads with zeros at the end of each size {words}{'; crops what comes out' * crop}."
    code = _padding_code(names, multiple, least, crop, doc)
    note = "zeros at the borders are seen by the model" + ("; the output is cropped" * crop)
    yield Proposal(
        f"pad the input {words}", contract, _wrapped(source, code, "Padded"), None, code, note
    )


def resizing(
    contract: Contract, source: ModelSource, found: Exploration, known: Mapping[str, int] | None
) -> Iterator[Proposal]:
    """Every input resized to the sizes of ``known``, where the output does not grow with it."""
    names = _spatial_symbols(contract)
    if not names or known is None or _output_symbols(found) & set(names):
        return
    sizes = tuple(known[n] for n in names)
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(names)]
    target = ", ".join(map(str, sizes)) + ("," if len(sizes) == 1 else "")
    body = (
        "        x = torch.nn.functional.interpolate(\n"
        f'            x, size=({target}), mode="{mode}", align_corners=False\n'
        "        )\n"
        "        return self.model(x)"
    )
    by = " x ".join(map(str, sizes))
    code = _WRAPPER.format(name="Resized", doc=f"Resizes every input to {by}.", body=body)
    note = "what is small or long is distorted before the model sees it"
    yield Proposal(
        f"resize the input to {by}", contract, _wrapped(source, code, "Resized"), None, code, note
    )


def build(code: str, name: str) -> Any:
    """The class that a piece of shown code defines."""
    room: dict[str, Any] = {"torch": torch, "__name__": "archlint_fix"}
    exec(compile(code, "<fix>", "exec"), room)
    return room[name]


def _wrapped(source: ModelSource, code: str, name: str) -> ModelSource:
    kind = build(code, name)

    def change(model: nn.Module) -> Any:
        return kind(model)

    return patched(source, source.name, change)


def _spatial_symbols(contract: Contract) -> tuple[str, ...]:
    """The names of the input's last sizes, each a name by itself; empty for other inputs."""
    count = spatial(contract)
    if not 1 <= count <= 3 or not isinstance(contract.input, TensorInput):
        return ()
    names = []
    for dim in contract.input.dims[2:]:
        found = [a.name for a in atoms(dim) if isinstance(a, Symbol)]
        if len(found) != 1 or dim is not symbol(found[0]):
            return ()
        names.append(found[0])
    return tuple(names) if len(set(names)) == len(names) else ()


def _multiple(
    contract: Contract, found: Exploration, names: tuple[str, ...]
) -> tuple[int, int] | None:
    """The smallest multiple, and the least size, to which padding makes the promise hold."""
    divisors = {1}
    least = {1}
    for path in found.paths:
        for name, values in moduli(path.trace).items():
            if name in names:
                divisors |= values
        for event in path.trace.path.events:
            lows = bounds_of(event.formula)
            least |= {low for n, (low, _) in lows.items() if n in names and low is not None}
    divisors |= {lcm(a, b) for a in divisors for b in divisors}
    question = Question.of(contract)
    deadline = time.monotonic() + contract.budget.seconds / 4
    solver = Solver(found.names, question.box, deadline)
    solver.add(question.premise)
    for multiple in sorted(d for d in divisors if d <= _LARGEST):
        for low in sorted({-(-v // multiple) * multiple for v in least}):
            sizes = {n: maximum(multiple * ceildiv(symbol(n), multiple), low) for n in names}
            try:
                if solver.find(negate(substitute_formula(found.accepted, sizes))) is None:
                    return multiple, low
            except Unsolved:
                return None
    return None


def _padding_code(names: tuple[str, ...], multiple: int, least: int, crop: bool, doc: str) -> str:
    words = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}[len(names)]
    amounts = []
    for word in reversed(words):
        need = f"-{word} % {multiple}" if multiple > 1 else "0"
        if least > multiple:
            need = f"max({need}, {least} - {word})"
        amounts.append(f"0, {need}")
    given = f"{', '.join(words)}{',' * (len(words) == 1)} = x.shape[{-len(words)}:]"
    cut = f"[..., {', '.join(f':{w}' for w in words)}]" if crop else ""
    body = (
        f"        {given}\n"
        f"        x = torch.nn.functional.pad(x, ({', '.join(amounts)}))\n"
        f"        return self.model(x){cut}"
    )
    return _WRAPPER.format(name="Padded", doc=doc, body=body)


def _same_sizes_out(found: Exploration, names: tuple[str, ...], deadline: float) -> bool:
    """Whether one tensor comes out, always as large as the input: a dense prediction."""
    paths = [w for w in found.paths if w.trace.outcome == "accepted"]
    for path in paths:
        out = dims_of(path.trace.output)
        if not isinstance(out, tuple) or len(out) < len(names) or ANY_SIZE in out:
            return False
        same = conj(*(eq(d, symbol(n)) for d, n in zip(out[-len(names) :], names, strict=True)))
        solver = Solver(found.names, found.box, deadline)
        solver.add(conj(found.region, path.accepted))
        try:
            if solver.find(negate(same)) is not None:
                return False
        except Unsolved:
            return False
    return bool(paths)


def _output_symbols(found: Exploration) -> set[str]:
    names: set[str] = set()

    def walk(shape: Any) -> None:
        if isinstance(shape, Expr):
            names.update(shape.symbols())
        elif isinstance(shape, (list, tuple)):
            for part in shape:
                walk(part)
        elif isinstance(shape, dict):
            walk(list(shape.values()))

    for path in found.paths:
        if path.trace.outcome == "accepted":
            walk(dims_of(path.trace.output))
    return names


__all__ = ["build", "padding", "resizing"]
