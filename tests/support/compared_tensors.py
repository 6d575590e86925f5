"""What a symbolic tensor answers, beside what a real one does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from archlint.contracts.contract import TensorInput
from archlint.symbolic import Expr, symbol
from archlint.symbolic.formula import holds
from archlint.symbolic.intervals import Box
from archlint.symbolic.quantify_unknowns import unknowns_in
from archlint.tracing.path import TracedPath
from archlint.tracing.run import current_run
from archlint.tracing.signals import UnknownOutcome
from archlint.tracing.symint.node import size_of
from archlint.tracing.symint.numbers import value_at
from archlint.tracing.tensors.specs import spec_of
from archlint.tracing.tracer import trace

N, H, W = map(symbol, "NHW")
BOX = Box(dict.fromkeys("NHW", (0, None)))
Ask = Callable[[str, torch.Tensor], Any]
Sizes = tuple[int, int, int]


def comparable(value: Any, env: Mapping[str, int]) -> Any:
    """A value that a real tensor's may be compared with, or what kind of object it is."""
    if isinstance(value, torch.Tensor):
        spec = spec_of(value)
        return ["tensor", spec.dtype, *(comparable(d, env) for d in spec.dims)]
    if isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
        inside = size_of(value)
        return comparable(inside, env) if isinstance(inside, Expr) else value_at(inside, env)
    if isinstance(value, Expr):
        return "values" if unknowns_in(value) else value.evaluate(env)
    if isinstance(value, (tuple, list)):
        return [comparable(v, env) for v in value]
    if value is None or isinstance(value, (int, float, bool, str)):
        return value
    if isinstance(value, (torch.dtype, torch.device, torch.layout)):
        return str(value)
    return type(value).__name__


def agree(answer: Any, real: Any) -> bool:
    """Whether a symbolic tensor's answer, as :func:`comparable` has it, is that of a real one."""
    if isinstance(answer, list) and isinstance(real, list):
        return len(answer) == len(real) and all(map(agree, answer, real))
    return answer == "values" or (answer == real and type(answer) is type(real))


@dataclass
class Answer:
    """``value``: an answer at some sizes, the reason why it is unknown, or an error.

    ``branches``: the comparisons of sizes that it took. ``elsewhere``: the answer at other sizes
    of the same path, if these are on it (``holds_there``).
    """

    value: Any
    branches: int = 0
    elsewhere: Any = None
    holds_there: bool = False


class Asking(nn.Module):
    """Asks all questions on one path, each as if it were the first."""

    def __init__(
        self, ask: Ask, names: Iterable[str], path: TracedPath, other: Mapping[str, int]
    ) -> None:
        super().__init__()
        self.ask, self.names, self.path, self.other = ask, names, path, other
        self.answers: dict[str, Answer] = {}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for name in self.names:
            mark = self.path.mark()
            before = len(self.path.events)
            with torch.enable_grad():
                try:
                    value = self.ask(name, x)
                    events = self.path.events
                    branches = sum(e.kind == "branch" for e in events[before:])
                    answer = Answer(comparable(value, self.path.env), branches)
                    if all(holds(e.formula, self.other) is e.held for e in events):
                        answer.elsewhere, answer.holds_there = comparable(value, self.other), True
                    self.answers[name] = answer
                except (UnknownOutcome, Exception) as error:
                    self.answers[name] = Answer(error)
            self.path.rewind(mark)
            current_run().stops.clear()
        return x


def answers(ask: Ask, names: Iterable[str], sizes: Sizes, other: Sizes) -> dict[str, Answer]:
    """What a symbolic tensor ``N 3 H W`` answers at some sizes, and at others on the same path."""
    path = TracedPath(dict(zip("NHW", sizes, strict=True)), BOX, value_choices=())
    model = Asking(ask, names, path, dict(zip("NHW", other, strict=True)))
    trace(model, TensorInput((N, 3, H, W)), path.env, BOX, path=path)
    return model.answers


def real_answer(ask: Ask, name: str, sizes: Sizes) -> Any:
    """What a real tensor answers: a value, or an error."""
    with torch.enable_grad():
        try:
            return comparable(ask(name, torch.rand(sizes[0], 3, *sizes[1:])), {})
        except Exception as error:
            return error


def differs(answer: Any, real: Any) -> bool:
    """Whether a symbolic tensor says otherwise than a real one; not if it says nothing."""
    if isinstance(answer, UnknownOutcome):
        return False
    failed = isinstance(answer, Exception), isinstance(real, Exception)
    return failed != (True, True) and (any(failed) or not agree(answer, real))


def differences(ask: Ask, names: Iterable[str], sizes: Sizes) -> dict[str, Any]:
    """What a symbolic tensor answers otherwise than a real one."""
    found = {}
    for name, answer in answers(ask, names, sizes, sizes).items():
        real = real_answer(ask, name, sizes)
        if differs(answer.value, real):
            found[name] = answer.value, real
    return found
