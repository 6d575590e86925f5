"""Encoders of token ids with 16 positions, for the examples of the pack."""

import torch
from torch import Tensor, nn


class Encoder(nn.Module):
    """A vector for each word, and one for each position."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(100, 8)
        self.positions = nn.Embedding(16, 8)

    def forward(self, ids: Tensor) -> Tensor:
        return self.words(ids) + self.positions(torch.arange(ids.shape[1]))


class CuttingEncoder(Encoder):
    """Takes the first 16 tokens and says nothing of the others."""

    def forward(self, ids: Tensor) -> Tensor:
        return super().forward(ids[:, :16])
