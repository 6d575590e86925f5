"""Small models of tokens, frames and waveforms as people write them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Decoder(nn.Module):
    """A tiny language model with 64 positions."""

    def __init__(self) -> None:
        super().__init__()
        self.token, self.place = nn.Embedding(1000, 32), nn.Embedding(64, 32)
        self.norm, self.head = nn.LayerNorm(32), nn.Linear(32, 1000)
        self.qkv = nn.Linear(32, 96)

    def forward(self, ids: Tensor) -> Tensor:
        x = self.token(ids) + self.place(torch.arange(ids.shape[1]))
        n, t, _ = x.shape
        q, k, v = (y.view(n, t, 4, 8).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        x = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)
        return self.head(self.norm(x.reshape(n, t, 32)))


class CrossAttention(nn.Module):
    """Queries of one length, keys of another."""

    def __init__(self) -> None:
        super().__init__()
        self.attend = nn.MultiheadAttention(32, 4, batch_first=True)

    def forward(self, q: Tensor, k: Tensor) -> Tensor:
        return self.attend(q, k, k, need_weights=False)[0]


class Audio(nn.Module):
    """Four strided convolutions over a waveform; they need 465 samples for one frame."""

    def __init__(self) -> None:
        super().__init__()
        steps = ((1, 8, 10, 5), (8, 8, 8, 4), (8, 8, 4, 2), (8, 8, 4, 2), (8, 8, 4, 2))
        self.convs = nn.Sequential(*(nn.Conv1d(*s) for s in steps))

    def forward(self, x: Tensor) -> Tensor:
        return self.convs(x).mean(2)


class Tagger(nn.Module):
    """A tag for each frame, by an LSTM in both directions."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(40, 16, batch_first=True, bidirectional=True)
        self.head = nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x)[0])


def plain_linear() -> nn.Module:
    """Layers over the last size only."""
    return nn.Sequential(
        nn.Linear(64, 32), nn.ReLU(), nn.LayerNorm(32), nn.Dropout(), nn.Linear(32, 5)
    )
