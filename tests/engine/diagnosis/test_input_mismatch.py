"""An input that is described wrongly is reported as that, with the layer and how to write it."""

import pytest
import torch
from torch import nn

import archlint
from archlint.report import accepted_text


def cnn(channels=3, conv=nn.Conv2d, pool=nn.AdaptiveAvgPool2d):
    body = nn.Sequential(conv(channels, 32, 3, padding=1), nn.ReLU())
    return nn.Sequential(body, pool(1), nn.Flatten(), nn.Linear(32, 10)).eval()


def net1d():
    return cnn(2, nn.Conv1d, nn.AdaptiveAvgPool1d)


def net3d():
    return cnn(4, nn.Conv3d, nn.AdaptiveAvgPool3d)


class Ids(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(100, 8)

    def forward(self, ids):
        return self.e(ids)


class Joined(nn.Module):
    def forward(self, xs):
        return torch.cat(xs, 1)


class Method(nn.Module):
    def forward(self, x):
        return x.ne(0)


SQUARE = "kernel_size=(3, 3), padding=(1, 1)"
WRONG = [
    (cnn(), "N 1 H W", f"0.0 Conv2d(3, 32, {SQUARE}) needs 3 channels, the input has 1"),
    (cnn(1), "N 3 H W", f"0.0 Conv2d(1, 32, {SQUARE}) needs 1 channel, the input has 3"),
    (cnn(), "3 H W", "three sizes are read as one unbatched input of 0.0; did you mean N 3 H W?"),
    (cnn(), "N 3 H", "three sizes are read as one unbatched input of 0.0; did you mean N 3 H W?"),
    (net1d(), "2 T", "two sizes are read as one unbatched input of 0.0; did you mean N 2 L?"),
    (net3d(), "4 T H W", "four sizes are read as one unbatched input"),
    (net3d(), "N 4 H W", "did you mean N 4 T H W?"),
    (cnn(), "N H W 3", "the channels are the last size, but 0.0 takes them second"),
    (cnn(), ["N 3 H W"], "without brackets it gets the tensor"),
    (Method(), ["N 3 H W"], "without brackets it gets the tensor"),
    (Ids(), ["N T"], "without brackets it gets the tensor"),
    (Joined(), "N T", "for a list of tensors write [SHAPE, SHAPE]"),
    (
        Ids(),
        "N T",
        "the embedding takes integers, the input is float32; "
        "write {shape: …, dtype: int64, below: 100}",
    ),
    (nn.Linear(8, 2), "N 9", "Linear(8, 2) needs 8 as its last size, the input has 9"),
    (nn.Sequential(nn.ReLU(), nn.Linear(8, 2)), "N 9", "1 Linear(8, 2) needs 8 as its last size"),
    (nn.LSTM(8, 4, batch_first=True), "N T 9", "no size of the contract is accepted"),
    (nn.BatchNorm2d(3), "3 H W", "no size of the contract is accepted"),
    (cnn(), {"shape": "N 3 H W", "dtype": "int64", "below": 9}, "no size of the contract"),
]


@pytest.mark.parametrize(("model", "input", "words"), WRONG, ids=[str(w[2])[:40] for w in WRONG])
def test_the_input_is_said_to_be_described_wrongly(model, input, words):
    verdict = archlint.check(model.eval(), input, accepts="any size")
    assert verdict.word == "broken"
    assert words in verdict.details["input"]
    if isinstance(model, Ids) and isinstance(input, list):
        return  # only a run of the real model shows it; infer runs none where nothing is known
    # infer and explain say the same of any size
    words = words.replace("no size of the contract", "no size")
    found = archlint.infer(model, input)
    assert words in found.mismatch
    assert words in accepted_text.text([found.entry()])
    if not found.exact:
        with pytest.raises(archlint.ArchlintError) as error:
            archlint.explain(model, input)
        assert words in str(error.value)
        return
    text = archlint.explain(model, input).text()
    assert f"input     {found.mismatch}" in text
    assert "no single layer" not in text


@pytest.mark.parametrize(
    ("model", "input", "accepts"),
    [
        (cnn(), "N 3 H W", "any size"),
        (nn.Conv2d(3, 4, 5), "3 H W", "any size"),  # without a batch on purpose
        (nn.Sequential(nn.Flatten(), nn.Linear(784, 2)), "N 1 H W", "any H, W >= 30"),
        (nn.Conv2d(3, 4, 9), "N 3 H W", "any H, W <= 8"),
        (nn.Linear(8, 2), "N F", "any size"),
    ],
)
def test_other_refusals_are_not(model, input, accepts):
    verdict = archlint.check(model.eval(), input, accepts=accepts)
    assert "input" not in verdict.details
    assert archlint.infer(model, input).mismatch == ""


class EitherRank(nn.Module):
    """Branches on a size, and takes three channels on each side."""

    def __init__(self):
        super().__init__()
        self.small, self.large = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.small(x) if x.shape[-1] < 3 else self.large(x)


@pytest.mark.parametrize(
    ("input", "words"),
    [
        ("N 7 H W", "needs 3 channels, the input has 7"),
        ("N H W", "did you mean N 3 H W?"),  # N is 3 in what it accepts
        ("N H W 3", "the channels are the last size, but large takes them second"),  # H is 3
        ("N 3 H W", ""),
    ],
)
def test_channels_among_the_sizes_are_said_of_an_inferred_set(input, words):
    found = archlint.infer(EitherRank(), input)
    assert words in found.mismatch
    assert bool(words) == bool(found.mismatch)


class Classes(nn.Module):
    """Refuses small images, and has the wrong number of classes."""

    def __init__(self, classes):
        super().__init__()
        self.c = nn.Conv2d(3, classes, 3)

    def forward(self, x):
        return self.c(x).mean((2, 3))


@pytest.mark.parametrize("samples", [0, 4])
def test_a_wrong_output_is_reported_beside_a_refusal(samples):
    contract = {"accepts": "any size", "output": "N 10", "samples": samples}
    verdict = archlint.check(Classes(100), "N 3 H W", **contract)
    assert "kernel_size 3 <= padded size" in verdict.details["needs"]
    also = verdict.details["also"]
    assert also == "N=1 H=3 W=3 is accepted, but expected output N 10, got N 100"
    right = archlint.check(Classes(10), "N 3 H W", **contract)
    assert "also" not in right.details


class WrongFirst(nn.Module):
    """The smallest violation is a wrong output, and larger sizes are refused."""

    def forward(self, x):
        return x[:, :1] if x.shape[1] < 5 else x.view(x.shape[0], 7)


def test_a_refusal_is_reported_beside_a_wrong_output():
    verdict = archlint.check(WrongFirst(), "N T", accepts="any size", output="N T")
    assert verdict.counterexample == {"N": 1, "T": 2}
    assert verdict.details["also"].startswith("N=1 T=5 is refused")
