# ruff: noqa: F722, F821, UP037, UP045
"""Models with jaxtyping annotations, in each form that source can have; jaxtyping is not needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, NamedTuple, Optional, TypedDict, Union

import torch
from torch import nn

if TYPE_CHECKING:
    import jaxtyping as jt
    from jaxtyping import Float, Int
    from jaxtyping import UInt8 as Byte
    from numpy import ndarray
    from torch import Tensor

    Image = Float[Tensor, "3 h w"]
    Batch = Float[Image, "b"]


class Conv(nn.Module):
    """The base of the models below; its ``forward`` has no annotations."""

    def __init__(self, width=8, stride=2):
        super().__init__()
        self.width = width
        self.conv = nn.Conv2d(3, width, 3, stride=stride, padding=1)

    def forward(self, x):
        return self.conv(x)


class RoundsUp(Conv):
    def forward(
        self, x: Float[Tensor, "b 3 h w"]
    ) -> Float[Tensor, "b {self.width} (h+1)//2 (w+1)//2"]:
        return self.conv(x)


class RoundsDown(Conv):
    def forward(self, x: Float[Tensor, "b c=3 h w"]) -> Float[Tensor, "b 8 h//2 w//2"]:
        return self.conv(x)


class Aliases(Conv):
    def forward(self, x: Batch, scale: float = 1.0) -> tuple[jt.Float[Tensor, "b 8 _ _w"], Tensor]:
        y = self.conv(x)
        return y * scale, y.mean()


class Decorated(Conv):
    @torch.no_grad()
    def forward(self, x: "Float[Tensor, 'b 3 h w']") -> "Float[Tensor, '... k']":
        return self.conv(x)


class Several(nn.Module):
    def forward(
        self,
        x: Float[Tensor, "b n d"],
        mask: Optional[Float[Tensor, "b n"]],
        y: Annotated[Union[Float[Tensor, "b n d"], Float[ndarray, "b n d"]], "same as x"],
        *rest: Tensor,
        scale: float = 1.0,
        **options: object,
    ) -> Float[Tensor, " b"]:
        return ((x * y).sum(-1) * mask).sum(-1)


class KeywordOnly(nn.Module):
    def forward(self, *, x: Float[Tensor, "b n"]) -> Float[Tensor, "b n"]:
        return x


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4)

    def forward(self, ids: Int[Tensor, "batch step"]) -> Float[Tensor, "batch step 4"]:
        return self.table(ids)


class Scalar(nn.Module):
    def forward(self, x: Byte[Tensor, "h w"]) -> Float[Tensor, ""]:
        return (x.float() / 255).mean()


@dataclass
class Result:
    features: Float[Tensor, "b 8 h2 w2"]
    extra: Optional[int] = None


class Pair(NamedTuple):
    first: Float[Tensor, "b 3 h w"]
    second: Float[Tensor, "b 8 h2 w2"]


class Views(TypedDict):
    left: Float[Tensor, "b 3 h w"]
    right: Float[Tensor, "b 3 h w"]


class ReturnsFields(Conv):
    def forward(self, x: Batch) -> Result:
        return Result(self.conv(x))


class ReturnsNames(Conv):
    def forward(self, x: Batch) -> Pair:
        return Pair(x, self.conv(x))


class TakesKeys(nn.Module):
    def forward(self, views: Views) -> Batch:
        return views["left"] + views["right"]


class NotStatable(nn.Module):
    def forward(
        self,
        x: Float[Tensor, "*batch 3 h/2"],
        n: int,
        z: Float[Tensor, "#b"],
        images: list[Float[Tensor, "3 h w"]],
        q: Float[Tensor, "b h/2"],
        a: Float[ndarray, "b"],
        either: Float[Tensor, "b"] | Float[Tensor, "b c"],
        k: jt.Key[Tensor, ""],
        s: Float[Tensor, "b,c"],
        m: Missing[Tensor, "b"],
        d: Float[Tensor, "b {self.depth}"],
    ) -> Float[Tensor, "free free"]:
        return x


class Unannotated(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x


def make():
    return RoundsUp(width=4)
