"""Inputs that are guessed: from the first layers, and from the names of arguments."""

import re

import pytest
import torch
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


class Backboned(nn.Module):
    """Its layers are not in the order in which they run, as in DETR: the backbone is last."""

    def __init__(self):
        super().__init__()
        self.norm, self.head = nn.LayerNorm(8), nn.Linear(8, 2)
        self.project, self.backbone = nn.Conv2d(16, 8, 1), nn.Conv2d(3, 16, 3)

    def forward(self, image):
        features = self.project(self.backbone(image)).flatten(2).transpose(1, 2)
        return self.head(self.norm(features))


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


class Squeezed(nn.Module):
    """Weights each channel: only a Linear tells how many there are."""

    def __init__(self, last):
        super().__init__()
        self.fc, self.last = nn.Linear(12, 12), last

    def forward(self, x):
        if self.last:
            n, h, w, c = x.shape
            return self.fc(x).reshape(n, h * w, c)
        n, c, _, _ = x.shape
        return x * self.fc(x.mean((2, 3))).view(n, c, 1, 1)


class Inner(nn.Module):
    """The block's first convolution is not the one that it calls first."""

    def __init__(self):
        super().__init__()
        self.out, self.project = nn.Conv2d(6, 24, 1), nn.Conv2d(24, 6, 1)

    def forward(self, x):
        return x + self.out(self.project(x))


class Codes(nn.Module):
    def __init__(self):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(9, 4) for _ in range(3))

    def forward(self, codes):
        _, _, _ = codes.shape
        return sum(table(codes[:, i]) for i, table in enumerate(self.tables))


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.to_query, self.to_key = nn.Linear(8, 4), nn.Linear(8, 4)

    def forward(self, queries, keys, values):
        scores = self.to_query(queries) @ self.to_key(keys).transpose(1, 2)
        return scores.softmax(-1) @ values


class Part(nn.Module):
    def __init__(self, words):
        super().__init__()
        self.words, self.places = nn.Embedding(words, 4), nn.Embedding(50, 4)


class Translation(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = Part(30), Part(20)

    def forward(self, src, trg):
        memory = self.encoder.words(src)
        return self.decoder.words(trg) @ memory.transpose(1, 2)


class Patches(nn.Module):
    """Makes the features of its Linear from the pixels of patches."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3 * 4 * 4, 8)

    def forward(self, x):
        n, c, h, w = x.shape
        patches = x.reshape(n, c, h // 4, 4, w // 4, 4).permute(0, 2, 4, 1, 3, 5)
        return self.fc(patches.reshape(n, (h // 4) * (w // 4), c * 16))


class Focus(nn.Module):
    """Stacks the pixels of 2 x 2 before its first convolution."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, 4, 3)

    def forward(self, x):
        slices = x[..., ::2, ::2], x[..., 1::2, ::2], x[..., ::2, 1::2], x[..., 1::2, 1::2]
        return self.conv(torch.cat(slices, 1))


class Dice(nn.Module):
    def forward(self, logits, target):
        both = logits.sigmoid() * target
        return 1 - 2 * both.sum() / (logits.sigmoid().sum() + target.sum())


@pytest.mark.parametrize(
    ("model", "input"),
    [
        (backbone, "N 3 H W"),
        (lambda: nn.Conv1d(5, 2, 3), "N 5 L"),
        (lambda: nn.Conv3d(1, 2, 3), "N 1 T H W"),
        (lambda: nn.Sequential(nn.ConvTranspose2d(40, 8, 4), nn.Conv2d(8, 3, 1)), "N 40 H W"),
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
        (Inner, "N 24 H W"),
        (Backboned, "N 3 H W"),
        (lambda: Squeezed(False), "N 12 H W"),
        (lambda: Squeezed(True), "N H W 12"),
        (Patches, "N 3 H W"),
        (Focus, "N 3 H W"),
        (lambda: nn.Sequential(nn.PixelUnshuffle(4), nn.Conv2d(48, 4, 3)), "N 3 H W"),
        (lambda: nn.Conv2d(12, 4, 3), "N 12 H W"),
        (lambda: nn.Sequential(nn.LayerNorm(12), nn.Linear(12, 4)), "N 12"),
        (lambda: nn.Sequential(nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 4, 1)), "N 5 H W"),
        (lambda: nn.Sequential(nn.GroupNorm(2, 6), nn.SiLU()), "N 6 H W"),
        (lambda: nn.BatchNorm3d(6), "N 6 T H W"),
    ],
)
def test_the_input_is_guessed(model, input):
    assert archlint.infer(model()).input.text == input


class Concat(nn.Module):
    """Takes a list, as YOLOv5's does."""

    def forward(self, tensors):
        return torch.cat(tensors, 1)


def test_a_list_is_guessed_where_one_is_wanted():
    found = archlint.infer(Concat())
    assert input_as_yaml(found.input) == ["N 3 H W", "N 3 H W"]
    assert (found.text, found.exact) == ("any size", True)


class NestedTensor:
    """Images of different sizes, padded, as DETR has them."""


class Detector(Backboned):
    def forward(self, samples: NestedTensor):
        height = max(image.shape[-2] for image in samples)
        width = max(image.shape[-1] for image in samples)
        batch = torch.zeros(len(samples), 3, height, width)
        for image, place in zip(samples, batch, strict=True):
            place[:, : image.shape[-2], : image.shape[-1]].copy_(image)
        return super().forward(batch)


class Pictures(Backboned):
    def forward(self, images: "List[torch.Tensor]"):  # noqa: F821
        return super().forward(torch.stack(images))


@pytest.mark.parametrize("model", [Detector, Pictures])
def test_a_list_of_images_is_guessed(model):
    found = archlint.infer(model())
    assert input_as_yaml(found.input) == ["3 H W"]
    assert (found.text, found.exact) == ("H, W >= 3", True)


class Outdated(nn.Module):
    """Calls what its library does not have any more."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

    def forward(self, image):
        return self.fc(self.conv(image, scale=2))


def test_an_error_with_every_input():
    with pytest.raises(archlint.ArchlintError) as caught:
        archlint.infer(Outdated())
    assert re.search(
        r"Outdated raises TypeError: .* unexpected keyword argument 'scale' with each guessed "
        r"input: N 3 H W, N 4, N T 4; --input states another$",
        str(caught.value),
    )


def test_tokens_are_guessed():
    found = archlint.infer(Reader())
    assert input_as_yaml(found.input) == {"shape": "N T", "dtype": "int64", "below": 30}
    assert found.text == "T >= 3"
    assert archlint.explain(Reader()).input == found.input
    found = archlint.infer(Codes())
    assert (found.input.text, found.input.below, found.text) == ("N K T", 9, "K >= 3")


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
    found = archlint.infer(Attention())
    assert input_as_yaml(found.input) == {"queries": "N T 8", "keys": "N S 8", "values": "N S 8"}
    assert found.text == "any size"
    assert input_as_yaml(archlint.infer(Dice()).input) == {
        "logits": "N 3 H W",
        "target": "N 3 H W",
    }
    assert input_as_yaml(archlint.infer(Translation()).input) == {
        "src": {"shape": "N T", "dtype": "int64", "below": 30},
        "trg": {"shape": "N S", "dtype": "int64", "below": 20},
    }


def test_a_guess_that_fails_is_said():
    with pytest.raises(archlint.ArchlintError) as e:
        archlint.infer(Stubborn())
    assert str(e.value) == (
        "Stubborn accepts none of the guessed inputs: N 5, N T 5, N H W 5, N 5 H W, N 3 H W "
        "(ValueError: never); use --input"
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
