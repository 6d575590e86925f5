"""Padding or resizing in front of the model, as a module around it."""

from __future__ import annotations

from collections.abc import Iterator
from math import lcm
from typing import Any

import torch
from torch import nn

from archlint.contracts.contract import ANY_SIZE, Contract, TensorInput
from archlint.contracts.region import bounds_of
from archlint.engine.exploration import Exploration
from archlint.engine.sampling.sizes import moduli
from archlint.explanation.fixes.broken_contract import BrokenContract
from archlint.explanation.fixes.proposal import Proposal, patched, spatial
from archlint.models.targets import ModelSource
from archlint.runtime.effort_clock import now
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


def padding(broken: BrokenContract) -> Iterator[Proposal]:
    """Zeros at the ends, up to the smallest multiple at which every size is accepted."""
    contract, exploration = broken.contract, broken.exploration
    names = _spatial_symbols(contract)
    if not names:
        return
    choice = _multiple(broken, names)
    if choice is None:
        return
    multiple, least = choice
    deadline = now() + contract.budget.seconds / 4
    crop = _same_sizes_out(exploration, names, deadline)
    words = f"to a multiple of {multiple}" if multiple > 1 else ""
    if least > multiple:
        words = f"{words}, at least {least}".removeprefix(", ") if words else f"to at least {least}"
    doc = f"Pads with zeros at the end of each size {words}{'; crops the output' * crop}."
    code = _padding_code(names, multiple, least, crop, doc)
    note = "the model sees zeros at the borders" + ("; the output is cropped" * crop)
    yield Proposal(
        f"pad the input {words}",
        contract,
        _wrapped(broken.source, code, "Padded"),
        (),
        code,
        note,
    )


def resizing(broken: BrokenContract) -> Iterator[Proposal]:
    """Every input resized to accepted sizes, if the output does not depend on its size."""
    contract, accepted = broken.contract, broken.accepted_point
    names = _spatial_symbols(contract)
    if not names or accepted is None or _output_symbols(broken.exploration) & set(names):
        return
    sizes = tuple(accepted[n] for n in names)
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
    note = "small inputs and inputs of another aspect ratio are distorted"
    yield Proposal(
        f"resize the input to {by}",
        contract,
        _wrapped(broken.source, code, "Resized"),
        (),
        code,
        note,
    )


def build(code: str, name: str) -> Any:
    """The class that the code of a fix defines."""
    namespace: dict[str, Any] = {"torch": torch, "__name__": "archlint_fix"}
    exec(compile(code, "<fix>", "exec"), namespace)
    return namespace[name]


def _wrapped(source: ModelSource, code: str, name: str) -> ModelSource:
    kind = build(code, name)

    def change(model: nn.Module) -> Any:
        return kind(model)

    return patched(source, change)


def _spatial_symbols(contract: Contract) -> tuple[str, ...]:
    """The names of the spatial sizes, if each is a name by itself; empty for other inputs."""
    count = spatial(contract)
    if not 1 <= count <= 3 or not isinstance(contract.input, TensorInput):
        return ()
    names = []
    for dim in contract.input.dims[2:]:
        symbols = [a.name for a in atoms(dim) if isinstance(a, Symbol)]
        if len(symbols) != 1 or dim is not symbol(symbols[0]):
            return ()
        names.append(symbols[0])
    return tuple(names) if len(set(names)) == len(names) else ()


def _multiple(broken: BrokenContract, names: tuple[str, ...]) -> tuple[int, int] | None:
    """The smallest multiple, and the least size, to which padding makes the contract hold."""
    exploration, question = broken.exploration, broken.run.question
    divisors = {1}
    least = {1}
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
    for multiple in sorted(d for d in divisors if d <= _LARGEST):
        for low in sorted({-(-v // multiple) * multiple for v in least}):
            sizes = {n: maximum(multiple * ceildiv(symbol(n), multiple), low) for n in names}
            try:
                if solver.find(negate(substitute_formula(exploration.accepted, sizes))) is None:
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
    sizes = f"{', '.join(words)}{',' * (len(words) == 1)} = x.shape[{-len(words)}:]"
    cut = f"[..., {', '.join(f':{w}' for w in words)}]" if crop else ""
    body = (
        f"        {sizes}\n"
        f"        x = torch.nn.functional.pad(x, ({', '.join(amounts)}))\n"
        f"        return self.model(x){cut}"
    )
    return _WRAPPER.format(name="Padded", doc=doc, body=body)


def _same_sizes_out(exploration: Exploration, names: tuple[str, ...], deadline: float) -> bool:
    """Whether the output is one tensor, always as large as the input: a dense prediction."""
    paths = exploration.accepting
    for path in paths:
        out = dims_of(path.trace.output)
        if not isinstance(out, tuple) or len(out) < len(names) or ANY_SIZE in out:
            return False
        same = conj(*(eq(d, symbol(n)) for d, n in zip(out[-len(names) :], names, strict=True)))
        solver = Solver(exploration.names, exploration.box, deadline)
        solver.add(conj(exploration.region, path.accepted))
        try:
            if solver.find(negate(same)) is not None:
                return False
        except Unsolved:
            return False
    return bool(paths)


def _output_symbols(exploration: Exploration) -> set[str]:
    names: set[str] = set()

    def walk(shape: Any) -> None:
        if isinstance(shape, Expr):
            names.update(shape.symbols())
        elif isinstance(shape, (list, tuple)):
            for part in shape:
                walk(part)
        elif isinstance(shape, dict):
            walk(list(shape.values()))

    for path in exploration.accepting:
        walk(dims_of(path.trace.output))
    return names


__all__ = ["build", "padding", "resizing"]
