"""Edits of models, compared as the lock and `archlint diff` do, against running both models."""

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from archlint.engine.infer.infer import infer_source
from archlint.engine.python_contracts import contract_of, source_of
from archlint.project.compare import compare
from archlint.project.lock_file import read, text


class Net(nn.Module):
    """A model that is one function of its input, and of whether it is in training mode."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x) if self.function.__code__.co_argcount == 1 else self.function(
            x, self.training
        )  # fmt: skip


@dataclass
class Fields:
    score: torch.Tensor
    extra: object = None


class Pair(NamedTuple):
    one: torch.Tensor
    other: torch.Tensor


class Other(NamedTuple):
    one: torch.Tensor
    second: torch.Tensor


W9 = torch.ones(9, 4)
W5 = torch.ones(5, 4)

# name: before, after. The input is N 4 T.
EDITS = {
    # the set of sizes
    "padding": (lambda x: F.avg_pool1d(x, 3), lambda x: F.avg_pool1d(x, 3, padding=1)),
    "a larger window": (lambda x: x.unfold(2, 2, 1), lambda x: x.unfold(2, 4, 1)),
    "a smaller window": (lambda x: x.unfold(2, 5, 1), lambda x: x.unfold(2, 3, 1)),
    "another multiple": (lambda x: x.view(-1, 4, 2), lambda x: x.view(-1, 4, 3)),
    "a stricter multiple": (lambda x: x.unflatten(2, (-1, 2)), lambda x: x.unflatten(2, (-1, 4))),
    "an assertion": (lambda x: x, lambda x: x if x.shape[2] != 5 else x.view(0, 3)),
    "a removed assertion": (lambda x: x if x.shape[0] > 2 else x.view(0, 3), lambda x: x),
    "the last sizes only": (lambda x: x[:, :, 3], lambda x: x[:, :, 5]),
    "from the end": (lambda x: x[:, :, 2], lambda x: x[:, :, -3]),
    "a table": (lambda x: x + torch.ones(4, 5)[:, : x.shape[2]],
                lambda x: x + torch.ones(4, 3)[:, : x.shape[2]]),
    "a square": (lambda x: x @ x.mT, lambda x: x @ x),
    "equal sizes": (lambda x: x.mean((0, 1)), lambda x: x.mean((0, 1)) + x.mean((1, 2))),
    "a stack of parts": (lambda x: torch.stack(x.split(3, 2)),
                         lambda x: torch.stack(x.split(2, 2))),
    "chunks": (lambda x: torch.cat(x.chunk(2, 2)[:1], 2),
               lambda x: torch.cat(x.tensor_split(2, 2), 1)),
    "grown and shrunk": (lambda x: x[:, :, : x.shape[2] // 2].view(-1, 4, 2),
                         lambda x: x[:, :, : x.shape[2] // 2].view(-1, 4, 1)),
    "a count": (lambda x: x.topk(2, 2)[0], lambda x: x.topk(4, 2)[0]),
    "a reflection": (lambda x: F.pad(x, (2, 2), mode="reflect"),
                     lambda x: F.pad(x, (3, 3), mode="reflect")),
    "a refusal of one batch": (lambda x: x.squeeze(0).sum(0),
                               lambda x: x.squeeze(0).view(4, -1).sum(0)),
    # the output only
    "channels": (lambda x: x[:, :2], lambda x: x[:, :3]),
    "a stride": (lambda x: x[..., ::2], lambda x: x[..., ::3]),
    "rounding": (lambda x: x[..., ::2], lambda x: x[..., 1::2]),
    "a crop": (lambda x: x[..., :5], lambda x: x[..., :4]),
    "a transposition": (lambda x: x, lambda x: x.mT),
    "a kept axis": (lambda x: x.sum(2), lambda x: x.sum(2, keepdim=True)),
    "another rank": (lambda x: x, lambda x: x.flatten(1)),
    "one more axis": (lambda x: x, lambda x: x[None]),
    "a mean over the batch": (lambda x: x.mean(2), lambda x: x.mean((0, 2))),
    "a number": (lambda x: x.sum(2), lambda x: x.sum()),
    "half of the batch": (lambda x: x, lambda x: x[: x.shape[0] // 2 + 1]),
    "batch and time": (lambda x: x.flatten(0, 1), lambda x: x.transpose(1, 2).flatten(0, 1)),
    "a repetition": (lambda x: x.repeat(1, 1, 2), lambda x: x.repeat(1, 2, 1)),
    "a pool": (lambda x: F.max_pool1d(x, 1, 2), lambda x: F.max_pool1d(x, 1, 2, ceil_mode=True)),
    "a scale": (lambda x: F.interpolate(x, scale_factor=2),
                lambda x: F.interpolate(x, scale_factor=3)),
    # dtypes
    "half": (lambda x: x, lambda x: x.half()),
    "an argmax": (lambda x: x.amax(2), lambda x: x.argmax(2)),
    "a mask": (lambda x: x, lambda x: x > 0),
    "complex": (lambda x: x, lambda x: x + 0j),
    "one part's dtype": (lambda x: (x, x), lambda x: (x, x.double())),
    # structure
    "a key": (lambda x: {"a": x}, lambda x: {"b": x}),
    "one more key": (lambda x: {"a": x}, lambda x: {"a": x, "b": x}),
    "a key less": (lambda x: {"a": x, "b": x}, lambda x: {"a": x}),
    "a part less": (lambda x: (x, x), lambda x: (x,)),
    "none": (lambda x: (x, None), lambda x: (x, x)),
    "none in front": (lambda x: (None, x), lambda x: (None, x[:, :1])),
    "a plain number": (lambda x: (x, 3), lambda x: (x, x.sum())),
    "a loss": (lambda x: {"loss": x.mean(), "y": x}, lambda x: {"loss": x.mean(), "y": x[:, 1:]}),
    "a nested part": (lambda x: [x, {"y": (x, x)}], lambda x: [x, {"y": (x, x[..., :1])}]),
    "a field": (lambda x: Fields(x), lambda x: Fields(x[:, 0])),
    "another field": (lambda x: Fields(x), lambda x: Fields(x, x)),
    "a field's name": (lambda x: Pair(x, x), lambda x: Other(x, x)),
    "order": (lambda x: (x, x[:, :1]), lambda x: (x[:, :1], x)),
    "a tensor in a list": (lambda x: x, lambda x: [x]),
    # branches
    "above a size": (lambda x: x, lambda x: x if x.shape[2] < 6 else x[..., :6]),
    "at one size": (lambda x: x, lambda x: x.mT if x.shape[2] == 3 and x.shape[0] == 2 else x),
    "another bound": (lambda x: x[:, :2] if x.shape[2] > 3 else x,
                      lambda x: x[:, :2] if x.shape[2] > 4 else x),
    "one side": (lambda x: x[..., ::2] if x.shape[2] % 2 else x,
                 lambda x: x[..., ::3] if x.shape[2] % 2 else x),
    "a rank at odd sizes": (lambda x: x, lambda x: x[None] if x.shape[2] % 2 else x),
    "keys by size": (lambda x: {"a": x}, lambda x: {"a": x} if x.shape[0] < 3 else {"c": x}),
    # modes
    "training only": (lambda x, t: x, lambda x, t: (x, x) if t else x),
    "training's output": (lambda x, t: (x, x) if t else x, lambda x, t: (x, x[:, :1]) if t else x),
    "training's sizes": (lambda x, t: x, lambda x, t: x[:, :, 2] if t else x),
    # the same
    "the same, in other words": (lambda x: x.flatten(1), lambda x: x.reshape(x.shape[0], -1)),
    "the same window": (lambda x: x.unfold(2, 3, 1)[..., 0], lambda x: x[:, :, : x.shape[2] - 2]
                        if x.shape[2] > 2 else x.view(0, 3)),
    "the same branch": (lambda x: x[..., :4], lambda x: x if x.shape[2] < 5 else x[..., :4]),
    "the same keys": (lambda x: {"a": x, "b": x}, lambda x: {"a": x.relu(), "b": -x}),
    "other values": (lambda x: x.relu(), lambda x: x.exp() + 1),
    "the same rounding": (lambda x: x[..., ::2], lambda x: F.max_pool1d(x, 1, 2, ceil_mode=True)),
    "the same in eval": (lambda x, t: x, lambda x, t: x[:, :1] if t else x),
}  # fmt: skip
TRAINING = {"training only", "training's output", "training's sizes"}
SIZES = [dict(zip("NT", sizes, strict=True)) for sizes in itertools.product(range(1, 10), repeat=2)]


def outcome(model, sizes):
    """What the real model returns at some sizes, with shapes and dtypes; ``None`` if it refuses."""
    try:
        made = model(torch.randn(sizes["N"], 4, sizes["T"]))
    except (RuntimeError, IndexError, ValueError):
        return None
    return whole(made)


def whole(value):
    if isinstance(value, torch.Tensor):
        return tuple(value.shape), str(value.dtype)
    if isinstance(value, Fields):
        return {k: whole(v) for k, v in vars(value).items()}
    if hasattr(value, "_fields"):
        return {k: whole(v) for k, v in zip(value._fields, value, strict=True)}
    if isinstance(value, dict):
        return {k: whole(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [whole(v) for v in value]
    return type(value).__name__


def least(points):
    return min((sum(p.values()) for p in points), default=None)


def entry_of(function, mode, tmp_path):
    """What the lock file has of a model, read again as it was written."""
    contract = contract_of(input="N 4 T", accepts="any size", mode=mode)
    with source_of(Net(function)) as source:
        entry = infer_source(source, contract.input, mode).entry()
    file = tmp_path / "archlint.lock"
    file.write_text(text([entry]))
    (read_again,) = read(file).entries.values()
    return read_again


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_named_as_running_both_models_shows(name, tmp_path):
    functions = EDITS[name]
    mode = "train" if name in TRAINING else "eval"
    nets = [Net(f).train(mode == "train") for f in functions]
    results = [(sizes, *(outcome(net, sizes) for net in nets)) for sizes in SIZES]
    shrunk = least(s for s, a, b in results if a is not None and b is None)
    grown = least(s for s, a, b in results if a is None and b is not None)
    output = least(s for s, a, b in results if a is not None and b is not None and a != b)
    change = compare(*(entry_of(f, mode, tmp_path) for f in functions))
    words = [w for w, there in (("grown", grown), ("shrunk", shrunk)) if there]
    assert change.word == (" and ".join(words) or ("other output" if output else "same"))
    assert change.not_compared == ""
    for example, smallest in ((change.shrunk, shrunk), (change.grown, grown)):
        assert (example and sum(example.point.values())) == smallest
    assert (change.output and sum(change.output.point.values())) == output
