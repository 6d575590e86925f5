"""How models are called: what may be left out of the input, and what the errors suggest."""

import inspect
import typing
from typing import Optional, Union

import pytest
import torch
from torch import Tensor, nn

import archlint
from archlint.models.signature import call_arguments, none_if_omitted

CONTRACT = {"accepts": "any T >= 2", "output": "N T 4"}


def annotated(annotation):
    return inspect.Parameter("x", inspect.Parameter.KEYWORD_ONLY, annotation=annotation)


@pytest.mark.parametrize(
    "annotation",
    [
        Optional[Tensor],  # noqa: UP045
        Union[None, Tensor, int],
        Tensor | None,
        "Optional[Tensor]",
        "typing.Optional[Tensor]",
        "Union[Tensor, None]",
        "Tensor | None",
        "None|dict[str, Tensor]",
    ],
)
def test_annotations_that_allow_none(annotation):
    assert none_if_omitted(annotated(annotation))


@pytest.mark.parametrize(
    "annotation",
    [
        inspect.Parameter.empty,
        Tensor,
        Union[Tensor, int],
        dict[str, Tensor | None],
        "Tensor",
        "NoneType",
        "dict[str, Optional[Tensor]]",
        "Dict[str, Tensor | None]",
        "Union[Tensor, Nonesuch]",
    ],
)
def test_annotations_that_do_not(annotation):
    assert not none_if_omitted(annotated(annotation))


class Attended(nn.Module):
    """Attention whose caller has to pass a mask, or None."""

    def __init__(self):
        super().__init__()
        self.embed, self.pair = nn.Linear(6, 4), nn.Conv1d(4, 4, 2, padding=1)

    def forward(self, x: Tensor, mask: Tensor | None, *, scale: "float | None"):
        assert scale is None
        x = self.embed(x)
        if mask is None:
            return self.pair(x.transpose(1, 2))[..., 1:].transpose(1, 2)
        return x * mask.unsqueeze(2)


@pytest.mark.parametrize("input", ["N T 6", {"x": "N T 6"}, {"x": "N T 6", "mask": "N T"}])
def test_what_is_left_out_and_may_be_none_is_none(input):
    verdict = archlint.check(Attended().eval(), input, **CONTRACT)
    assert (verdict.word, verdict.samples.run) == ("proved", 8), str(verdict)


def test_the_input_of_such_a_model_is_guessed():
    assert archlint.infer(Attended()).input.text == "N T 6"


def test_a_mask_that_is_stated_is_not_none():
    wrong = {"x": "N T 6", "mask": "N L"}
    verdict = archlint.check(Attended().eval(), wrong, accepts="any T, L >= 2", samples=1)
    assert verdict.word == "broken"


class First(nn.Module):
    def forward(self, x: Tensor | None, y: Tensor | None = None):
        return x


class Any(nn.Module):
    def forward(self, *images):
        return torch.stack(images)


class Batch(nn.Module):
    def forward(self, batch: typing.Mapping[str, Tensor]):
        return batch["ids"]


def test_the_first_argument_is_the_one_shape():
    assert call_arguments(First(), 1) == ([1], {})
    assert call_arguments(First(), {"y": 2}) == ([], {"y": 2, "x": None})
    assert call_arguments(Any(), 1) == ([1], {})


class Stacked(nn.Module):
    def forward(self, scale, shift=0, *images, last=None):
        return torch.stack(images) * scale + shift


def test_a_list_for_star_arguments_is_passed_item_by_item():
    assert call_arguments(Any(), {"images": [1, 2]}) == ([1, 2], {})
    assert call_arguments(Any(), [1, 2]) == ([[1, 2]], {})
    given = {"images": [1, 2], "last": 4, "scale": 3}
    assert call_arguments(Stacked(), given) == ([3, 0, 1, 2], {"last": 4})
    assert call_arguments(Stacked(), {"scale": 3, "last": 4}) == ([], {"scale": 3, "last": 4})
    input = {"scale": "N H", "images": ["N H", "N W"]}
    verdict = archlint.check(Stacked(), input, accepts="only H == W or W == 1 and H == 1")
    assert verdict.counterexample is None, str(verdict)
    assert verdict.word == "proved"


@pytest.mark.parametrize(
    ("model", "input", "error"),
    [
        (Any, {"images": "N 3"}, "takes *images: write {images: [SHAPE, SHAPE]}"),
        (Any, {"image": "N 3"}, "has no argument 'image'; did you mean 'images'?"),
        (First, {"x": "N 3", "mask": None}, "leave out an argument that is None, which needs a"),
        (Batch, {"ids": "N T"}, "'ids'; it takes batch; for a mapping: {batch: {ids: ...}}"),
    ],
)
def test_errors_show_the_form_of_the_input(model, input, error):
    with pytest.raises(archlint.ArchlintError) as e:
        archlint.infer(model(), input)
    assert error in str(e.value)
