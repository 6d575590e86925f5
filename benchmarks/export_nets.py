"""Further models for the benchmark of torch.export: other inputs, unions, multiples, sequences."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.peers.sequences import Audio, CrossAttention, Decoder, Tagger


class Video(nn.Module):
    """Frames of a video, halved twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Conv3d(3, 4, 3, (1, 2, 2), 1), nn.Conv3d(4, 8, 3, 2)

    def forward(self, clip: Tensor) -> Tensor:
        return self.last(F.relu(self.first(clip))).mean((2, 3, 4))


class Joined(nn.Module):
    """A short and a long sequence, of which one is twice as long."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(6, 4)

    def forward(self, short: Tensor, long: Tensor) -> Tensor:
        return self.head(torch.cat([short, short], 1) + long)


class Masked(nn.Module):
    """Tokens with a mask of the same length."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.mix = nn.Embedding(100, 16), nn.Linear(16, 16)
        self.places = nn.Parameter(torch.zeros(48, 16))

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x = self.words(ids) + self.places[: ids.shape[1]]
        return (self.mix(x) * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)


class Upscaler(nn.Module):
    """Super-resolution: channels become pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.tail = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 12, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.tail(F.relu(self.body(x))), 2) + F.interpolate(
            x, scale_factor=2.0
        )


class Islands(nn.Module):
    """A dense head after pools of 32: accepts squares of 2 x 2 cells, and 1 x 4, and 4 x 1."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.pool, self.head = (
            nn.Conv2d(3, 4, 3, 1, 1),
            nn.MaxPool2d(32),
            nn.Linear(16, 5),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.pool(self.conv(x)).flatten(1))


class Layers(nn.Module):
    """A feed-forward net over rows, whose batch alone varies."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 3)
        )

    def forward(self, rows: Tensor) -> Tensor:
        return self.layers(rows)


class Encoder(nn.Module):
    """A layer of a transformer over frames."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)

    def forward(self, frames: Tensor) -> Tensor:
        return self.layer(frames)


class Spectral(nn.Module):
    """Frames of 64 samples of a waveform, as rows."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(64, 4)

    def forward(self, wave: Tensor) -> Tensor:
        return self.head(wave.view(wave.shape[0], -1, 64))


@dataclass(frozen=True)
class Net:
    """A model, the words of its ``--input`` and of its ``--within``."""

    build: type[nn.Module]
    input: str
    within: str


IDS = "dtype: int64, below: {}"
NETS = {
    "video": Net(Video, "N 3 T H W", "N in 1..3 and T in 3..16 and H, W in 5..48"),
    "joined": Net(Joined, "{short: N T 6, long: N 2*T 6}", "N in 1..4 and T in 1..40"),
    "masked": Net(Masked, f"{{ids: {{shape: N T, {IDS.format(100)}}}, mask: N T}}", "N in 1..4"),
    "upscaler": Net(Upscaler, "1 3 H W", "H, W in 1..64"),
    "islands": Net(Islands, "N 3 H W", "N in 1..2 and H, W in 32..160"),
    "layers": Net(Layers, "N 8", "N in 1..64"),
    "encoder": Net(Encoder, "N T 16", "N in 1..4 and T in 1..64"),
    "spectral": Net(Spectral, "N T", "N in 1..4 and T in 64..1024"),
    "decoder": Net(Decoder, f"{{shape: N T, {IDS.format(1000)}}}", "N in 1..4 and T in 1..64"),
    "cross_attention": Net(CrossAttention, "{q: N Q 32, k: N K 32}", "N in 1..4 and Q, K in 1..32"),
    "audio": Net(Audio, "N 1 T", "N in 1..4 and T in 400..4000"),
    "tagger": Net(Tagger, "N T 40", "N in 1..4 and T in 1..40"),
}
