"""A module around a model, which changes its input: the code of a class that is to be added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from archlint.contracts.contract import Contract, TensorInput
from archlint.explanation.fixes.proposal import patched
from archlint.models.targets import ModelSource
from archlint.symbolic import Expr, Size, Symbol, atoms, symbol

_WRAPPER = '''\
class {name}(torch.nn.Module):
    """{doc}"""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, {parameters}):
{body}
'''


@dataclass(frozen=True)
class Argument:
    """One tensor argument of a model: its name in the code of a wrapper, and its sizes."""

    name: str
    dims: tuple[Size, ...]
    dtype: str

    def axes(self, names: Sequence[str]) -> dict[str, int]:
        """The axes that have one of these sizes, by the names of the sizes."""
        plain = ((_PlainSize(size).text, axis) for axis, size in enumerate(self.dims))
        return {name: axis for name, axis in plain if name in names}


class _PlainSize:
    """A size that is a name by itself; ``text`` is empty for any other."""

    def __init__(self, size: Size) -> None:
        found = [a.name for a in atoms(size) if isinstance(a, Symbol)]
        plain = isinstance(size, Expr) and len(found) == 1 and size is symbol(found[0])
        self.text = found[0] if plain else ""


def arguments_of(contract: Contract) -> list[Argument]:
    """The arguments of the contract's model; empty where some are not single tensors."""
    parts = contract.input if isinstance(contract.input, dict) else {"x": contract.input}
    found = []
    for name, part in parts.items():
        if not isinstance(part, TensorInput) or not name.isidentifier():
            return []
        found.append(Argument(name, part.dims, part.dtype))
    return found


def free_sizes(arguments: Sequence[Argument]) -> tuple[str, ...]:
    """The sizes that a wrapper may change: not the batch, and each a name by itself wherever it is.

    A size of an argument that is not of floats stays as it is.
    """
    names = {p.text: None for a in arguments for p in map(_PlainSize, a.dims[1:]) if p.text}
    for argument in arguments:
        for axis, size in enumerate(argument.dims):
            for name in [a.name for a in atoms(size) if isinstance(a, Symbol)]:
                fixed = axis == 0 or argument.dtype != "float32" or not _PlainSize(size).text
                if fixed or list(map(str, argument.dims)).count(name) > 1:
                    names.pop(name, None)
    return tuple(names)


def call_text(arguments: Sequence[Argument]) -> str:
    """The call of the wrapped model."""
    if [a.name for a in arguments] == ["x"]:
        return "self.model(x)"
    return f"self.model({', '.join(f'{a.name}={a.name}' for a in arguments)})"


def wrapper(name: str, doc: str, arguments: Sequence[Argument], lines: Iterator[str]) -> str:
    """The code of a class ``name`` whose ``forward`` has these lines."""
    parameters = ", ".join(a.name for a in arguments)
    body = "\n".join(f"        {line}" for line in lines)
    return _WRAPPER.format(name=name, doc=doc, parameters=parameters, body=body)


def build(code: str, name: str) -> Any:
    """The class that the code of a fix defines."""
    namespace: dict[str, Any] = {"torch": torch, "__name__": "archlint_fix"}
    exec(compile(code, "<fix>", "exec"), namespace)
    return namespace[name]


def wrapped(source: ModelSource, code: str, name: str) -> ModelSource:
    """The models of ``source``, each in the class that the code defines."""
    kind = build(code, name)

    def change(model: nn.Module) -> Any:
        return kind(model)

    return patched(source, change)
