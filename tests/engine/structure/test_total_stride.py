"""Total strides, compared with every size of a range."""

import itertools

import pytest
from torch import nn

from tests.support import structure_models as models
from tests.support.structure_models import check

SETTINGS = list(itertools.product((1, 2, 3, 5), (1, 2, 3), (0, 1, 2)))


@pytest.mark.parametrize(("kernel", "stride", "padding"), SETTINGS)
def test_total_stride_of_a_convolution(kernel, stride, padding):
    def length(size):
        return (size + 2 * padding - kernel) // stride + 1

    accepted = [n for n in range(1, 64) if n + 2 * padding >= kernel]
    wrong = [n for n in accepted if length(n) not in (n // stride, -(-n // stride))]
    model = nn.Conv1d(3, 4, kernel, stride, padding)
    verdict = check(model, {"total_stride": stride}, "N 3 T", samples=0)
    assert verdict.word == ("broken" if wrong else "proved")
    if wrong:
        assert verdict.counterexample == {"N": 1, "T": wrong[0]}


def test_total_stride_of_layers():
    model = models.Pyramid()
    assert check(model, {"total_stride": {"stem": 2, "body": 4, "body.0": 4}}).word == "proved"
    verdict = check(model, {"total_stride": {"stem": 2, "body": 8}})
    # ceil(ceil(1/2)/2) = 1 is 1/8 rounded up, and so on to 8: ceil(9/4) = 3 is neither 1 nor 2; of
    # the smaller ones 5..8 give 2, and 5/8 is 0 or 1.
    assert (verdict.word, verdict.counterexample) == ("broken", {"N": 1, "H": 1, "W": 5})
    assert verdict.at.module == "body"
    assert verdict.message == (
        "the output of body is N 8 ceil(H/4) ceil(W/4), expected H, W divided by 8, "
        "rounded down or up"
    )
    assert verdict.confirmed is None


def test_total_stride_of_several_outputs():
    model = models.Pyramid(every=True)
    assert check(model, {"total_stride": [2, 4]}).word == "proved"
    verdict = check(model, {"total_stride": [2, 2]})
    # ceil(3/4) = 1 is 3/2 rounded down; ceil(4/4) = 1 is not 2, and nor is ceil(5/4) = 2 wrong.
    assert verdict.counterexample == {"N": 1, "H": 1, "W": 4}
    assert verdict.message.startswith(
        "output 1 is N 8 ceil(H/4) ceil(W/4), expected H, W divided by 2"
    )
    one = check(model, {"total_stride": [4]})
    assert (one.word, one.message) == (
        "error", "total_stride lists 1 stride, but the output has 2 tensors"
    )  # fmt: skip


@pytest.mark.parametrize("last", [False, True])
def test_total_stride_wherever_the_channels_are(last):
    pool = nn.MaxPool2d(2)
    model = models.Lambda(lambda x: pool(x).permute(0, 2, 3, 1) if last else pool(x))
    assert check(model, {"total_stride": 2}).word == "proved"
    assert check(model, {"total_stride": 1}).word == "broken"


def test_an_output_without_spatial_sizes_has_no_stride():
    verdict = check(models.Lambda(lambda x: x.mean((2, 3))), {"total_stride": 32})
    assert verdict.word == "broken"
    assert verdict.message == "the output is N 3, which has no sizes for H, W"


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ("boddy", "total_stride names the layer boddy, but the model has no such layer"),
        ("unused", "total_stride names the layer unused, but that layer returns no tensor"),
    ],
)
def test_a_layer_that_gives_nothing(layer, message):
    verdict = check(models.Pyramid(), {"total_stride": {layer: 2}})
    assert (verdict.word, verdict.message) == ("error", message)
