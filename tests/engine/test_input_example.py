"""The ``--input`` that a message suggests has the names and keys of the model's own arguments."""

from collections.abc import Mapping
from typing import Any, Union

import pytest
from torch import Tensor, nn

import archlint
from archlint.engine.input_example import mapping_keys


class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(9, 4)
        self.conv = nn.Conv2d(3, 4, 3)


class Annotated(Base):
    def forward(self, batch: Mapping[str, Tensor]):
        return self.conv(next(iter(batch.values())))


class Text(Base):
    def forward(self, batch: "dict[str, Tensor] | None", scale: "Tensor"):
        return self.conv(batch["image"]) * scale


class Read(Base):
    def forward(self, data):
        """Reads data['not this']."""
        ids = data["input_ids"]
        return self.embed(ids) * data.get("scale", 1) + data["input_ids"][..., None]


class Pairs(Base):
    def forward(self, image, boxes, *more):
        return self.conv(image), boxes[0], more


@pytest.mark.parametrize(
    ("model", "example"),
    [
        (Annotated, "{batch: {KEY: N 3 H W}}"),
        (Text, "{batch: {image: N 3 H W}, scale: N K}"),
        (Read, "{data: {input_ids: {shape: N K, dtype: int64, below: 9}, scale: N K}}"),
        (Pairs, "{image: N 3 H W, boxes: N K}"),
    ],
)
def test_the_names_and_keys_are_the_models(model, example):
    made = model()
    made.embed = made.embed if model is Read else nn.Identity()
    with pytest.raises(archlint.ArchlintError) as error:
        archlint.infer(made)
    assert f"pass --input, for example --input '{example}'" in str(error.value)


class Records(Base):
    def forward(self, records: list[dict[str, Any]], images: "list[Tensor]"):
        return [self.conv(r["image"]) for r in records], images


class Segmenter(Base):
    """Takes what no input is, as segment-anything does."""

    def forward(self, records: list[dict[str, Any]], multimask_output: bool, limit: "int"):
        return [self.conv(r["image"]) for r in records] if multimask_output else limit


def test_lists_of_mappings_and_of_tensors():
    with pytest.raises(archlint.ArchlintError) as error:
        archlint.infer(Records())
    assert "--input '{records: [{KEY: N 3 H W}], images: [N K]}'" in str(error.value)


def test_arguments_that_are_no_tensors_are_not_suggested():
    with pytest.raises(archlint.ArchlintError) as error:
        archlint.infer(Segmenter())
    assert str(error.value).endswith(
        "Segmenter.forward takes records, multimask_output, limit, and an input has tensors only: "
        "check a module that calls Segmenter with a value of multimask_output and limit"
    )


def test_only_mappings_have_keys():
    assert mapping_keys(Pairs(), "image") is None
    assert mapping_keys(nn.ReLU(), "input") is None
    assert mapping_keys(Annotated(), "batch") == []


class Features(Base):
    """Gives the name of its argument another value, as DINOv2's linear classifiers do."""

    def forward(self, x):
        x = {"tokens": self.conv(x)}
        return x["tokens"]


class Unpacked(Base):
    def forward(self, batch):
        batch, scale = batch["image"], batch.get("scale")
        return self.conv(batch["tensor"]) * scale


class Either(Base):
    def forward(self, x: Union[Tensor, dict[str, Tensor]], y: "Tensor | dict", z):
        if isinstance(z, dict):
            z = z["image"]
        x = x["image"] if isinstance(x, dict) else x
        return self.conv(x) + y.get("image") + z


class Image(Base):
    def forward(self, x: "Tensor | dict[str, list[Tensor]]"):
        return self.conv(x["image"] if type(x) is dict else x)


def test_what_may_be_a_tensor_is_taken_for_one():
    assert [mapping_keys(Either(), name) for name in "xyz"] == [None, None, None]
    assert mapping_keys(Records(), "records") is None
    assert archlint.infer(Image()).text == "H, W >= 3"


class Walked(Base):
    def forward(self, xs, ys):
        for xs in ys["list"]:
            ys = xs["a"]
        with ys["b"] as xs:
            return xs["c"]


def test_keys_of_other_values_under_the_arguments_name_are_not_its():
    assert mapping_keys(Features(), "x") is None
    assert mapping_keys(Unpacked(), "batch") == ["image", "scale"]
    assert mapping_keys(Walked(), "xs") is None
    assert mapping_keys(Walked(), "ys") == ["list"]


def test_a_rebound_argument_is_still_guessed():
    assert archlint.infer(Features()).text == "H, W >= 3"
