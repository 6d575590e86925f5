"""Inputs and outputs of every kind, in contracts and in ``infer``, on small models."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from typing import NamedTuple

import pytest
import torch
from torch import nn

import archlint
from archlint.engine.sampling.real_run import run_at
from tests.support.inferred_models import says


class Sound(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 4, 9, 4)

    def forward(self, wave):
        return self.conv(wave).mean(2)


def test_sound():
    says(Sound(), "N 1 T", [{"N": 1, "T": t} for t in (8, 9, 10)], "T >= 9", output="N 4")


class Tokens(nn.Module):
    """A position table, as in BERT: a buffer of ids, sliced to the length."""

    def __init__(self):
        super().__init__()
        self.words, self.places = nn.Embedding(50, 8), nn.Embedding(16, 8)
        self.register_buffer("ids", torch.arange(16)[None])
        self.norm = nn.LayerNorm(8)

    def forward(self, ids, mask=None):
        found = self.norm(self.words(ids) + self.places(self.ids[:, : ids.shape[1]]))
        return found if mask is None else found * mask[..., None]


IDS = {"shape": "N T", "dtype": "int64", "below": 50}
LENGTHS = [{"N": 2, "T": t} for t in (1, 2, 15, 16, 17)]


def test_tokens_up_to_the_length_of_a_position_table():
    says(Tokens(), {"ids": IDS}, LENGTHS, "T <= 16", output="N T 8")


def test_an_optional_argument_by_name():
    mask = {"shape": "N T", "dtype": "bool"}
    says(Tokens(), {"ids": IDS, "mask": mask}, LENGTHS, "T <= 16", output="N T 8")


def test_ids_beyond_the_table():
    """A contract that lets ids reach 50 of a table of 50 rows is broken."""
    ids = {"shape": "N T", "dtype": "int64", "below": 51}
    verdict = archlint.check(Tokens(), {"ids": ids}, accepts="any T <= 16")
    assert verdict.word == "broken"
    assert "largest index 50 of the embedding < rows 50" in verdict.message


class ByCounting(nn.Module):
    """A position table, as in GPT-2: ids made from the length."""

    def __init__(self):
        super().__init__()
        self.places = nn.Embedding(16, 8)

    def forward(self, x):
        return x + self.places(torch.arange(x.shape[1]))


def test_ids_made_from_the_length():
    says(ByCounting(), "N T 8", LENGTHS, "T <= 16")


class TooLongBuffer(nn.Module):
    """A buffer of more ids than the table has rows: only its first ones are used."""

    def __init__(self):
        super().__init__()
        self.places = nn.Embedding(16, 8)
        self.register_buffer("ids", torch.arange(64)[None])

    def forward(self, x):
        return x + self.places(self.ids[:, : x.shape[1]])


def test_bounds_that_a_part_need_not_reach_refuse_nothing():
    found = archlint.infer(TooLongBuffer(), "N T 8")
    assert not found.exact
    assert found.reasons == (
        "tensor values determine whether this holds: largest index 63 of the embedding < rows 16",
    )
    assert found.accepts(N=1, T=8) is None
    assert found.accepts(N=1, T=65) is False


class Third(nn.Module):
    """Every third element has a row: the largest index is rounded down."""

    def __init__(self):
        super().__init__()
        self.places = nn.Embedding(4, 8)

    def forward(self, x):
        return x + self.places((torch.arange(x.shape[1]) / 3).long())


class BothEnds(nn.Module):
    """The sum of two indices, each of which is large where the other is small."""

    def __init__(self):
        super().__init__()
        self.places = nn.Embedding(4, 8)

    def forward(self, x):
        there = torch.arange(x.shape[1])
        return x + self.places((there + (x.shape[1] - 1 - there)) // 2)


@pytest.mark.parametrize(("kind", "most", "sure"), [(Third, 12, 10), (BothEnds, 8, 4)])
def test_bounds_that_no_element_reaches_refuse_nothing(kind, most, sure):
    found = archlint.infer(kind(), "N T 8")
    for length in range(1, 16):
        ran = run_at(kind(), found.input, {"N": 1, "T": length}).accepted
        assert ran is (length <= most)
        assert found.accepts(N=1, T=length) is (True if length <= sure else None)
    assert found.reasons[0].startswith("tensor values determine whether this holds: ")


def test_volumes():
    model = nn.Sequential(nn.Conv3d(1, 2, 3), nn.MaxPool3d(2))
    points = [{"N": 1, "D": d, "H": h, "W": 4} for d in (3, 4) for h in (3, 4, 9)]
    output = "N 2 D//2-1 H//2-1 W//2-1"
    says(model, "N 1 D H W", points, "D, H, W >= 4", output=output)


class Masked(nn.Module):
    def forward(self, image, mask):
        return image * mask


def test_shared_sizes():
    verdict = archlint.check(
        Masked(),
        {"image": "N 3 H W", "mask": "N 1 H W"},
        accepts="any size",
        output="N 3 H W",
    )
    assert verdict.word == "proved"


class Halves(nn.Module):
    """Joins every pair of its second argument, then adds the first."""

    def forward(self, coarse, fine):
        return coarse + fine.unflatten(1, (coarse.shape[1], 2)).mean(2)


@pytest.mark.parametrize(
    ("entry", "word"), [("2*T", "proved"), ("2*T+1", "broken"), ("T+T", "proved")]
)
def test_derived_sizes(entry, word):
    verdict = archlint.check(
        Halves(), {"coarse": "N T", "fine": f"N {entry}"}, accepts="any size", output="N T"
    )
    assert verdict.word == word


class OfList(nn.Module):
    """Takes images of different sizes, as torchvision's detectors do."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 5)

    def forward(self, images):
        return [self.conv(image[None])[0].amax((1, 2)) for image in images]


def test_a_list_of_tensors_of_different_sizes():
    points = [{"H": h, "W": 5, "H2": h2, "W2": 9} for h in (4, 5) for h2 in (4, 5, 6)]
    says(OfList(), ["3 H W", "3 H2 W2"], points, "H, W, H2, W2 >= 5", output=["4", "4"])


class OfDict(nn.Module):
    def forward(self, batch, scale):
        return {"sum": batch["left"] + batch["right"] * scale, "left": batch["left"]}


def test_a_mapping_as_an_argument():
    input = {"batch": {"left": "N T", "right": "N U"}, "scale": "N 1"}
    verdict = archlint.check(
        OfDict(),
        input,
        accepts="only T == U or T == 1 or U == 1",
        output={"sum": "N max(T,U)", "left": "N T"},
    )
    assert verdict.word == "proved", verdict.message


class Waves(nn.Module):
    def forward(self, field, keep):
        return torch.view_as_real(field * keep)


def test_complex_and_bool():
    field = {"shape": "N T", "dtype": "complex64"}
    keep = {"shape": "T", "dtype": "bool"}
    says(Waves(), {"field": field, "keep": keep}, [{"N": 2, "T": 3}], "any size", output="N T 2")


class Pair(NamedTuple):
    scores: torch.Tensor
    boxes: torch.Tensor


@dataclasses.dataclass
class Record:
    scores: torch.Tensor
    boxes: torch.Tensor
    loss: torch.Tensor | None = None


class ModelOutput(OrderedDict):
    """A mapping whose entries are attributes too, in the manner of transformers."""

    def __getattr__(self, name):
        return self[name]


class Returns(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def forward(self, x):
        return self.kind(scores=x.flatten(1), boxes=x.mean(1))


BY_NAME = {"scores": "N 4*T", "boxes": "N T"}


@pytest.mark.parametrize("kind", [Pair, Record, ModelOutput, dict])
def test_outputs_by_field_name(kind):
    verdict = archlint.check(Returns(kind), "N 4 T", accepts="any size", output=BY_NAME)
    assert verdict.word == "proved", verdict.message
    wrong = {**BY_NAME, "boxes": "N 4"}
    verdict = archlint.check(Returns(kind), "N 4 T", accepts="any size", output=wrong)
    assert verdict.word == "broken"
    assert verdict.counterexample == {"N": 1, "T": 1}
    missing = archlint.check(Returns(kind), "N 4 T", accepts="any size", output={"box": "N T"})
    assert "output to have the key box, got scores, boxes" in missing.message


def test_a_named_tuple_is_a_list_too():
    verdict = archlint.check(Returns(Pair), "N 4 T", accepts="any size", output=["N 4*T", "N T"])
    assert verdict.word == "proved"


class Normed(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 4, 3, 2), nn.BatchNorm2d(4)

    def forward(self, x):
        return self.norm(self.conv(x))


def test_batch_norm_needs_more_than_one_value_in_train_mode():
    points = [{"N": n, "H": h, "W": w} for n in (1, 2) for h in (2, 3, 4, 5) for w in (3, 5)]
    says(Normed(), "N 3 H W", points, "H, W >= 3")
    text = "H >= 3 and W >= 5 or H >= 5 and W >= 3 or N >= 2 and H, W >= 3"
    says(Normed(), "N 3 H W", points, text, mode="train")


class TwoArguments(nn.Module):
    def forward(self, image, mask, *, scale=None):
        return image * mask


@pytest.mark.parametrize(
    ("input", "message"),
    [
        (
            {"image": "N 3"},
            "TwoArguments.forward needs mask, which the input does not give (it gives image)",
        ),
        (
            "N 3",
            "TwoArguments.forward needs mask, which the input does not give (it gives one tensor)",
        ),
        (
            ["N 3", "N 3"],
            "TwoArguments.forward needs mask, which the input does not give (it gives one list)",
        ),
        (
            {"image": "N 3", "maks": "N 3"},
            "TwoArguments.forward has no argument 'maks'; did you mean 'mask'?",
        ),
        (
            {"image": "N 3", "mask": "N 3", "target": "N"},
            "TwoArguments.forward has no argument 'target'; it takes image, mask, scale",
        ),
    ],
)
def test_arguments_that_the_call_does_not_fit(input, message):
    verdict = archlint.check(TwoArguments(), input, accepts="any size")
    assert (verdict.word, verdict.message) == ("error", message)


class Anything(nn.Module):
    def forward(self, *tensors, **more):
        return sum(more.values()) if more else tensors[0]


@pytest.mark.parametrize("input", ["N 3", {"left": "N 3", "right": "N 3"}])
def test_a_forward_that_takes_whatever_comes(input):
    assert archlint.check(Anything(), input, accepts="any size", output="N 3").word == "proved"


class PassesAComparison(nn.Module):
    """Hands the comparison of two sizes to an operator that wants a plain bool."""

    def forward(self, x):
        causal = x.shape[1] > 1 and True
        return nn.functional.scaled_dot_product_attention(x, x, x, is_causal=x.shape[1] > 1), causal


def test_a_comparison_of_sizes_as_an_argument():
    says(PassesAComparison(), "N T 8", [{"N": 1, "T": t} for t in (1, 2, 5)], "any size")


class KeepsByLength(nn.Module):
    """A dict with sizes as keys."""

    def __init__(self):
        super().__init__()
        self.known = {4: 1, 6: 2}

    def forward(self, x):
        return x[:, : self.known[x.shape[1]]]


def test_a_size_as_a_key():
    model = KeepsByLength()
    verdict = archlint.check(model, "N T", accepts="any T in {4, 6}", output="N T//2-1")
    assert verdict.word == "proved", verdict.message
    verdict = archlint.check(model, "N T", accepts="any T in 4..6")
    assert (verdict.word, verdict.counterexample) == ("broken", {"N": 1, "T": 5})
