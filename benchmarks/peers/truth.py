"""What the real model does, at sizes where it runs."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import nn

from .case import Case, Point, at, parse

RUNS = 40  # sizes at which a true contract is run


class Untrue(Exception):
    """A case whose ``true`` is not what running says."""


def establish(case: Case, model: nn.Module) -> int:
    """Run the model; return how many sizes agree with ``case.true``. Raises ``Untrue``."""
    if not case.true:
        if (
            case.witness is None
            or not within(case, case.witness)
            or keeps(case, model, case.witness)
        ):
            raise Untrue(f"{case.id}: is not broken at {case.witness}")
        return 1
    points = [*case.points(RUNS), *case.outside]
    for point in points:
        if not keeps(case, model, point):
            raise Untrue(f"{case.id}: is broken at {point}")
    return len(points)


def within(case: Case, point: Point) -> bool:
    """Whether the contract says anything about these sizes."""
    return case.kind == "only" or case.has(point)


def keeps(case: Case, model: nn.Module, point: Point) -> bool:
    """Whether the real model keeps the promise at these sizes."""
    shape = run(case, model, point)
    if case.kind == "rejects" or not case.has(point):
        return shape is None
    return shape is not None and (case.output is None or matches(case.output, shape, point))


def run(case: Case, model: nn.Module, point: Point) -> object:
    """The shapes that come out, or None where the model refuses."""
    with torch.no_grad():
        try:
            return shapes(copy.deepcopy(model)(*tensors(case, point)))
        except Exception:
            return None


def tensors(case: Case, point: Point) -> list[torch.Tensor]:
    """Random inputs in the order of ``forward``."""
    return [
        torch.randint(case.below[name], shape) if name in case.below else torch.randn(shape)
        for name, shape in case.shapes(point).items()
    ]


def shapes(output: object) -> object:
    """The output with every tensor replaced by its shape."""
    if isinstance(output, torch.Tensor):
        return tuple(output.shape)
    if isinstance(output, Mapping):
        return {key: shapes(value) for key, value in output.items()}
    return [shapes(part) for part in output]  # type: ignore[attr-defined]


def matches(promised: str | Mapping[str, str], found: object, point: Point) -> bool:
    """Whether the shapes are those promised."""
    if isinstance(promised, str):
        return found == at(parse(promised), point)
    return isinstance(found, dict) and all(
        key in found and matches(text, found[key], point) for key, text in promised.items()
    )
