"""Sizes of weights that one argument of a layer's constructor sets together.

No operator requires the output of ``nn.MultiheadAttention`` to be as wide as its input. But both
are ``embed_dim``: a layer for another input has other sizes of all its weights.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import replace

from torch import nn

from archlint.engine.weights.ties import Tie
from archlint.symbolic import Expr, exact_quotient

Shapes = dict[str, tuple[int, ...]]


def with_shared_arguments(model: nn.Module, found: Sequence[Tie]) -> list[Tie]:
    """The ties, and those of all sizes that the same argument of a layer of PyTorch sets."""
    result = list(found)
    known = {(tie.name, tie.dim) for tie in found}
    for tie in found:
        if tie.at_least:
            continue
        for name, shape, dim in _set_together(model, tie):
            needed = exact_quotient(tie.needed * shape[dim], tie.number)
            if (name, dim) not in known and isinstance(needed, Expr):
                known.add((name, dim))
                result.append(replace(tie, name=name, shape=shape, dim=dim, needed=needed))
    return result


def _set_together(model: nn.Module, tie: Tie) -> Iterator[tuple[str, tuple[int, ...], int]]:
    """The sizes, as name, shape and dimension, that double with the size of the tie."""
    path = tie.name
    while path:
        path = path.rpartition(".")[0]
        layer = model.get_submodule(path)
        if not type(layer).__module__.startswith("torch.nn."):
            return
        prefix = f"{path}." if path else ""
        for before, after in _doubled(layer):
            changed = [
                (prefix + name, before[name], dim)
                for name in before.keys() & after.keys()
                for dim, size in enumerate(before[name])
                if after[name][dim] == 2 * size
            ]
            if (tie.name, tie.shape, tie.dim) in changed:
                yield from sorted(changed)
                return


def _doubled(layer: nn.Module) -> Iterator[tuple[Shapes, Shapes]]:
    """The shapes of a layer's parameters, now and with one argument doubled."""
    own = _shapes(layer)
    required = [
        p.name
        for p in inspect.signature(type(layer)).parameters.values()
        if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    values = {name: v for name in required if isinstance(v := getattr(layer, name, None), int)}
    if len(values) < len(required):
        return
    for name, value in values.items():
        try:
            made = [type(layer)(**{**values, name: v}, device="meta") for v in (value, 2 * value)]
        except (TypeError, ValueError, AssertionError, RuntimeError):
            continue
        before, after = map(_shapes, made)
        if own.items() <= before.items():
            yield own, after


def _shapes(layer: nn.Module) -> Shapes:
    return {name: tuple(p.shape) for name, p in layer.named_parameters()}
