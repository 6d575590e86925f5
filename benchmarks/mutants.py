"""Faults put into shape rules on purpose: does running the real model at chosen sizes find them?

    python benchmarks/mutants.py

Each mutant changes one rule as a mistake in it would: a setting that is ignored, a division that
rounds the other way, a requirement that is missing or too strict, dimensions in the wrong order.
A small model that needs the rule is then checked with the default samples. The mutant is found if
the proof and the real model are said to disagree.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from table import write
from torch import nn

import archlint
from archlint.ops.registry import RULES, TensorSpec
from archlint.symbolic.formula import lt

Rule = Callable[..., Any]
Mutation = Callable[[Rule], Rule]


def ignoring(**settings: Any) -> Mutation:
    """The rule computes with these settings, whatever the call says."""

    def mutation(rule: Rule) -> Rule:
        signature = inspect.signature(rule)

        def mutant(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.arguments.update(settings)
            return rule(*bound.args, **bound.kwargs)

        return mutant

    return mutation


def result(change: Callable[[list[Any]], list[Any]]) -> Mutation:
    """The rule's first result has other sizes."""

    def mutation(rule: Rule) -> Rule:
        def mutant(*args: Any, **kwargs: Any) -> Any:
            whole = rule(*args, **kwargs)
            first = whole if isinstance(whole, TensorSpec) else whole[0]
            changed = first.like(tuple(change(list(first.dims))))
            if isinstance(whole, TensorSpec):
                return changed
            return type(whole)((changed, *whole[1:]))

        return mutant

    return mutation


class _Lenient:
    """A path that lets pass what a rule requires."""

    def __init__(self, path: Any) -> None:
        self._path = path

    def __getattr__(self, name: str) -> Any:
        return getattr(self._path, name)

    def claim(self, *args: Any, **kwargs: Any) -> None:
        pass


def lenient(rule: Rule) -> Rule:
    """The rule requires nothing."""
    return lambda path, *args, **kwargs: rule(_Lenient(path), *args, **kwargs)


def requiring(formula: Callable[[Any], Any]) -> Mutation:
    """The rule requires more than the operator does."""

    def mutation(rule: Rule) -> Rule:
        def mutant(path: Any, first: Any, *args: Any, **kwargs: Any) -> Any:
            path.claim(formula(first.dims), "a requirement that the operator does not have")
            return rule(path, first, *args, **kwargs)

        return mutant

    return mutation


class Calls(nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> Any:
        return self.function(x)


@dataclass(frozen=True)
class Mutant:
    """A change of the rule of ``operator``, and a contract that is proved with and without it."""

    what: str
    operator: Callable[..., Any]
    mutation: Mutation
    model: nn.Module
    accepts: str = "any N >= 1 and H, W >= 32"
    input: str = "N 3 H W"


def _wider(dims: list[Any]) -> list[Any]:
    return [*dims[:-1], dims[-1] + 1]


def _narrower(dims: list[Any]) -> list[Any]:
    return [*dims[:-1], dims[-1] - 1]


def _swapped(dims: list[Any]) -> list[Any]:
    return [*dims[:-2], dims[-1], dims[-2]]


def _even_up(dims: list[Any]) -> list[Any]:
    return [*dims[:-1], (dims[-1] + 1) // 2 * 2]


def _to_eighths(dims: list[Any]) -> list[Any]:
    return [*dims[:-1], dims[-1] // 8 * 8]


def mutants() -> list[Mutant]:
    """The mutants, by operator."""
    conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
    wide = nn.Conv2d(3, 4, 3, dilation=2)
    pool, ceil = nn.MaxPool2d(3, 2), nn.MaxPool2d(3, 2, ceil_mode=True)
    average = nn.AvgPool2d(2)
    up = nn.ConvTranspose2d(3, 4, 3, stride=2, output_padding=1)
    half = Calls(lambda x: F.interpolate(x, scale_factor=0.5))
    skip = Calls(lambda x: torch.cat([x, x[..., : x.shape[-1]]], 1))
    windows = Calls(lambda x: x.unfold(3, 4, 2))
    padded = Calls(lambda x: F.pad(x, (1, 2)))
    shuffle = Calls(lambda x: F.pixel_shuffle(F.pad(x, (0, 0, 0, 0, 0, 1)), 2))
    chunks = Calls(lambda x: x.chunk(3, dim=3)[0])
    return [
        Mutant("conv2d ignores padding", torch.conv2d, ignoring(padding=0), conv),
        Mutant("conv2d ignores stride", torch.conv2d, ignoring(stride=1), conv),
        Mutant("conv2d ignores dilation", torch.conv2d, ignoring(dilation=1), wide),
        Mutant("conv2d is a column wider", torch.conv2d, result(_wider), conv),
        Mutant("conv2d swaps H and W", torch.conv2d, result(_swapped), conv),
        Mutant("conv2d rounds up to even", torch.conv2d, result(_even_up), wide),
        Mutant("conv2d rounds down to 8", torch.conv2d, result(_to_eighths), wide),
        Mutant("conv2d requires less than 47", torch.conv2d,
               requiring(lambda d: lt(d[3], 47)), conv),
        Mutant("max_pool2d rounds up", F.max_pool2d, ignoring(ceil_mode=True), pool),
        Mutant("max_pool2d rounds down", F.max_pool2d, ignoring(ceil_mode=False), ceil),
        Mutant("max_pool2d is narrower", F.max_pool2d, result(_narrower), pool),
        Mutant("max_pool2d ignores stride", F.max_pool2d, ignoring(stride=3), pool),
        Mutant("avg_pool2d rounds up", F.avg_pool2d, ignoring(ceil_mode=True), average),
        Mutant("avg_pool2d swaps H and W", F.avg_pool2d, result(_swapped), average),
        Mutant("conv_transpose2d ignores output_padding", torch.conv_transpose2d,
               ignoring(output_padding=0), up),
        Mutant("conv_transpose2d ignores stride", torch.conv_transpose2d,
               ignoring(stride=1, output_padding=0), up),
        Mutant("interpolate keeps the sizes", F.interpolate, ignoring(scale_factor=1.0), half),
        Mutant("interpolate rounds up", F.interpolate, result(_wider), half),
        Mutant("interpolate rounds to even", F.interpolate, result(_even_up), half),
        Mutant("cat is wider", torch.cat, result(_wider), skip),
        Mutant("pad ignores its amounts", F.pad, ignoring(pad=(0, 0)), padded),
        Mutant("pad is on the other dimension", F.pad, ignoring(pad=(0, 0, 1, 2)), padded),
        Mutant("unfold has a window more", torch.Tensor.unfold,
               result(lambda d: [*d[:-2], d[-2] + 1, d[-1]]), windows),
        Mutant("unfold ignores step", torch.Tensor.unfold, ignoring(step=4), windows),
        Mutant("pixel_shuffle swaps H and W", F.pixel_shuffle, result(_swapped), shuffle),
        Mutant("chunk rounds down", torch.Tensor.chunk, result(_narrower), chunks),
        Mutant("transpose does nothing", torch.Tensor.transpose, result(_swapped),
               Calls(lambda x: x.transpose(2, 3))),
        Mutant("permute has another order", torch.Tensor.permute, result(_swapped),
               Calls(lambda x: x.permute(0, 2, 3, 1))),
        Mutant("mean keeps the dimension", torch.Tensor.mean, result(lambda d: [*d, 1]),
               Calls(lambda x: x.mean(-1))),
        Mutant("sum drops another dimension", torch.Tensor.sum, ignoring(dim=2),
               Calls(lambda x: x.sum(3))),
        Mutant("flatten leaves a dimension", torch.flatten, ignoring(end_dim=-2),
               Calls(lambda x: torch.flatten(x, 2))),
        Mutant("reshape requires nothing", torch.Tensor.reshape, lenient,
               Calls(lambda x: x.reshape(len(x), -1, 5))),
        Mutant("view requires nothing", torch.Tensor.view, lenient,
               Calls(lambda x: x.view(len(x), -1, 7))),
        Mutant("add requires nothing", torch.Tensor.add, lenient,
               Calls(lambda x: x[..., ::2].add(x[..., 1::2]))),
        Mutant("matmul requires nothing", torch.matmul, lenient,
               Calls(lambda x: torch.matmul(x, x))),
        Mutant("linear requires nothing", F.linear, lenient, nn.Linear(40, 2)),
        Mutant("stack requires nothing", torch.stack, lenient,
               Calls(lambda x: torch.stack([x[..., ::3], x[..., 1::3]]))),
        Mutant("expand requires nothing", torch.Tensor.expand, lenient,
               Calls(lambda x: x[..., :1].expand(-1, -1, 33, -1))),
        Mutant("layer_norm requires nothing", F.layer_norm, lenient, nn.LayerNorm(36)),
        Mutant("reflection requires nothing", F.pad, lenient,
               Calls(lambda x: F.pad(x, (5, 5), mode="reflect")), "any N >= 1 and H, W >= 3"),
    ]  # fmt: skip


@contextmanager
def changed(mutant: Mutant) -> Iterator[None]:
    """The rule is the mutant's inside the block."""
    rule = RULES[mutant.operator]
    RULES[mutant.operator] = mutant.mutation(rule)
    try:
        yield
    finally:
        RULES[mutant.operator] = rule


def main() -> int:
    warnings.simplefilter("ignore")
    rows = []
    for mutant in mutants():
        with changed(mutant):
            alone, sampled = (
                archlint.check(mutant.model, mutant.input, accepts=mutant.accepts, samples=samples)
                for samples in (0, None)
            )
        rows.append(
            (mutant.what, alone.word, sampled.word, sampled.message.partition("\n")[0][:90])
        )
        print(*rows[-1], sep="  ", flush=True)
    wrong = [r for r in rows if r[1] == "proved"]
    found = [r for r in rows if r[2] == "error"]
    summary = [
        f"{len(rows)} mutants of {len({m.operator for m in mutants()})} rules: {len(wrong)} change "
        f"no verdict without samples; with the default samples {len(found)} are found"
    ]
    print(*summary)
    head = ("mutant", "without samples", "with samples", "message")
    write("mutants", "python benchmarks/mutants.py", summary, head, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
