"""Sizes that depend on values: what is proved of a model holds at all values."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

import archlint
from archlint.contracts.output_shape import fits
from archlint.tracing.outputs import structure
from tests.ops.oracle import covers

torchvision = pytest.importorskip("torchvision")

REFUSALS = (RuntimeError, IndexError, ValueError, TypeError)
SIZES = tuple(itertools.product((1, 2, 3, 5, 12), (1, 2, 4, 5)))


class Of(nn.Module):
    """A model that computes ``function``."""

    def __init__(self, function: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def filled(n: int, f: int) -> Iterator[Tensor]:
    """Inputs of which a mask keeps all rows, none, one or some."""
    yield torch.ones(n, f)
    yield -torch.ones(n, f)
    yield torch.cat([torch.ones(1, f), -torch.ones(n - 1, f)])
    yield torch.zeros(n, f)
    for seed in range(4):
        yield torch.randn(n, f, generator=torch.Generator().manual_seed(seed))


def inferred(function: Callable[[Tensor], Any]) -> Any:
    return archlint.infer(Of(function), "N F", seconds=20)


def agrees(function: Callable[[Tensor], Any], sizes: Any = SIZES) -> Any:
    """What is inferred of the function, once it agrees with what happens at many values."""
    found = inferred(function)
    for n, f in sizes:
        accepted = found.accepts(N=n, F=f)
        expected = found.output(N=n, F=f)
        for x in filled(n, f):
            result = outcome(function, x)
            refused = isinstance(result, Exception)
            where = f"N={n} F={f}: {result}, at the values {x}"
            assert accepted is None or accepted is not refused, where
            assert refused or accepted is None or fits(expected, result), (expected, where)
    return found


def outcome(function: Callable[[Tensor], Any], x: Tensor) -> Any:
    """The shape that comes out, or the exception."""
    try:
        return structure(function(x), lambda t: tuple(t.shape), lambda v: isinstance(v, Tensor))
    except REFUSALS as e:
        return e


def masked_rows(x: Tensor) -> Tensor:
    return x[x[:, 0] > 0]


def best(x: Tensor) -> Tensor:
    scores = masked_rows(x)[:, 0]
    return scores.topk(min(3, scores.size(0))).values


def decoded(x: Tensor) -> Tensor:
    y = torch.stack([x[:, 0], x[:, -1], x[:, 0]], 1)
    places = torch.where((y > 0).flatten())[0]
    rows = torch.div(places, 3, rounding_mode="floor")
    return y[rows, places % 3]


def same_mask_twice(x: Tensor) -> Tensor:
    mask = x[:, 0] > 0
    y = torch.zeros_like(x)
    y[mask] = x[mask] * 2
    return y


def grown_in_place(x: Tensor) -> Tensor:
    y, mask = x.clone(), x > 0
    y[mask] *= 2
    y[~mask] = 0
    return y


def boxes_of(x: Tensor) -> Tensor:
    return torch.stack([x[:, 0], x[:, 1], x[:, 0] + 1, x[:, 1] + 1], 1)


def suppressed(x: Tensor) -> Tensor:
    boxes = boxes_of(masked_rows(x))
    return boxes[torchvision.ops.nms(boxes, boxes[:, 0], 0.5)[:3]]


def suppressed_by_class(x: Tensor) -> Tensor:
    boxes = boxes_of(masked_rows(x))
    labels = (boxes[:, 1] > 0).to(torch.int64)
    keep = torchvision.ops.batched_nms(boxes, boxes[:, 0], labels, 0.5)
    return boxes[keep], labels[keep]


def regions(x: Tensor) -> Tensor:
    boxes = boxes_of(masked_rows(x))
    image = x[None, None]
    rois = torch.cat([torch.zeros_like(boxes[:, :1]), boxes], 1)
    return torchvision.ops.roi_align(image, rois, (2, 3))


def either_way(x: Tensor) -> Tensor:
    y = masked_rows(x)
    return y.sum(1) if y.numel() > 0 else torch.zeros(0)


def counted(x: Tensor) -> Tensor:
    y = masked_rows(x)
    return torch.zeros(len(y), 3) + torch.arange(y.shape[0])[:, None]


def of_many_masks(x: Tensor) -> Tensor:
    y = torch.cat([x[x > i] for i in range(8)])  # more unknowns than are looked at together
    return y[y > y.max()] if len(y) else y


PROVED: dict[Callable[[Tensor], Any], tuple[str, Any]] = {
    masked_rows: ("any size", "_ F"),
    best: ("any size", "_"),
    decoded: ("any size", "_"),
    same_mask_twice: ("any size", "N F"),
    grown_in_place: ("any size", "N F"),
    suppressed: ("F >= 2", "_ 4"),
    suppressed_by_class: ("F >= 2", ["_ 4", "_"]),
    regions: ("F >= 2", "_ 1 2 3"),
    either_way: ("any size", "_"),
    counted: ("any size", "_ 3"),
    of_many_masks: ("any size", "_"),
    lambda x: x[x > 0]: ("any size", "_"),
    lambda x: x[:, x[0] > 0]: ("any size", "N _"),
    lambda x: x[x[:, 0] > 0, 1]: ("F >= 2", "_"),
    lambda x: x[(x > 0).nonzero(as_tuple=True)]: ("any size", "_"),
    lambda x: (x > 0).nonzero(): ("any size", "_ 2"),
    lambda x: x[(x[:, 0] > 0).nonzero()[:, 0]]: ("any size", "_ F"),
    lambda x: torch.argwhere(x): ("any size", "_ 2"),
    lambda x: x.masked_select(x > 0): ("any size", "_"),
    lambda x: torch.unique(x, return_inverse=True): ("any size", ["_", "N F"]),
    lambda x: x.unique_consecutive(return_counts=True): ("any size", ["_", "_"]),
    lambda x: torch.cat([masked_rows(x), x]): ("any size", "_ F"),
    lambda x: x.unique()[0]: ("any size", None),
    lambda x: masked_rows(x).topk(2, dim=1).values: ("F >= 2", "_ 2"),
    lambda x: torch.where(x > 0)[0].view(1, -1): ("any size", "1 _"),
}


@covers(
    torch.nonzero, Tensor.nonzero, torch.argwhere, Tensor.argwhere, torch.masked_select,
    Tensor.masked_select, torch.unique, Tensor.unique, torch.unique_consecutive,
    Tensor.unique_consecutive,
)  # fmt: skip
@pytest.mark.parametrize("function", PROVED)
def test_sizes_are_decided_whatever_the_values(function):
    text, output = PROVED[function]
    found = agrees(function)
    assert (found.text, found.exact) == (text, True), found.reasons
    assert found.entry().output == output


UNPROVED: dict[Callable[[Tensor], Any], str] = {
    lambda x: masked_rows(
        x
    ).max(): "values (a mask) determine whether this holds: number of elements",
    lambda x: masked_rows(x)[0]: "values (a mask) determine whether",
    lambda x: masked_rows(x).topk(3, dim=0).values: "determine whether this holds: k 3 in 0.._",
    lambda x: masked_rows(x).view(masked_rows(x).size(0), -1): "values (a mask) determine whether",
    lambda x: masked_rows(x) + masked_rows(-x): "values (a mask) determine whether",
    lambda x: masked_rows(x).view(-1, 2): "values (a mask) determine whether",
    lambda x: sum(row for row in masked_rows(x)): "determine how often the model loops",
    lambda x: [x[i] for i in range(len(masked_rows(x)))]: "values (a mask) determine a number",
    lambda x: x[: int(masked_rows(x).sum())]: "the value of a tensor is needed",
    lambda x: x[: masked_rows(x).shape[0] or 1] + x: "values (a mask) determine whether",
    lambda x: torch.linalg.inv(masked_rows(x)): "no rule for sizes that tensor values determine",
}


@pytest.mark.parametrize("function", UNPROVED)
def test_what_values_decide_is_said_and_not_guessed(function):
    found = agrees(function)
    assert not found.exact
    assert any(UNPROVED[function] in reason for reason in found.reasons), found.reasons


def test_a_mask_that_changes_counts_anew():
    def changed(x):
        mask = x[:, 0] > 0
        y = x[mask]
        mask[:1] = True
        return y + x[mask]

    assert not agrees(changed).exact


def test_a_view_of_a_mask_that_changes_counts_anew():
    def changed(x):
        mask = x[:, 0] > 0
        half = mask[:1]
        y = x[mask]
        half |= True
        return y + x[mask]

    assert not agrees(changed).exact


def test_an_output_size_that_depends_on_values_is_not_proved():
    words = {"input": "N F", "accepts": "any N, F >= 1"}
    verdict = archlint.check(Of(masked_rows), **words, output="_ F")
    assert verdict.word == "proved"
    verdict = archlint.check(Of(masked_rows), **words, output="N F")
    assert verdict.word == "broken"
    assert "found by running" in verdict.message or verdict.confirmed
    positive = archlint.check(Of(lambda x: masked_rows(x.abs() + 1)), **words, output="N F")
    assert positive.word == "tested"
    assert "tensor values determine whether a size is N" in positive.message


def resized(x: Tensor) -> Tensor:
    """So that the shorter side is 64, the longer at most 96; rounding may leave one less."""
    h, w = x.shape
    scale = min(64 / min(h, w), 96 / max(h, w))
    image = x[None, None]
    settings: Any = {"mode": "bilinear", "recompute_scale_factor": True}
    return nn.functional.interpolate(image, scale_factor=scale, **settings)[0, 0]


def test_a_resize_is_decided_but_where_rounding_decides():
    sides = [(n, f) for n in range(1, 130, 7) for f in (1, 2, 3, 48, 64, 95, 96, 97, 191, 192)]
    found = agrees(resized, [*sides, (49, 49 * 96), (98 * 96, 98)])
    assert found.text == "96*N > F and 96*F > N"
    assert found.accepts(N=1, F=96) is None
    assert found.accepts(N=1, F=97) is False
    assert outcome(resized, torch.zeros(1, 96)) == (1, 96)
    assert isinstance(outcome(resized, torch.zeros(49, 49 * 96)), RuntimeError)  # 49 * (1/49) < 1


@pytest.mark.parametrize("threshold", [-1.0, 0.35, 2.0])
def test_a_detector_takes_any_size(threshold):
    builder = torchvision.models.detection.ssdlite320_mobilenet_v3_large
    chosen = {
        "weights": None,
        "weights_backbone": None,
        "num_classes": 9,
    }  # more than are looked at together
    model = builder(**chosen, score_thresh=threshold).eval()
    found = archlint.infer(model)
    assert (found.text, found.exact) == ("any size", True)
    assert found.entry().output == [{"boxes": "_ 4", "scores": "_", "labels": "_"}]
    for h, w in ((1, 1), (40, 7)):
        with torch.no_grad():
            [result] = model([torch.zeros(3, h, w)])
        assert result["boxes"].shape[1] == 4


STEPS: dict[str, Callable[[Tensor], Tensor]] = {
    "mask": masked_rows,
    "columns": lambda x: x[:, x.sum(0) > 0],
    "where": lambda x: x[torch.where(x[:, -1] > 0)[0]],
    "top": lambda x: x.topk(min(2, x.shape[0]), dim=0).values,
    "top 2": lambda x: x.topk(2, dim=0).values,
    "first": lambda x: x[:2],
    "last": lambda x: x[1:],
    "odd": lambda x: x[::2],
    "one": lambda x: x[0:1],
    "twice": lambda x: torch.cat([x, x]),
    "beside": lambda x: torch.cat([x, x], 1),
    "rows": lambda x: x.reshape(x.shape[0], -1),
    "pairs": lambda x: x.reshape(-1, 2),
    "flat": lambda x: x.flatten()[:, None],
    "turned": lambda x: x.t(),
    "outer": lambda x: x @ x.t(),
    "inner": lambda x: x.t() @ x,
    "largest": lambda x: x.max(0, keepdim=True).values,
    "mean": lambda x: x.mean(1, keepdim=True),
    "sorted": lambda x: x.sort(0).values,
    "softmax": lambda x: x.softmax(0),
    "summed": lambda x: x.cumsum(0),
    "padded": lambda x: nn.functional.pad(x, (0, 1, 1, 0)),
    "conv": lambda x: nn.functional.conv1d(x[:, None], torch.ones(1, 1, 2))[:, 0],
    "pool": lambda x: nn.functional.max_pool1d(x[:, None], 2)[:, 0],
    "adaptive": lambda x: nn.functional.adaptive_avg_pool1d(x[:, None], 3)[:, 0],
    "linear": lambda x: nn.functional.linear(x, torch.ones(3, 4)),
    "norm": lambda x: nn.functional.layer_norm(x, (4,)),
    "resized": lambda x: nn.functional.interpolate(x[None], scale_factor=2.0)[0],
    "split": lambda x: torch.cat(x.split([1, x.shape[0] - 1])),
    "repeated": lambda x: x.repeat(2, 1),
    "added": lambda x: x + x[:1],
    "selected": lambda x: x.index_select(0, torch.arange(x.shape[0])),
    "by argmax": lambda x: x[x.argmax(0)],
    "few": lambda x: x[:3] if x.shape[0] > 3 else x,
    "or none": lambda x: x if x.numel() else torch.zeros(1, 2),
    "nms": lambda x: x[torchvision.ops.nms(x[:, :4], x[:, 0], 0.5)],
    "written": lambda x: x.masked_fill(x > 0, 1.0),
    "cut": lambda x: x.narrow(0, 0, x.shape[0] // 2),
    "stacked": lambda x: torch.stack([x, x], 1).flatten(0, 1),
    "unfolded": lambda x: x.unfold(0, 2, 1)[..., 0],
}


@settings(max_examples=40, deadline=None)
@given(names=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=4))
def test_random_steps_behind_a_mask(names):
    def forward(x):
        for name in ["mask", *names]:
            x = STEPS[name](x)
        return x

    agrees(forward, ((1, 4), (2, 2), (3, 4), (5, 3), (9, 1)))


class Parts(nn.Module):
    """Joins its parts where the input is not high."""

    def forward(self, x: Tensor, *parts: Tensor) -> Tensor:
        if x.shape[0] > 20:
            return x
        torch.cat(parts)
        return x


class Limited(nn.Module):
    """Refuses too many elements, on a way that other sizes than the tried ones take."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = Parts()

    def forward(self, x: Tensor) -> Tensor:
        for width in range(8, 20):  # more branches than are traced one by one
            if x.shape[1] == width:
                break
        parts = [x[x > i / 10] for i in range(-5, 0)]
        y = self.inner(x, *parts)
        if torch.cat(parts).shape[0] > 60_000:
            raise ValueError("too many")
        return y


def test_bounds_of_another_way_are_not_this_ones():
    clause = {"input": "H W", "accepts": "any H >= 8 and 8 <= W <= 20", "output": "H W"}
    with pytest.raises(ValueError, match="too many"):
        Limited()(torch.ones(2000, 20))
    assert archlint.check(Limited(), **clause, samples=2).word != "proved"


class Counted(nn.Module):
    """As many elements as a number that is computed in a tensor of some dtype."""

    def __init__(self, count) -> None:
        super().__init__()
        self.count = count

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros(int(self.count(x.shape[0]).max()) % 7 + 1)


@pytest.mark.parametrize(
    "count",
    [
        lambda n: torch.tensor(n, dtype=torch.int32) * 200_000_000,
        lambda n: torch.tensor(n + (1 << 24), dtype=torch.float32),
        lambda n: (torch.arange(n) * 16_777_217).float(),
        lambda n: torch.full((n,), 500_000_000, dtype=torch.int32).cumsum(0, dtype=torch.int32),
    ],
)
def test_numbers_that_a_dtype_cannot_hold(count):
    found = archlint.infer(Counted(count), "N")
    for n in range(1, 30):
        assert found.output(N=n) in (tuple(Counted(count)(torch.zeros(n)).shape), None)
