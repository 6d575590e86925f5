"""Which sizes of an input are its batch, and which are spatial."""

from __future__ import annotations

from archlint.contracts.contract import Input
from archlint.contracts.nested import input_tensors
from archlint.engine.structure.violation import Vacuous
from archlint.symbolic import Expr, Size, Symbol, atoms

_WITH_CHANNELS = 4  # from so many sizes on, the second is the number of channels


def batch(input: Input) -> str:
    """The name of the first size of every input. ``Vacuous`` if they have no common name."""
    firsts = list(dict.fromkeys(t.dims[0] for t in input_tensors(input) if t.dims))
    name = str(firsts[0]) if len(firsts) == 1 else ""
    if not firsts or not isinstance(firsts[0], Expr) or firsts[0].symbols() != {name}:
        sizes = " and ".join(map(str, firsts)) or "none"
        raise Vacuous(f"the input has no named batch: its first size is {sizes}")
    return name


def spatial(input: Input) -> tuple[str, ...]:
    """The names of all sizes but batch and channels. ``Vacuous`` if there are none.

    The first size is the batch; of four or more sizes the second is the number of channels.
    """
    names: dict[str, None] = {}
    others: set[str] = set()
    for tensor in input_tensors(input):
        start = 2 if len(tensor.dims) >= _WITH_CHANNELS else 1
        others |= {n for d in tensor.dims[:start] for n in _names(d)}
        names.update(dict.fromkeys(n for d in tensor.dims[start:] for n in _names(d)))
    result = tuple(n for n in names if n not in others)
    if not result:
        raise Vacuous("the input names no spatial size, so nothing can depend on one")
    return result


def extent(input: Input) -> tuple[Size, ...]:
    """The spatial sizes of the first tensor that has any: those after batch and channels."""
    for tensor in input_tensors(input):
        if len(tensor.dims) >= 2:
            return tensor.dims[2:] or tensor.dims[1:]
    raise Vacuous("the input has no spatial size")


def _names(size: Size) -> list[str]:
    inner = atoms(size) if isinstance(size, Expr) else ()
    return sorted({a.name for a in inner if isinstance(a, Symbol)})
