"""Backbones of four stages, for the examples of the pack."""

from torch import Tensor, nn


class Pyramid(nn.Module):
    """One stage for each of the strides 4, 8, 16 and 32."""

    strides = (4, 2, 2, 2)

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 8, 8, 8)
        self.stages = nn.ModuleList(
            nn.Conv2d(width, 8, 2 * stride - 1, stride=stride, padding=stride - 1)
            for width, stride in zip(widths, self.strides, strict=True)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        maps = []
        for stage in self.stages:
            image = stage(image)
            maps.append(image)
        return maps


class DilatedPyramid(Pyramid):
    """The second stage has stride 1, as in networks for segmentation."""

    strides = (4, 1, 2, 2)


class NamedPyramid(Pyramid):
    """Returns two maps by name."""

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        fine, coarse, *_ = super().forward(image)
        return {"fine": fine, "coarse": coarse}
