"""Functions that return their argument itself: all of PyTorch's are called on drawn tensors."""

from __future__ import annotations

import itertools
import random
import warnings

import pytest
import torch
from torch.overrides import get_overridable_functions

from archlint.contracts.contract import TensorInput
from archlint.ops.registry import RULES
from archlint.ops.traits import traits_of
from archlint.symbolic import symbol
from archlint.symbolic.intervals import Box
from archlint.tracing.identity.same_tensors import same_tensor
from archlint.tracing.path import TracedPath
from archlint.tracing.tracer import trace
from tests.support.traced_models import Model

AXES = "NCHW"
IMAGE = TensorInput(tuple(map(symbol, AXES)))
LAYOUTS = {
    "as it is": lambda x: x,
    "transposed": lambda x: x.transpose(1, 2),
    "moved": lambda x: x.permute(0, 2, 3, 1),
    "channels last": lambda x: x.to(memory_format=torch.channels_last),
    "every other": lambda x: x[:, :, ::2],
    "one row": lambda x: x[:, :1].transpose(1, 2),
    "repeated": lambda x: x[:1].expand(3, *x.shape[1:]),
    "three": lambda x: x[0],
    "three transposed": lambda x: x[0].mT,
    "line": lambda x: x[0, 0, 0],
    "number": lambda x: x[0, 0, 0, 0],
    "integers": lambda x: x.long(),
    "copy": lambda x: x.clone(),
}
SIZES = [(2, 3, 4, 5), (1, 1, 1, 1), (2, 1, 4, 1), (1, 3, 1, 5)]
NOT_CALLED = ("backward", "share_memory", "apply_", "map_", "map2_", "set_", "resize", "register")


def settings(x):
    """Arguments behind the first one."""
    for numbers in ((), (0,), (1,), (-1,), (0, 1), (1, 1), (0.0, False), (0.5, False), (0.5, True)):
        yield numbers, {}
    for kind in (x.dtype, torch.float64, x.device, "cpu", x, x.shape, [0, 0, 0, 0], None):
        yield (kind,), {}
    yield tuple(x.shape), {}
    yield (x.sum(),), {}
    yield (x.dtype, False, True), {}
    for layout in (torch.contiguous_format, torch.channels_last, torch.preserve_format):
        yield (), {"memory_format": layout}
        yield (x.dtype,), {"memory_format": layout}
    yield (), {"training": False}
    yield (), {"dtype": x.dtype}
    yield (), {"dtype": x.dtype, "copy": True}


COUNT = sum(1 for _ in settings(torch.ones(1, 1, 1, 1)))


def functions():
    """All that may return an argument: compiled operators and PyTorch's functions in Python."""
    listed = [f for group in get_overridable_functions().values() for f in group]
    return [f for f in dict.fromkeys((*listed, *RULES)) if callable(f) and _is_called(f)]


def _is_called(function):
    name = getattr(function, "__name__", "__get__")
    return not name.startswith("__get") and not any(part in name for part in NOT_CALLED)


def arguments(layout, x, number):
    x = LAYOUTS[layout](x)
    return x, next(itertools.islice(settings(x), number, None))


def which(result, is_same):
    results = result if isinstance(result, (tuple, list)) else (result,)
    return [isinstance(one, torch.Tensor) and is_same(one) for one in results]


def called(function, layout, sizes, number):
    """Of each result that PyTorch gives, whether it is the argument; ``None`` if it raises."""
    x, (args, named) = arguments(layout, torch.ones(sizes), number)
    try:
        return which(function(x, *args, **named), lambda one: one is x)
    except Exception:
        return None


def traced(function, layout, sizes, number):
    """The same of the trace on the path of these sizes; ``None`` if it does not get there."""
    env = dict(zip(AXES, sizes, strict=True))
    box = Box(dict.fromkeys(AXES, (1, None)))
    path = TracedPath(env, box)
    found = []

    def forward(module, image):
        x, (args, named) = arguments(layout, image, number)
        result = function(x, *args, **named)
        found.append(which(result, lambda one: same_tensor(path, one, x)))
        return image

    end = trace(Model(forward), IMAGE, env, box, path=path)
    return found[0] if found and end.outcome == "accepted" else None


def returning(names, count=None):
    """The calls of functions for which PyTorch returns the argument in some of them.

    ``count``: how many of the calls are drawn; ``None`` for all.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for function in names:
            calls = list(itertools.product(LAYOUTS, SIZES, range(COUNT)))
            if count is not None:
                calls = random.Random(str(function)).sample(calls, count)
            answers = {call: called(function, *call) for call in calls}
            if traits_of(function).itself or any(a and any(a) for a in answers.values()):
                yield function, {call: answer for call, answer in answers.items() if answer}


def assert_as_in_pytorch(function, answers, count, seed):
    drawn = random.Random(f"{seed} {function}")
    same = [call for call, answer in answers.items() if any(answer)]
    others = [call for call, answer in answers.items() if not any(answer)]
    for call in (
        *drawn.sample(same, min(count, len(same))),
        *drawn.sample(others, min(count, len(others))),
    ):
        found = traced(function, *call)
        assert found in (None, answers[call]), (call, found, answers[call])


def test_functions_with_the_trait():
    known = [f for f in RULES if traits_of(f).itself]
    assert len(known) > 20
    for function, answers in returning(known, 200):
        assert answers
        assert_as_in_pytorch(function, answers, 4, 0)


@pytest.mark.sweep
def test_all_functions():
    for function, answers in returning(functions()):
        assert_as_in_pytorch(function, answers, 60, 1)
