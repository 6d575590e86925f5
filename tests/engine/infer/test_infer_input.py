"""Inputs that are guessed: from the first layers, and from the names of arguments."""

import pytest
from torch import nn

import archlint
from archlint.contracts.accepted_set import input_as_yaml
from tests.support.inferable_models import (
    Drawn,
    HeadFirst,
    Pair,
    Reader,
    Rows,
    Spoken,
    Stubborn,
    backbone,
)


class Mono(nn.Module):
    """Adds the channel of a signal itself; its Linear is not the first layer."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv1d(1, 4, 3), nn.Linear(4, 2)

    def forward(self, signal):
        return self.fc(self.conv(signal.unsqueeze(1)).transpose(1, 2))


class Late(nn.Module):
    """The convolution that sees the image is not the first attribute."""

    def __init__(self):
        super().__init__()
        self.head = nn.Conv3d(8, 2, 1)
        self.stem = nn.Conv3d(3, 8, 3)

    def forward(self, clip):
        return self.head(self.stem(clip))


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.time = nn.Linear(1, 4)
        self.classes = nn.Embedding(10, 4)

    def forward(self, x, t, y):
        embedded = self.time(t[:, None]) + self.classes(y)
        return self.conv(x) + embedded[..., None, None]


class Matched(nn.Module):
    def forward(self, image1, image2):
        return image1 - image2


@pytest.mark.parametrize(
    ("model", "input"),
    [
        (backbone, "N 3 H W"),
        (lambda: nn.Conv1d(5, 2, 3), "N 5 L"),
        (lambda: nn.Conv3d(1, 2, 3), "N 1 T H W"),
        (nn.ReLU, "N 3 H W"),
        (lambda: nn.Sequential(nn.Linear(20, 8), nn.Linear(8, 2)), "N 20"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(20, 8)), "N 20"),
        (lambda: nn.LSTM(6, 4, batch_first=True), "N T 6"),
        (lambda: nn.GRU(6, 4), "T N 6"),
        (Spoken, "N T 5"),
        (Drawn, "N 7"),
        (HeadFirst, "N 1 H W"),
        (Mono, "N L"),
        (Late, "N 3 T H W"),
    ],
)
def test_the_input_is_guessed(model, input):
    assert archlint.infer(model()).input.text == input


def test_tokens_are_guessed():
    found = archlint.infer(Reader())
    assert input_as_yaml(found.input) == {"shape": "N T", "dtype": "int64", "below": 30}
    assert found.text == "T >= 3"
    assert archlint.explain(Reader()).input == found.input


def test_further_arguments_are_guessed_by_their_names():
    found = archlint.infer(Denoiser())
    assert input_as_yaml(found.input) == {
        "x": "N 4 H W",
        "t": "N",
        "y": {"shape": "N", "dtype": "int64", "below": 10},
    }
    assert found.text == "any size"
    assert input_as_yaml(archlint.infer(Matched()).input) == {
        "image1": "N 3 H W",
        "image2": "N 3 H W",
    }


def test_a_guess_that_fails_is_said():
    with pytest.raises(archlint.ArchlintError) as e:
        archlint.infer(Stubborn())
    tried = [f"{i} (ValueError: never)" for i in ("N 5", "N T 5", "N 3 H W")]
    assert str(e.value) == (
        f"Stubborn accepts none of the guessed inputs: {'; '.join(tried)}; use --input"
    )
    with pytest.raises(archlint.ArchlintError, match="does not accept the guessed input N 3 H W"):
        archlint.infer(Rows())
    with pytest.raises(archlint.ArchlintError, match=r"Pair\.forward takes left, right"):
        archlint.infer(Pair())


class Captions(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.conv = nn.Embedding(50, 4), nn.Conv2d(3, 4, 3)

    def forward(self, image, token_ids, video):
        return self.conv(image).mean((2, 3)) + self.words(token_ids).mean(1)


def test_the_example_has_integers_for_the_indices_of_an_embedding():
    tokens = "token_ids: {shape: N K, dtype: int64, below: 50}"
    with pytest.raises(archlint.ArchlintError) as e:
        archlint.infer(Captions())
    assert f"--input '{{image: N 3 H W, {tokens}, video: N K}}'" in str(e.value)
